/** What one allocation is charged: from its reservation until its memory is gone. */

import { type Amount, NOTHING } from '../../memory/charged.js';
import { type Account, difference } from './account.js';

/** Who is charged. */
export interface Who {
  /** The user that answers for it (a container's subuids answer to their owner). */
  readonly uid: number;
  /** Path in the cgroup hierarchy, or null where it is not known. */
  readonly cgroup: string | null;
  /** The groups of the process, as of its connection; null where they are not known. */
  readonly gid: number | null;
  readonly groups: readonly number[] | null;
  /** Null for a user of REST. */
  readonly connection: string | null;
}

/** What somebody is charged for an allocation, and what of it in which heaps (heaps.ts). */
export interface Charged {
  readonly who: Who;
  readonly source: string;
  readonly amount: Amount;
  readonly heaps: ReadonlyMap<string, Amount>;
}

/** The ledger's side: one for all charges. */
interface Book {
  /** It is to be charged so much instead. Throws `limit_exceeded` and changes nothing where that is too much. */
  change(charge: Charge, to: Amount): void;
  /** The same without asking. */
  set(charge: Charge, to: Amount): void;
  end(charge: Charge): void;
  /** So much of what is charged lingers; less than nothing: no longer. */
  linger(charge: Charge, amount: Amount): void;
  /** Charges a heap, or throws `limit_exceeded`; whatever its limit, where it is `forced`. */
  heap(charge: Charge, key: string, amount: Amount, forced: boolean): Charge;
}

/** What most are charged in heaps. */
export const NO_HEAPS: ReadonlyMap<string, Amount> = new Map();
const NO_PARTS: readonly Charge[] = [];

/** What was settled last: many buffers are alike, and need not have an amount each. */
let settled: Amount = NOTHING;

function settledAmount(bytes: number, fds: number): Amount {
  if (settled.bytes !== bytes || settled.fds !== fds || settled.buffers !== 1) {
    settled = { bytes, buffers: 1, fds, pending: 0 };
  }
  return settled;
}

export class Charge {
  #amount: Amount;
  #heaps = NO_PARTS;
  #lingering = false;
  #released = false;

  /** Made by `Ledger.reserve`. */
  constructor(
    readonly who: Who,
    readonly source: string,
    reserved: Amount,
    /** The accounts that have it: the ledger's, and perhaps others' charges', too. */
    readonly accounts: Account[],
    private readonly book: Book,
  ) {
    this.#amount = reserved;
  }

  /** As it is now. */
  get charged(): Charged {
    return { who: this.who, source: this.source, amount: this.amount, heaps: this.#heapAmounts };
  }

  get #heapAmounts(): ReadonlyMap<string, Amount> {
    if (this.#heaps.length === 0) return NO_HEAPS;
    return new Map(this.#heaps.map(({ source, amount }) => [source, amount]));
  }

  /** What of it counts for a source or heap; all of it does for the daemon (null). */
  of(source: string | null): Amount {
    if (source === null || source === this.source) return this.#amount;
    return this.#heaps.find((heap) => heap.source === source)?.amount ?? NOTHING;
  }

  get amount(): Amount {
    return this.#amount;
  }

  get released(): boolean {
    return this.#released;
  }

  /** How much of it is for memory that its owner has released. */
  get lingering(): Amount {
    return this.#lingering ? this.#amount : NOTHING;
  }

  /**
   * The allocation was answered: the estimate becomes what it really is. Throws `limit_exceeded`
   * where that is more than may be had; what was charged before stays charged until `release`.
   */
  settle(bytes: number, fds: number, heaps: ReadonlyMap<string, Amount> = NO_HEAPS): void {
    if (this.#released) throw new Error('the charge is released already');
    const actual = settledAmount(bytes, fds);
    const before = { amount: this.#amount, heaps: this.#heapAmounts };
    this.book.change(this, actual);
    this.#amount = actual;
    try {
      this.#settleHeaps(heaps, false);
    } catch (error) {
      this.#settleHeaps(before.heaps, true);
      this.book.set(this, before.amount);
      this.#amount = before.amount;
      throw error;
    }
  }

  /** Charges these heaps in place of those before; `forced` as in Book. */
  #settleHeaps(heaps: ReadonlyMap<string, Amount>, forced: boolean): void {
    for (const heap of this.#heaps) heap.release();
    this.#heaps = NO_PARTS;
    for (const [key, amount] of heaps) {
      this.#heaps = [...this.#heaps, this.book.heap(this, key, amount, forced)];
    }
  }

  /** Made by `Ledger.impose`: what is in these heaps, whatever the limits. */
  imposeHeaps(heaps: ReadonlyMap<string, Amount>): void {
    this.#settleHeaps(heaps, true);
  }

  /** Other bytes, whatever the limits: for what becomes less, or goes back to what it was. */
  resize(bytes: number): void {
    if (this.#released) throw new Error('the charge is released already');
    const actual = { ...this.#amount, bytes };
    this.book.set(this, actual);
    this.#amount = actual;
  }

  /** Its owner has released the buffer: what is charged from now on cannot be asked for. Once. */
  linger(): void {
    this.#lingering = true;
    this.book.linger(this, this.#amount);
    for (const heap of this.#heaps) heap.linger();
  }

  /** The memory is gone, or was never had. Exactly once. */
  release(): void {
    if (this.#released) throw new Error('the charge is released already');
    this.#released = true;
    if (this.#lingering) this.book.linger(this, difference(NOTHING, this.#amount));
    this.#settleHeaps(NO_HEAPS, true);
    this.book.end(this);
  }
}
