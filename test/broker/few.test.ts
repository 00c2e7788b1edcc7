/** A set that needs no table for one element is a set all the same. */
import t from 'tap';
import { Few } from '../../src/broker/few.js';

t.test('none, one, and more, in their order', async (t) => {
  const [a, b, c] = [{ id: 'a' }, { id: 'b' }, { id: 'c' }];
  const few = new Few<{ id: string }>();
  const all = () => [few.size, few.first?.id, ...[...few].map(({ id }) => id)];
  t.same(all(), [0, undefined]);
  t.equal(few.delete(a), false);
  few.add(a);
  few.add(a);
  t.same(all(), [1, 'a', 'a']);
  t.same([few.has(a), few.has(b), few.delete(b)], [true, false, false]);
  t.equal(few.delete(a), true);
  t.same(all(), [0, undefined]);
  for (const each of [b, a, c, b]) few.add(each);
  t.same(all(), [3, 'b', 'b', 'a', 'c']);
  t.same([few.delete(b), few.delete(b), few.has(b), few.has(c)], [true, false, false, true]);
  t.same(all(), [2, 'a', 'a', 'c']);
  few.clear();
  t.same(all(), [0, undefined]);
  few.add(c);
  t.same(all(), [1, 'c', 'c']);
});
