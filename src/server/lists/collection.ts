/**
 * Records that are listed: kept in every order that a list can have, and cut into pages.
 *
 * A page's cursor names the sort key and the id of its last record, so that the next page begins
 * after that place whatever has come or gone meanwhile: what exists all the time and keeps its key
 * is listed exactly once.
 */
import { BrokerError } from '../../memory/errors.js';

type Key = string | number;

/** A record with its JSON, which is made when it is first listed and kept until it changes. */
export class Item<T> {
  #text: string | null = null;

  constructor(readonly view: T) {}

  get text(): string {
    this.#text ??= JSON.stringify(this.view);
    return this.#text;
  }
}

export interface ListQuery<T> {
  /** A key's name; with `-` before it, in descending order. */
  readonly sort: string;
  readonly limit: number;
  /** The `next` of the page before; undefined for the first. */
  readonly cursor?: string | undefined;
  readonly filter: (view: T) => boolean;
}

export interface Page<T> {
  readonly items: readonly Item<T>[];
  /** The cursor of the next page; null where this is the last. */
  readonly next: string | null;
}

interface Place {
  readonly key: Key;
  readonly id: string;
}

export class Collection<T extends { readonly id: string }> {
  readonly #items = new Map<string, Item<T>>();
  readonly #orders: Readonly<Record<string, Order<T>>>;

  /** `keys`: what records can be sorted by. */
  constructor(keys: Readonly<Record<string, (view: T) => Key>>) {
    this.#orders = Object.fromEntries(
      Object.entries(keys).map(([name, key]) => [name, new Order(key)]),
    );
  }

  get(id: string): T | undefined {
    return this.#items.get(id)?.view;
  }

  /** All records, in no order. */
  get views(): T[] {
    return [...this.#items.values()].map(({ view }) => view);
  }

  /** Adds a record, or replaces the one with its id. */
  set(view: T): void {
    this.delete(view.id);
    const item = new Item(view);
    this.#items.set(view.id, item);
    for (const order of Object.values(this.#orders)) order.add(item);
  }

  delete(id: string): void {
    const item = this.#items.get(id);
    if (item === undefined) return;
    this.#items.delete(id);
    for (const order of Object.values(this.#orders)) order.remove(item);
  }

  /** Throws `invalid_argument` for a cursor that is not of this order. */
  list({ sort, limit, cursor, filter }: ListQuery<T>): Page<T> {
    const descending = sort.startsWith('-');
    const order = this.#orders[descending ? sort.slice(1) : sort];
    if (order === undefined) throw new Error(`nothing is sorted by ${sort}`);
    const after = cursor === undefined ? null : readCursor(sort, cursor);
    const items: Item<T>[] = [];
    for (const item of order.from(after, descending)) {
      if (!filter(item.view)) continue;
      const last = items.at(-1);
      if (items.length === limit && last !== undefined) {
        return { items, next: writeCursor(sort, order.placeOf(last)) };
      }
      items.push(item);
    }
    return { items, next: null };
  }
}

/** All items by one key, and by id where it is the same. */
class Order<T extends { readonly id: string }> {
  readonly #items: Item<T>[] = [];

  constructor(private readonly key: (view: T) => Key) {}

  placeOf({ view }: Item<T>): Place {
    return { key: this.key(view), id: view.id };
  }

  add(item: Item<T>): void {
    this.#items.splice(this.#firstNotBefore(this.placeOf(item)), 0, item);
  }

  remove(item: Item<T>): void {
    this.#items.splice(this.#firstNotBefore(this.placeOf(item)), 1);
  }

  /** Everything after a place, in one direction or the other. */
  *from(after: Place | null, descending: boolean): Iterable<Item<T>> {
    const items = this.#items;
    let at: number;
    if (after === null) at = descending ? items.length - 1 : 0;
    else {
      at = this.#firstNotBefore(after);
      const found = items[at];
      if (descending) at--;
      else if (found !== undefined && compare(this.placeOf(found), after) === 0) at++;
    }
    for (let item = items[at]; item !== undefined; item = items[at]) {
      yield item;
      at += descending ? -1 : 1;
    }
  }

  #firstNotBefore(place: Place): number {
    let low = 0;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const item = this.#items[middle];
      if (item !== undefined && compare(this.placeOf(item), place) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function compare(a: Place, b: Place): number {
  if (a.key !== b.key) return a.key < b.key ? -1 : 1;
  // `c10` comes after `c9`.
  if (a.id.length !== b.id.length) return a.id.length - b.id.length;
  return a.id === b.id ? 0 : a.id < b.id ? -1 : 1;
}

function writeCursor(sort: string, { key, id }: Place): string {
  return Buffer.from(JSON.stringify([sort, key, id])).toString('base64url');
}

function readCursor(sort: string, cursor: string): Place {
  let place: unknown;
  try {
    place = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    // Not ours: refused below.
  }
  if (Array.isArray(place) && place.length === 3 && place[0] === sort) {
    const [, key, id]: unknown[] = place;
    if ((typeof key === 'string' || typeof key === 'number') && typeof id === 'string') {
      return { key, id };
    }
  }
  throw new BrokerError('invalid_argument', `cursor is not of a list that is sorted by ${sort}`, {
    constraint: 'cursor',
    requested: cursor,
  });
}
