/** One user has many gigabytes filled; another asks the same daemon for a page. */
import t from 'tap';
import { ALICE, BOB, clientOf, daemonForTwo, unlessRoot } from '../support/two-users.js';

const LARGE = 256 * 2 ** 20;
const CONNECTIONS = 4;
const FILLS = 60;
const SMALL = 20;

t.test('another user is served while one has 60 GiB filled', { skip: unlessRoot }, async (t) => {
  const daemon = await daemonForTwo(t);
  const start = () => clientOf(t, daemon, ALICE);
  const alice = await Promise.all(Array.from({ length: CONNECTIONS }, start));
  const bob = await clientOf(t, daemon, BOB);
  let done = 0;
  for (const actor of alice) {
    const { number } = await actor.allocate('memfd', LARGE);
    for (let i = 0; i < FILLS; i++) {
      const filled = actor.tell({ what: 'fill', number, value: i });
      // The rest of them goes with the daemon.
      filled.then(
        () => done++,
        () => {},
      );
    }
  }
  for (let i = 0; i < SMALL; i++) {
    const { number } = await bob.allocate('memfd', 4096);
    await bob.tell({ what: 'release', number });
    t.equal((await daemon.rest('GET', '/v1/devices')).status, 200, 'and so is REST');
  }
  t.ok(done < CONNECTIONS * FILLS, `${done} fills were done by then`);
  t.same(daemon.errors, []);
});
