/** Equal parts of records are one object, and a record says the same as before. */
import t from 'tap';
import { shared } from '../../../src/server/lists/shared.js';

const record = (id: string, more: object = {}) => ({
  id,
  owner: { uid: 1, groups: [1, 2], unit: null },
  planes: [{ offset: 0 }, { offset: 64 }],
  recipients: [{ client: 'c1', groups: [1, 2], received_at: id }],
  ...more,
});

t.test('what is the same is shared, and nothing else changes', async (t) => {
  const first = record('a');
  const second = shared(record('b'), first);
  t.same(second, record('b'));
  t.equal(second.owner, first.owner);
  t.equal(second.planes, first.planes);
  t.not(second.recipients, first.recipients);
  t.equal(second.recipients[0]?.groups, first.recipients[0]?.groups);
  t.same(first, record('a'));
  t.equal(shared(record('a'), first), first, 'all of it');
  t.equal(shared(record('a'), null).id, 'a');
});

t.test('what differs stays as it is', async (t) => {
  const others: object[] = [
    { owner: null },
    { owner: { uid: 1, groups: [1], unit: null } },
    { owner: { uid: 1, groups: [1, 2] } },
    { owner: { uid: 1, groups: [1, 2], unit: null, cgroup: undefined } },
    { owner: [] },
    { planes: [] },
    { planes: [{ offset: 0 }] },
    { planes: [{ offset: 0 }, { offset: 64 }, { offset: 128 }] },
    { planes: { 0: { offset: 0 } } },
  ];
  for (const other of others) {
    const first = record('a');
    t.same(shared(record('a', other), first), record('a', other));
    t.same(first, record('a'));
    const odd = record('a', other);
    t.same(shared(record('a'), odd), record('a'));
    t.same(odd, record('a', other));
  }
});
