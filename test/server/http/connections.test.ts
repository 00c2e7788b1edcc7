/** Users without a role share a part of the connections, and none of them takes it all. */
import { connect, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import type { RestAccess } from '../../../src/broker/policy.js';
import {
  CONNECTION_LIMIT,
  CONNECTIONS_PER_USER,
  USERS_CONNECTION_LIMIT,
} from '../../../src/server/http/limits.js';
import { peer } from '../../broker/support/world.js';
import { withoutLeaks } from '../../support/fds.js';
import { startServer } from './support/server.js';

const owner: RestAccess = { role: 'none', preview: false, owner: true };
const ADMIN = 0;

/** A server, and connections to it that stay as long as it lets them, each of a user's. */
async function crowded(t: Test) {
  let uid = ADMIN;
  const server = await startServer(t, {
    peerOf: () => ({ ...peer, uid }),
    accessOf: (who) => (who.uid === ADMIN ? { ...owner, role: 'admin' } : owner),
  });
  const sockets: Socket[] = [];
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
  });
  /** Whether a connection of a user's is answered. */
  const enter = (as: number) =>
    new Promise<Socket | null>((resolve) => {
      uid = as;
      const socket = connect(server.socketPath, () => {
        socket.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n');
      });
      sockets.push(socket);
      socket.once('data', () => resolve(socket));
      socket.once('error', () => {});
      socket.once('close', () => resolve(null));
    });
  return { enter };
}

await withoutLeaks(t, 'connections', async (t) => {
  t.test('one user', async (t) => {
    const { enter } = await crowded(t);
    const first = await enter(1000);
    for (let i = 1; i < CONNECTIONS_PER_USER; i++) t.ok(await enter(1000));
    t.equal(await enter(1000), null, 'one too many');
    t.ok(await enter(1001), 'another user has others');
    t.ok(await enter(ADMIN));
    first?.destroy();
    for (;;) if ((await enter(1000)) !== null) break;
    t.equal(await enter(1000), null, 'one has left, and one has come');
  });

  t.test('all of them', async (t) => {
    const { enter } = await crowded(t);
    for (let i = 0; i < USERS_CONNECTION_LIMIT; i++) t.ok(await enter(1000 + (i % 10)));
    t.equal(await enter(2000), null);
    for (let i = USERS_CONNECTION_LIMIT; i < CONNECTION_LIMIT; i++) t.ok(await enter(ADMIN));
  });
});
