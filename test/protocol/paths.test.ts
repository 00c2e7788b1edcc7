/**
 * The daemon and its clients must look in the same places.
 */
import t from 'tap';
import {
  CLIENT_SOCKET,
  clientSocket,
  daemonSocket,
  REST_SOCKET,
} from '../../src/protocol/paths.js';

const root = { uid: 0, runtimeDir: '/run/user/0', unitDir: undefined };
const user = { uid: 1000, runtimeDir: '/run/user/1000', unitDir: undefined };

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
  const own = '/run/user/1000/dmabroker/client.sock';
  const system = '/run/dmabroker/client.sock';
  const folder = { XDG_RUNTIME_DIR: '/run/user/1000' };
  const look = (env: NodeJS.ProcessEnv, ...there: string[]) =>
    clientSocket(CLIENT_SOCKET, { env, exists: (path) => there.includes(path) });
  const named = { ...folder, DMABROKER_SOCKET: '/srv/x.sock' };
  t.equal(look(named, own), '/srv/x.sock', 'where it is told to, whether or not it is there');
  t.equal(look({ ...folder, DMABROKER_SOCKET: '' }, own), own, "else at the user's own daemon");
  t.equal(look(folder), system, 'where there is one');
  t.equal(look({}, own), system);
  t.equal(look({ XDG_RUNTIME_DIR: 'run' }, 'run/dmabroker/client.sock'), system);
  const env = { ...named, DMABROKER_REST_SOCKET: '/srv/rest.sock' };
  t.equal(clientSocket(REST_SOCKET, { env }), '/srv/rest.sock');
  t.equal(clientSocket(REST_SOCKET, { env: {} }), '/run/dmabroker/rest.sock');
});
