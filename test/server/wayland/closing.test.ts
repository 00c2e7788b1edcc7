/** Whose turn it is to be closed: who gives what waits waits for itself alone. */
import t from 'tap';
import { MAX_CLOSERS } from '../../../src/memory/limits.js';
import { Closing } from '../../../src/server/wayland/closing.js';

/** Threads that the test lets go on. */
class FakeThreads {
  /** By fd; what is called when it is closed. */
  readonly running = new Map<number, (result: number) => void>();
  threads = Number.POSITIVE_INFINITY;

  begin(fd: number, done: (result: number) => void): boolean {
    if (this.running.size >= this.threads) return false;
    this.running.set(fd, done);
    return true;
  }

  finish(fd: number): void {
    const done = this.running.get(fd);
    this.running.delete(fd);
    done?.(0);
  }

  get fds(): number[] {
    return [...this.running.keys()];
  }
}

function make() {
  const closer = new FakeThreads();
  const closing = new Closing(({ fd }, done) => closer.begin(fd, done));
  const done: number[] = [];
  const add = (uid: number, fd: number) => closing.close(uid, fd, () => done.push(fd));
  return { closer, closing, done, add };
}

t.test('each is told when it has been closed', async (t) => {
  const { closer, closing, done, add } = make();
  add(1, 10);
  add(2, 20);
  t.same(closer.fds, [10, 20]);
  t.same(
    [...closing.left],
    [
      [1, 1],
      [2, 1],
    ],
  );
  closer.finish(20);
  closing.run();
  t.same(done, [20]);
  t.notOk(closing.waitsFor(2));
  t.ok(closing.waitsFor(1));
  closer.finish(10);
  closing.run();
  t.same(done, [20, 10]);
  t.equal(closing.left.size, 0);
});

t.test('a user whose closes all wait has half of the threads at most', async (t) => {
  const { closer, closing, done, add } = make();
  for (let fd = 0; fd < 2 * MAX_CLOSERS; fd++) add(1, fd);
  t.equal(closer.running.size, MAX_CLOSERS / 2);
  add(2, 1000);
  t.ok(closer.fds.includes(1000), 'somebody else has one at once');
  closer.finish(1000);
  closing.run();
  t.same(done, [1000]);
  closer.finish(0);
  closing.run();
  t.same(done, [1000, 0]);
  t.ok(closer.fds.includes(MAX_CLOSERS / 2), 'the next of the first user is begun, in its order');
  t.same([...closing.left], [[1, 2 * MAX_CLOSERS - 1]]);
});

t.test('where the machine has no thread it is tried again', async (t) => {
  const { closer, closing, done, add } = make();
  closer.threads = 1;
  add(1, 10);
  add(1, 11);
  t.same(closer.fds, [10]);
  t.ok(closing.wait > 0);
  closer.threads = 2;
  closing.run();
  t.same(closer.fds, [10, 11]);
  t.equal(closing.wait, -1);
  for (const fd of [10, 11]) closer.finish(fd);
  closing.run();
  t.same(done, [10, 11]);
});
