/** Work that waits for fences: started when they signal, in its order, refused after the limit. */

import { setImmediate, setTimeout } from 'node:timers/promises';
import t from 'tap';
import type { BrokerError } from '../../../src/memory/errors.js';
import { FENCE_LIMIT_MS } from '../../../src/memory/limits.js';
import { Waiting } from '../../../src/server/allocator/waiting.js';
import { FakeClock } from '../../support/clock.js';

class FakeFence {
  closed = 0;
  state = false;
  signalled = () => this.state;
  close = () => void this.closed++;
}

function make() {
  const clock = new FakeClock();
  const waiting = new Waiting(clock);
  const done: string[] = [];
  const add = (what: string, names: string[], ...fences: FakeFence[]) =>
    waiting.add({ names, fences }, (problem: BrokerError | null, over) => {
      done.push(problem === null ? what : `${what}: ${problem.code}`);
      over();
    });
  const until = async (length: number) => {
    for (let i = 0; i < 5000 && done.length < length; i++) await setTimeout(1);
    return done;
  };
  const pass = (ms: number) => clock.pass(ms);
  return { waiting, done, add, until, pass };
}

t.test('without a fence at once', async (t) => {
  const { done, add } = make();
  const signalled = new FakeFence();
  signalled.state = true;
  add('a', ['x']);
  add('b', ['x'], signalled);
  t.same(done, ['a', 'b']);
  t.equal(signalled.closed, 1);
});

t.test('all of its fences', async (t) => {
  const { done, add, until } = make();
  const [one, two] = [new FakeFence(), new FakeFence()];
  add('a', ['x', 'y'], one, two);
  one.state = true;
  await setTimeout(10);
  t.same(done, []);
  two.state = true;
  t.same(await until(1), ['a']);
  t.same([one.closed, two.closed], [1, 1]);
});

t.test('what touches the same memory keeps its order, nothing else waits', async (t) => {
  const { done, add, until } = make();
  const fence = new FakeFence();
  add('copy x to y', ['x', 'y'], fence);
  add('read y', ['y']);
  add('copy y to z', ['y', 'z']);
  add('free z', ['z']);
  add('read w', ['w']);
  t.same(done, ['read w']);
  fence.state = true;
  await until(5);
  t.same(done, ['read w', 'copy x to y', 'read y', 'copy y to z', 'free z']);
});

t.test('a fence that never signals', async (t) => {
  const { done, add, until, pass } = make();
  const [never, later] = [new FakeFence(), new FakeFence()];
  add('fill', ['x'], never);
  pass(FENCE_LIMIT_MS - 1);
  add('read', ['x'], later);
  await setTimeout(10);
  t.same(done, []);
  pass(1);
  t.same(await until(1), ['fill: busy']);
  t.equal(never.closed, 1);
  later.state = true;
  t.same(await until(2), ['fill: busy', 'read'], 'what was behind it goes on');
});

t.test('closed, it calls nobody and keeps nothing', async (t) => {
  const { waiting, done, add } = make();
  const fence = new FakeFence();
  add('a', ['x'], fence);
  add('b', ['x']);
  waiting.close();
  fence.state = true;
  await setTimeout(10);
  await setImmediate();
  t.same(done, []);
  t.equal(fence.closed, 1);
});
