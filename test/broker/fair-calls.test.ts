/** Calls that take long: a user waits for its own alone, and each is told what its call returned. */
import t from 'tap';
import { FairCalls } from '../../src/broker/fair-calls.js';

const MOST = 8;

function make() {
  const running = new Map<string, (result: number) => void>();
  let threads = Number.POSITIVE_INFINITY;
  const calls = new FairCalls<string>((call, done) => {
    if (running.size >= threads) return false;
    running.set(call, done);
    return true;
  }, MOST);
  const told: [string, number][] = [];
  const add = (uid: number, call: string) =>
    calls.add(uid, call, (result) => told.push([call, result]));
  const finish = (call: string, result = 0) => {
    const done = running.get(call);
    running.delete(call);
    done?.(result);
    calls.run();
  };
  const limit = (count: number) => {
    threads = count;
  };
  return { calls, running, told, add, finish, limit };
}

t.test('each is told what its call returned', async (t) => {
  const { running, told, add, finish } = make();
  add(1, 'a');
  add(2, 'b');
  finish('b', 7);
  finish('a', -12);
  t.same(told, [
    ['b', 7],
    ['a', -12],
  ]);
  t.equal(running.size, 0);
});

t.test('users have the parts of a fair pool', async (t) => {
  const { calls, running, add, finish } = make();
  for (let i = 0; i < 10; i++) add(1, `a${i}`);
  t.equal(running.size, MOST / 2, 'half of them at most');
  add(2, 'b');
  t.ok(running.has('b'), 'somebody else begins at once');
  t.same(
    [...calls.left],
    [
      [1, 10],
      [2, 1],
    ],
  );
  finish('b');
  t.notOk(calls.waitsFor(2));
  finish('a1');
  t.ok(running.has('a4'), 'the next of its own');
  t.ok(calls.waitsFor(1));
});

t.test('a call may begin the next one where it is told', async (t) => {
  const { calls, running } = make();
  const results: number[] = [];
  const again = (left: number) =>
    calls.add(1, `again ${left}`, (result) => {
      results.push(result);
      if (left > 0) again(left - 1);
    });
  again(2);
  for (let i = 0; i < 3; i++) {
    const [[call = '', done] = []] = running;
    running.delete(call);
    done?.(i);
  }
  t.same(results, [0, 1, 2]);
  t.equal(calls.left.size, 0);
});

t.test('where there is no thread it is tried again', async (t) => {
  const { calls, running, add, limit } = make();
  limit(1);
  add(1, 'a');
  add(1, 'b');
  t.ok(calls.wait > 0);
  limit(2);
  calls.run();
  t.same([...running.keys()], ['a', 'b']);
  t.equal(calls.wait, -1);
});
