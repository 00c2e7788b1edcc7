/** HeldFds: the last one out closes, once, and a count that went wrong is an error. */
import t from 'tap';
import { HeldFds, JoinedFds } from '../../src/broker/held-fds.js';

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

t.test('some of them keep all', async (t) => {
  const { held, closed } = make([5, 6, 5]);
  const some = held.some([6, 6]);
  t.same(some.fds, [6, 6]);
  const packet = some.retain();
  held.release();
  some.release();
  t.same(closed, [], 'a message with them is on its way');
  packet.release();
  t.same(closed, [5, 6]);
});

t.test('several in one row are open until the row and their owners let go', async (t) => {
  const closed: number[] = [];
  const [a, b] = [[1, 1], [2]].map((fds) => new HeldFds(fds, (fd) => closed.push(fd))) as [
    HeldFds,
    HeldFds,
  ];
  const row = new JoinedFds(a.retain());
  row.add(b);
  t.same(row.fds, [1, 1, 2]);
  a.release();
  t.same(closed, []);
  row.release();
  t.same(closed, [1]);
  b.release();
  t.same(closed, [1, 2]);
});
