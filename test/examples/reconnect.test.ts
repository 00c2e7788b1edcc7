/**
 * examples/c/dmabroker-reconnect: it goes on where its connection was ended, and begins anew where a daemon that was
 * started again cannot have its memfd.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../../src/package-root.js';
import { eventually, TestDaemon } from '../support/daemon.js';
import { temporaryFolder } from '../support/folder.js';
import { Reconnecting } from './support/reconnecting.js';

const build = temporaryFolder(t);
const made = spawnSync(
  'make',
  [
    ...['-C', join(packageRoot, 'examples/c'), `BUILD=${build}`],
    ...['CFLAGS=-O1 -Wall -Wextra -Werror', `${build}/dmabroker-reconnect`],
  ],
  { encoding: 'utf8' },
);
const has = spawnSync('pkg-config', ['--exists', 'wayland-client']).status === 0;
const skip = has ? false : 'libwayland-client’s headers are missing';
const program = join(build, 'dmabroker-reconnect');

t.test('one daemon: a leased buffer is adopted', { skip }, async (t) => {
  t.equal(made.status, 0, made.stderr);
  const daemon = await TestDaemon.memfd(t);
  const idle = await daemon.idleFds();
  const args = ['--handle-type', 'memfd', '--lease', '60'];
  const example = new Reconnecting(t, program, daemon.clientSocket, args);
  const id = await example.id(/allocated/);
  t.equal(await example.frame(), `frame 0 in ${id}: 1 lines`);
  for (const lines of [2, 3]) {
    for (const client of await daemon.clients()) {
      await daemon.rest('DELETE', `/v1/clients/${client.id}`);
    }
    t.equal(await example.next(), 'the connection broke');
    t.equal(await example.id(/adopted/), id);
    t.equal(await example.frame(), `frame ${lines - 1} in ${id}: ${lines} lines`);
  }
  t.match(await daemon.buffers(), [{ id, state: 'live' }]);
  t.equal(await example.end(), 0);
  await daemon.settled(idle);
});

t.test('one daemon: a buffer that ended with its connection', { skip }, async (t) => {
  const daemon = await TestDaemon.memfd(t);
  const example = new Reconnecting(t, program, daemon.clientSocket, ['--handle-type', 'memfd']);
  const id = await example.id(/allocated/);
  const [client] = await daemon.clients();
  await daemon.rest('DELETE', `/v1/clients/${client?.id}`);
  t.equal(await example.next(), 'the connection broke');
  t.equal(await example.next(), `refused (9): there is no buffer ${id}`);
  const other = await example.id(/allocated/);
  t.equal(await example.frame(), `frame 0 in ${other}: 1 lines`, 'new memory');
  t.equal(await example.end(), 0);
});

t.test('another daemon', { skip }, async (t) => {
  const first = await TestDaemon.memfd(t);
  const { folder } = first;
  const args = ['--handle-type', 'memfd', '--lease', '60'];
  const example = new Reconnecting(t, program, first.clientSocket, args);
  const id = await example.id(/allocated/);
  t.equal(await example.frame(), `frame 0 in ${id}: 1 lines`);
  await first.end('SIGKILL');
  t.equal(await example.next(), 'the connection broke');
  const second = await TestDaemon.memfd(t, { folder, awaited: true });
  t.match(await example.next(), /^refused \(10\): the session is not known/);
  const other = await example.id(/allocated/);
  t.not(other, id);
  t.equal(await example.frame(), `frame 1 in ${other}: 1 lines`);
  t.equal(await example.end(), 0);
  await eventually(async () => (await second.buffers()).length === 0, 'it has released it');
});
