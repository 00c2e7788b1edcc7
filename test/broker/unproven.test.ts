/** What nobody has by its count: trusted up to a bound, and sought in all processes. */
import fc from 'fast-check';
import t from 'tap';
import { type Suspect, type Swept, Unproven, type Verdict } from '../../src/broker/unproven.js';
import { MAX_UNPROVEN, SOUGHT_AT_ONCE } from '../../src/memory/limits.js';
import { FakeClock } from '../support/clock.js';

const [ALICE, BOB] = [1000, 1001];
const TRUSTED = 100;
const GRACE_MS = 60_000;

const nothing: Swept = { held: [], hidden: false, unread: [], inFlight: new Map(), took: 5 };

function make(trusted = TRUSTED) {
  const clock = new FakeClock();
  const sweeps: (readonly string[])[] = [];
  const world = { clock, sweep: (identities: readonly string[]) => void sweeps.push(identities) };
  const unproven = new Unproven(world, trusted, GRACE_MS);
  let last = 0;
  const suspect = (bytes: number, changes: Partial<Suspect> = {}): Suspect => ({
    identities: [`1:${++last}`],
    bytes,
    owner: ALICE,
    users: [ALICE],
    outside: false,
    ...changes,
  });
  /** What the next sweep was asked for, when it is time for it. */
  const asked = () => {
    if (unproven.wait > 0) clock.pass(unproven.wait);
    unproven.run();
    return sweeps.pop() ?? null;
  };
  const sweep = (found: Partial<Swept> = {}) => {
    asked();
    unproven.swept({ ...nothing, ...found });
  };
  return { clock, sweeps, unproven, suspect, asked, sweep };
}

t.test('a user is trusted so many bytes, until they are proven to be gone', async (t) => {
  const { unproven, suspect, asked } = make();
  const first = suspect(60);
  t.ok(unproven.trust(first));
  t.notOk(unproven.trust(suspect(41)));
  t.ok(unproven.trust(suspect(40)));
  t.ok(unproven.trust(suspect(100, { owner: BOB, users: [BOB] })), 'each for itself');
  t.equal(unproven.bytes, 200);
  t.same(asked(), ['1:1', '1:3', '1:4']);
  unproven.swept({ ...nothing, held: ['1:1'] });
  t.equal(unproven.bytes, 60, 'two are gone');
  t.notOk(unproven.trust(suspect(41)));
  t.ok(unproven.trust(suspect(40)));
  t.same(asked(), ['1:1', '1:6'], 'what is held is sought again');
  unproven.swept(nothing);
  t.equal(unproven.bytes, 0);
  t.equal(unproven.wait, -1);
});

t.test('0: nothing is trusted; without a bound, nothing is sought', async (t) => {
  const none = make(0);
  t.notOk(none.unproven.trust(none.suspect(1)));
  const all = make(Number.POSITIVE_INFINITY);
  t.ok(all.unproven.trust(all.suspect(2 ** 50)));
  t.equal(all.unproven.wait, -1);
});

t.test('nobody keeps a list without end, nor takes all of it', async (t) => {
  const { unproven, suspect } = make(Number.MAX_SAFE_INTEGER);
  const trusted = (owner: number) => {
    let count = 0;
    while (unproven.trust(suspect(1, { owner, users: [owner] }))) count++;
    return count;
  };
  t.equal(trusted(ALICE), MAX_UNPROVEN / 2);
  t.equal(trusted(BOB), MAX_UNPROVEN / 4);
});

t.test('what is charged is sought, too, and told what was seen', async (t) => {
  const { unproven, suspect, sweep, asked } = make();
  const told: Verdict[] = [];
  const giveUp = unproven.seek(suspect(1000), (verdict) => void told.push(verdict));
  sweep({ held: ['1:1'] });
  sweep({ unread: [ALICE] });
  sweep();
  t.same(told, ['held', 'unknown', 'gone']);
  t.equal(unproven.wait, -1, 'then it is over');
  giveUp();
  unproven.seek(suspect(1), (verdict) => void told.push(verdict))();
  t.equal(asked(), null, 'it was given up');
});

t.test('a sweep begins after what it is asked about', async (t) => {
  const { unproven, suspect, asked } = make();
  unproven.trust(suspect(1));
  t.same(asked(), ['1:1']);
  unproven.trust(suspect(2));
  t.equal(unproven.wait, -1, 'one at a time');
  unproven.swept(nothing);
  t.equal(unproven.bytes, 2, 'it was released while that sweep went on');
  t.same(asked(), ['1:2']);
});

t.test('sweeps take a tenth of the time at most, and a second lies between two', async (t) => {
  const { unproven, suspect, asked, clock } = make();
  unproven.trust(suspect(1));
  t.equal(unproven.wait, 0);
  asked();
  unproven.swept({ ...nothing, held: ['1:1'], took: 20 });
  t.equal(unproven.wait, 1000);
  clock.pass(1000);
  asked();
  unproven.swept({ ...nothing, held: ['1:1'], took: 700 });
  t.equal(unproven.wait, 7000);
});

t.test('sweeps that cannot see become rarer', async (t) => {
  const { unproven, suspect, asked } = make(0);
  unproven.seek(suspect(1), () => {});
  const waits: number[] = [];
  for (let i = 0; i < 8; i++) {
    asked();
    unproven.swept({ ...nothing, hidden: true });
    waits.push(unproven.wait);
  }
  t.same(waits, [2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  asked();
  unproven.swept({ ...nothing, held: ['1:1'] });
  t.equal(unproven.wait, 1000);
});

t.test('of whose processes not all were read nothing is proven', async (t) => {
  for (const blind of [{ hidden: true }, { unread: [ALICE] }]) {
    const { unproven, suspect, sweep } = make();
    unproven.trust(suspect(10));
    unproven.trust(suspect(20, { owner: BOB, users: [BOB] }));
    unproven.trust(suspect(30, { owner: BOB, users: [ALICE, BOB] }));
    t.notOk(unproven.isBlindTo(suspect(1)), 'not before it was tried');
    sweep(blind);
    t.equal(unproven.bytes, 'hidden' in blind ? 60 : 40, 'bob’s own is another matter');
    t.ok(unproven.isBlindTo(suspect(1)));
    sweep();
    t.equal(unproven.bytes, 0);
  }
});

t.test('nor of what was handed to another pid namespace', async (t) => {
  const { unproven, suspect, sweep } = make();
  unproven.trust(suspect(10, { outside: true }));
  sweep();
  t.equal(unproven.bytes, 10);
});

t.test('what no sweep proves is kept in mind for a while, what is held for as long', async (t) => {
  const { unproven, suspect, sweep, clock } = make();
  unproven.trust(suspect(10));
  unproven.trust(suspect(20));
  clock.pass(GRACE_MS);
  sweep({ unread: [ALICE], held: ['1:2'] });
  t.equal(unproven.bytes, 20);
  clock.pass(GRACE_MS);
  sweep({ held: ['1:2'] });
  sweep({ unread: [ALICE] });
  t.equal(unproven.bytes, 20, 'it was seen a moment ago');
  clock.pass(GRACE_MS);
  sweep({ unread: [ALICE] });
  t.equal(unproven.bytes, 0);
});

t.test('descriptors in messages may be of any memory: the largest are taken for it', async (t) => {
  const { unproven, suspect, sweep } = make();
  for (const bytes of [5, 20, 10]) unproven.trust(suspect(bytes));
  unproven.trust(suspect(50, { owner: BOB, users: [BOB] }));
  sweep({ inFlight: new Map([[ALICE, 2]]) });
  t.equal(unproven.bytes, 30, 'one of hers, and bob’s, are proven to be gone');
  sweep({ inFlight: new Map([[ALICE, 1]]) });
  t.equal(unproven.bytes, 20);
  unproven.trust(suspect(30, { users: [ALICE, BOB] }));
  sweep({ inFlight: new Map([[BOB, 1]]) });
  t.equal(unproven.bytes, 30, 'bob was handed it');
  sweep();
  t.equal(unproven.bytes, 0);
});

t.test('more than one sweep is asked for: all come to their turn', async (t) => {
  const { unproven, suspect, asked } = make(0);
  const sought = new Set<string>();
  const all = Array.from({ length: SOUGHT_AT_ONCE + 10 }, () => suspect(1));
  for (const each of all) unproven.seek(each, () => {});
  for (let i = 0; i < 2; i++) {
    const identities = asked() ?? [];
    t.equal(identities.length, SOUGHT_AT_ONCE);
    for (const identity of identities) sought.add(identity);
    unproven.swept({ ...nothing, held: identities });
  }
  t.equal(sought.size, all.length);
});

t.test('whatever is released and seen, the sum is that of what is not proven', async () => {
  const step = fc.record({
    bytes: fc.integer({ min: 1, max: 60 }),
    owner: fc.constantFrom(ALICE, BOB),
    kept: fc.boolean(),
    sweep: fc.boolean(),
    letGo: fc.nat(20),
    blind: fc.constantFrom(null, ALICE, BOB),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { unproven, suspect, sweep } = make();
      /** Really held, by identity; and what is neither charged nor proven, by owner. */
      const held = new Set<string>();
      const open: Suspect[] = [];
      for (const { bytes, owner, kept, letGo, blind, ...each } of steps) {
        const one = suspect(bytes, { owner, users: [owner] });
        if (kept) held.add(one.identities[0] ?? '');
        if (unproven.trust(one)) open.push(one);
        if (each.sweep) {
          const [first] = [...held].slice(letGo);
          if (first !== undefined) held.delete(first);
          sweep({ held: [...held], unread: blind === null ? [] : [blind] });
          const left = open.filter((s) => held.has(s.identities[0] ?? '') || s.owner === blind);
          open.splice(0, open.length, ...left);
        }
        const sum = (who: number) =>
          open.filter((s) => s.owner === who).reduce((all, s) => all + s.bytes, 0);
        for (const who of [ALICE, BOB]) if (sum(who) > TRUSTED) return false;
        if (unproven.bytes !== sum(ALICE) + sum(BOB)) return false;
      }
      // When nobody has anything any more, all is proven and nothing is sought.
      sweep();
      return unproven.bytes === 0 && unproven.wait === -1;
    }),
    { numRuns: 300 },
  );
});
