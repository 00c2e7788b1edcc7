/**
 * The daemon and its clients must look in the same places.
 */
import t from 'tap';
import { CLIENT_SOCKET, clientSocket, daemonSocket, REST_SOCKET } from '../src/paths.js';

const none = () => false;
const root = { uid: 0, runtimeDir: '/run/user/0', unitDir: undefined, exists: none };
const user = { uid: 1000, runtimeDir: '/run/user/1000', unitDir: undefined, exists: none };

t.test('where the daemon listens', async (t) => {
  t.equal(daemonSocket(REST_SOCKET, root), '/run/dmabroker/rest.sock');
  t.equal(daemonSocket(CLIENT_SOCKET, user), '/run/user/1000/dmabroker/client.sock');
  t.equal(
    daemonSocket(CLIENT_SOCKET, { ...user, runtimeDir: undefined }),
    '/run/user/1000/dmabroker/client.sock',
  );
  t.equal(
    daemonSocket(CLIENT_SOCKET, { ...user, runtimeDir: 'relative' }),
    '/run/user/1000/dmabroker/client.sock',
  );
  const unit = { ...user, unitDir: '/run/dmabroker:/run/other' };
  t.equal(daemonSocket(CLIENT_SOCKET, unit), '/run/dmabroker/client.sock', 'the unit decides');
});

t.test('where clients look', async (t) => {
  t.equal(clientSocket(CLIENT_SOCKET, root), '/run/dmabroker/client.sock');
  t.equal(clientSocket(CLIENT_SOCKET, user), '/run/dmabroker/client.sock', "the system's daemon");
  const own = '/run/user/1000/dmabroker/client.sock';
  const withOwn = { ...user, exists: (path: string) => path === own };
  t.equal(clientSocket(CLIENT_SOCKET, withOwn), own, "the user's own daemon comes first");
  t.equal(clientSocket(CLIENT_SOCKET, { ...withOwn, uid: 0 }), '/run/dmabroker/client.sock');
});
