/** HeldFds: the last one out closes, once, and a count that went wrong is an error. */
import t from 'tap';
import { HeldFds } from '../../src/broker/held-fds.js';

function make(fds: readonly number[]) {
  const closed: number[] = [];
  return { held: new HeldFds(fds, (fd) => closed.push(fd)), closed };
}

t.test('closed by the last release', async (t) => {
  const { held, closed } = make([5, 6]);
  t.equal(held.retain(), held);
  held.retain();
  held.release();
  held.release();
  t.same(closed, []);
  held.release();
  t.same(closed, [5, 6]);
});

t.test('an fd of several planes is closed once', async (t) => {
  const { held, closed } = make([5, 5, 6, 5]);
  held.release();
  t.same(closed, [5, 6]);
});

t.test('more releases than references', async (t) => {
  const { held, closed } = make([5]);
  held.release();
  t.throws(() => held.release(), /released more often than retained/);
  t.throws(() => held.retain(), /closed already/);
  t.same(closed, [5]);
});
