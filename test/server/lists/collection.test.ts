/** Lists in pages: nothing twice, nothing left out, whatever comes and goes between the pages. */
import fc from 'fast-check';
import t from 'tap';
import { BrokerError } from '../../../src/memory/errors.js';
import { Collection, type ListQuery } from '../../../src/server/lists/collection.js';

interface Thing {
  readonly id: string;
  readonly size: number;
}

const make = () => new Collection<Thing>({ size: ({ size }) => size, id: ({ id }) => id });
const all = (query: Partial<ListQuery<Thing>> = {}): ListQuery<Thing> => ({
  sort: 'size',
  limit: 100,
  filter: () => true,
  ...query,
});
const ids = (collection: Collection<Thing>, query: Partial<ListQuery<Thing>> = {}) =>
  collection.list(all(query)).items.map(({ view }) => view.id);

t.test('orders, and ids where the keys are the same', async (t) => {
  const collection = make();
  for (const [id, size] of [
    ['c10', 1],
    ['c9', 1],
    ['c1', 2],
    ['c2', 0],
  ] as const) {
    collection.set({ id, size });
  }
  t.same(ids(collection), ['c2', 'c9', 'c10', 'c1']);
  t.same(ids(collection, { sort: '-size' }), ['c1', 'c10', 'c9', 'c2']);
  t.same(ids(collection, { filter: ({ size }) => size === 1, limit: 1 }), ['c9']);
  collection.set({ id: 'c9', size: 5 });
  t.same(ids(collection), ['c2', 'c10', 'c1', 'c9'], 'it has moved');
  t.equal(collection.get('c9')?.size, 5);
  collection.delete('c9');
  collection.delete('c9');
  t.same(ids(collection), ['c2', 'c10', 'c1']);
});

t.test('the JSON is that of the record as it is now', async (t) => {
  const collection = make();
  const texts = () => collection.list(all()).items.map(({ text }) => text);
  collection.set({ id: 'a', size: 1 });
  t.same(texts(), ['{"id":"a","size":1}']);
  collection.set({ id: 'a', size: 2 });
  t.same(texts(), ['{"id":"a","size":2}']);
});

t.test('cursors that are not of this list are refused', async (t) => {
  const collection = make();
  collection.set({ id: 'a', size: 1 });
  collection.set({ id: 'b', size: 2 });
  const { next } = collection.list(all({ limit: 1 }));
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const strange = [
    'x',
    '',
    encode(null),
    encode(['size', 1]),
    encode(['size', {}, 'a']),
    encode(['size', 1, 2]),
  ];
  for (const cursor of [...strange, encode(['id', 'a', 'a'])]) {
    t.throws(() => collection.list(all({ cursor })), BrokerError, cursor);
  }
  t.same(ids(collection, { cursor: next ?? '' }), ['b']);
  t.throws(() => collection.list(all({ cursor: next ?? '', sort: '-size' })), {
    code: 'invalid_argument',
  });
  t.throws(() => collection.list(all({ sort: 'colour' })), /nothing is sorted by colour/);
});

t.test('what exists all the time is listed exactly once', async () => {
  const thing = fc.record({ id: fc.stringMatching(/^[a-z]{1,2}$/), size: fc.nat(3) });
  const change = fc.record({ add: fc.array(thing), remove: fc.array(fc.nat(1000)) });
  fc.assert(
    fc.property(
      fc.array(thing, { maxLength: 40 }),
      fc.array(change, { maxLength: 30 }),
      fc.constantFrom('size', '-size', 'id', '-id'),
      fc.integer({ min: 1, max: 7 }),
      (start, changes, sort, limit) => {
        const collection = make();
        const present = new Map<string, Thing>();
        const add = (one: Thing) => {
          if (present.has(one.id)) return;
          present.set(one.id, one);
          collection.set(one);
        };
        for (const one of start) add(one);
        const always = new Set(present.keys());
        const seen: string[] = [];
        let cursor: string | null | undefined;
        for (let page = 0; cursor !== null; page++) {
          const { items, next } = collection.list(all({ sort, limit, cursor }));
          if (items.length > limit) throw new Error('the page is too long');
          seen.push(...items.map(({ view }) => view.id));
          cursor = next;
          const { add: added, remove } = changes[page] ?? { add: [], remove: [] };
          for (const pick of remove) {
            const id = [...present.keys()][pick % present.size];
            if (id === undefined) continue;
            present.delete(id);
            always.delete(id);
            collection.delete(id);
          }
          for (const one of added) add(one);
        }
        const repeated = seen.filter((id, index) => always.has(id) && seen.indexOf(id) !== index);
        const skipped = [...always].filter((id) => !seen.includes(id));
        if (repeated.length + skipped.length > 0) {
          throw new Error(`twice: ${repeated.join()}; never: ${skipped.join()}`);
        }
      },
    ),
    { numRuns: 2000 },
  );
});
