/** Memory is shown to displays, one conversation at a time: whose turn it is, copies of fds, cards that do not answer. */
import { closeSync, fstatSync, openSync } from 'node:fs';
import t from 'tap';
import { MOD_LINEAR } from '../../../src/memory/fourcc.js';
import type { Picture, Scanout } from '../../../src/memory/scanout.js';
import type { Talk } from '../../../src/native/kms/talk.js';
import type { LongCall } from '../../../src/native/later.js';
import { ANSWER_MS, ShownMemory } from '../../../src/server/plane/shown.js';
import { FakeClock } from '../../support/clock.js';

const takes: Scanout = { state: 'verified', reason: 'it takes it' };
const call: LongCall = { fn: 1, args: [] };

function bench(t: { teardown(end: () => void): void }, cards = ['card0']) {
  const clock = new FakeClock();
  const fd = openSync('/dev/null', 'r');
  t.teardown(() => closeSync(fd));
  const running: ((result: number) => void)[] = [];
  const talks: [string, number][] = [];
  const defects: string[] = [];
  const talk = function* (path: string, pictures: readonly Picture[]): Talk<Scanout> {
    const copy = pictures[0]?.planes[0]?.fd ?? -1;
    if (copy === fd) throw new Error('it is no copy');
    talks.push([path, copy]);
    if ((yield call) === -1) throw new Error('a defect');
    return takes;
  };
  const threads = { left: Number.POSITIVE_INFINITY };
  const begin = (_: LongCall, done: (result: number) => void) => {
    if (--threads.left < 0) return false;
    running.push(done);
    return true;
  };
  const shown = new ShownMemory(begin, clock, cards, (stack) => defects.push(stack), talk);
  const picture: Picture = {
    ...{ width: 1, height: 1, format: 1, modifier: MOD_LINEAR },
    planes: [0, 1].map((offset) => ({ fd, offset, stride: 4 })),
  };
  const said: string[] = [];
  const ask = (name: string, uid = 0) =>
    shown.ask({ uid, connection: null }, [picture], ({ state }) => said.push(`${name} ${state}`));
  const over = (result = 0) => running.shift()?.(result);
  const isOpen = (copy: number) => {
    try {
      return fstatSync(copy).ino === fstatSync(fd).ino;
    } catch {
      return false;
    }
  };
  return { shown, clock, ask, over, said, talks, defects, isOpen, running, threads };
}

t.test('users take turns, and each has copies of its fds until the card is closed', async (t) => {
  const { shown, ask, over, said, talks, isOpen, running } = bench(t);
  for (const name of ['a1', 'a2', 'a3']) ask(name, 1);
  ask('b1', 2);
  t.equal(running.length, 1, 'one at a time');
  const [[, copy] = ['', -1]] = talks;
  t.ok(isOpen(copy));
  t.ok(shown.wait > 0);
  for (let i = 0; i < 4; i++) over();
  t.same(
    said,
    ['a1', 'a2', 'b1', 'a3'].map((name) => `${name} verified`),
  );
  t.notOk(isOpen(copy));
  t.equal(shown.wait, -1);
});

t.test('of several cards all are asked; without one nobody is', async (t) => {
  const { shown, ask, over, said, talks } = bench(t, ['card0', 'card1']);
  ask('a');
  over();
  over();
  t.same(
    talks.map(([path]) => path),
    ['card0', 'card1'],
  );
  shown.cards = [];
  ask('b');
  t.same(said, ['a verified', 'b unverified']);
});

t.test('a card that does not answer holds up nobody for long', async (t) => {
  const { shown, clock, ask, over, said, talks, isOpen } = bench(t);
  ask('a', 1);
  clock.pass(10);
  ask('b', 2);
  shown.run();
  t.same(said, []);
  t.equal(shown.wait, ANSWER_MS - 10);
  clock.pass(ANSWER_MS - 10);
  shown.run();
  t.same(said, ['a unverified']);
  const [[, copy] = ['', -1]] = talks;
  t.ok(isOpen(copy), 'the driver may have it yet');
  clock.pass(10);
  shown.run();
  ask('c', 1);
  t.same(said, ['a unverified', 'b unverified', 'c unverified']);
  over();
  t.notOk(isOpen(copy));
  t.equal(said.length, 3, 'whoever was told is told no more');
  ask('d', 1);
  over();
  t.equal(said.at(-1), 'd verified');
});

t.test('the many questions of one user do not make a card silent for another', async (t) => {
  const { shown, clock, ask, over, said } = bench(t);
  for (let i = 0; i < 9; i++) ask(`a${i}`, 1);
  for (let i = 0; i < 4; i++) {
    clock.pass(ANSWER_MS / 4);
    shown.run();
    if (i < 3) over();
  }
  t.equal(said.length, 9, 'whoever has waited too long was told');
  ask('b', 2);
  t.equal(said.length, 9, 'the card answers, and is asked');
  over();
  over();
  t.equal(said.at(-1), 'b verified');
  t.equal(shown.wait, -1);
});

t.test(
  'a thread that is not to be had is asked for again; a defect ends one question',
  async (t) => {
    const { shown, ask, over, said, defects, threads } = bench(t);
    threads.left = 0;
    ask('a');
    t.ok(shown.wait > 0 && shown.wait < ANSWER_MS);
    threads.left = 9;
    shown.run();
    ask('b');
    over(-1);
    t.match(defects, [/a defect/]);
    over();
    t.same(said, ['a unverified', 'b verified']);
  },
);
