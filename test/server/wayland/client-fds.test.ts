/** A user whose fds are slow to be closed: its connections wait, and nobody else's. */
import t from 'tap';
import { ClientFds } from '../../../src/server/wayland/client-fds.js';
import { Closing } from '../../../src/server/wayland/closing.js';

const TOTAL = 200;
const [SLOW, OTHER] = [1, 2];

function make() {
  const running: ((result: number) => void)[] = [];
  const closing = new Closing((_close, done) => {
    running.push(done);
    return true;
  });
  const turned: number[] = [];
  const fds = new ClientFds(TOTAL, closing, (uid) => turned.push(uid));
  /** One more fd of a user's that is being closed. */
  const slow = (uid: number) => {
    const allowance = fds.of(uid);
    if (!allowance.take(1)) allowance.overdraw(1);
    fds.closeLater(uid, 100, () => allowance.give(1));
  };
  const finish = () => {
    for (const done of running.splice(0)) done(0);
    closing.run();
  };
  return { fds, turned, slow, finish };
}

t.test('it is held back while it has no room for a message', async (t) => {
  const { fds, turned, slow, finish } = make();
  slow(SLOW);
  t.notOk(fds.holdsBack(SLOW), 'there is room');
  for (let i = 0; i < TOTAL / 2; i++) slow(SLOW);
  t.ok(fds.holdsBack(SLOW));
  t.notOk(fds.holdsBack(OTHER));
  t.ok(fds.of(OTHER).has(28), 'somebody else has room');
  slow(OTHER);
  t.notOk(fds.holdsBack(OTHER));
  t.same(turned, [SLOW]);
  for (let i = 0; i < TOTAL && fds.holdsBack(SLOW); i++) finish();
  t.notOk(fds.holdsBack(SLOW), 'what was closed makes room');
  t.same(turned, [SLOW, SLOW]);
});

t.test('fds that are only many hold nobody back: nothing will change by itself', async (t) => {
  const { fds, turned } = make();
  fds.of(SLOW).take(TOTAL / 2);
  t.notOk(fds.of(SLOW).has(1));
  t.notOk(fds.holdsBack(SLOW));
  t.same(turned, []);
});
