/** Every byte of a buffer is charged once. */
import fc from 'fast-check';
import t from 'tap';
import { shares } from '../../src/broker/shares.js';

t.same([...shares('owner', 10, 1, [2, 3])], [[1, 10]]);
t.same([...shares('importers', 10, 1, [])], [[1, 10]]);
t.same([...shares('importers', 10, 1, [1, 1])], [[1, 10]], 'the owner itself is no importer');
t.same([...shares('importers', 10, 1, [1, 2])], [[2, 10]]);
t.same(
  [...shares('importers', 10, null, [4, 3, 4, 2])],
  [
    [2, 4],
    [3, 3],
    [4, 3],
  ],
);
t.same(
  [...shares('importers', 1, 1, [3, 2])],
  [
    [2, 1],
    [3, 0],
  ],
);

t.test('their sum is the size', async (t) => {
  const uid = fc.nat(5);
  const property = fc.property(
    fc.constantFrom('owner' as const, 'importers' as const),
    fc.maxSafeNat(),
    fc.option(uid),
    fc.array(uid),
    (policy, size, owner, recipients) => {
      const found = [...shares(policy, size, owner, recipients).values()];
      return found.reduce((sum, bytes) => sum + bytes, 0) === size;
    },
  );
  t.doesNotThrow(() => fc.assert(property));
});
