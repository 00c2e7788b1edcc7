/** The ring keeps the last events, and knows for each id whether something is missing after it. */
import t from 'tap';
import { EventRing } from '../../../src/server/events/ring.js';
import { draft } from './support/drafts.js';

t.test('the last events are kept under growing ids', async (t) => {
  const ring = new EventRing(3);
  t.equal(ring.oldest, 1);
  ring.push(['a', 'b', 'c', 'd'].map((buffer) => draft({ buffer })));
  t.equal(ring.oldest, 2);
  t.equal(ring.next, 5);
  t.throws(() => ring.at(1), RangeError);
  t.throws(() => ring.at(5), RangeError);
  t.same(
    [2, 3, 4].map((number) => ring.at(number).buffer),
    ['b', 'c', 'd'],
  );
  t.match(ring.at(4).id, /^[0-9a-f]{8}-4$/);
});

t.test('a reader goes on after its last event, or is told why it cannot', async (t) => {
  const ring = new EventRing(3);
  const start = ring.idBefore(1);
  ring.push(['a', 'b', 'c'].map((buffer) => draft({ buffer })));
  t.same(ring.placeAfter(null), { next: 4, gap: null });
  t.same(ring.placeAfter(start), { next: 1, gap: null });
  t.same(ring.placeAfter(ring.at(3).id), { next: 4, gap: null }, 'nothing was missed');
  const second = ring.at(2).id;
  t.same(ring.placeAfter(second), { next: 3, gap: null });
  ring.push([draft({})]);
  t.same(ring.placeAfter(start), { next: 5, gap: 'overrun' });
  t.same(ring.placeAfter(second), { next: 3, gap: null });
  t.same(ring.placeAfter('00000000-2'), { next: 5, gap: 'restarted' });
  const future = second.replace(/-2$/, '-9');
  t.same(ring.placeAfter(future), { next: 5, gap: 'restarted' }, 'an id that was never given');
});

t.test('a sealed id leads on, and tells no number', async (t) => {
  const ring = new EventRing(3);
  const start = ring.idBefore(1, true);
  ring.push(['a', 'b'].map((buffer) => draft({ buffer })));
  const ids = [1, 2, 3, 3].map((number) => ring.idBefore(number, true));
  t.equal(new Set([...ids, start]).size, 5, 'the same place never looks the same');
  for (const id of ids) t.match(id, /^[0-9a-f]{8}-[0-9a-f]{32}$/);
  t.same(
    ids.map((id) => ring.placeAfter(id, true)),
    [1, 2, 3, 3].map((next) => ({ next, gap: null })),
  );
  const unknown = { next: 3, gap: 'restarted' };
  t.same(ring.placeAfter(ring.at(1).id, true), unknown, 'numbers cannot be tried');
  t.same(
    ring.placeAfter(ids[0]?.replace(/.$/, (c) => (c === '0' ? '1' : '0')) ?? '', true),
    unknown,
  );
  t.same(ring.placeAfter(new EventRing().idBefore(1, true), true), unknown);
  ring.push(['c', 'd'].map((buffer) => draft({ buffer })));
  t.same(ring.placeAfter(start, true), { next: 5, gap: 'overrun' });
});

t.test('two runs do not share ids', async (t) => {
  t.not(new EventRing().idBefore(1), new EventRing().idBefore(1));
});
