/**
 * `dmabrokerctl recv` against the real daemon: it is a client like any other.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { connect } from '../../src/client/index.js';
import { packageRoot } from '../../src/package-root.js';
import { TestDaemon } from '../support/daemon.js';

const daemon = await TestDaemon.start();
t.teardown(() => daemon.stop());

function recv(...args: string[]) {
  const program = join(packageRoot, 'bin/dmabrokerctl.js');
  const all = [program, 'recv', '--client-socket', daemon.clientSocket, ...args];
  return spawnSync(process.execPath, all, { encoding: 'utf8' });
}

t.test('shows what came, and saves it', async (t) => {
  const client = await connect({ socket: daemon.clientSocket });
  const buffer = await client.allocate({ kind: 'buffer', size: 5000, handleTypes: ['memfd'] });
  const memory = buffer.map();
  memory.write((bytes) => bytes.fill('shared'));
  const token = await buffer.share();
  const file = join(daemon.folder, 'saved');
  const { status, stdout } = recv(token, '--json', '--output', file);
  t.equal(status, 0);
  const { id, handle_type, size, format, plane_0 } = JSON.parse(stdout);
  t.same({ id, handle_type, format }, { id: buffer.id, handle_type: 'memfd', format: null });
  t.equal(size, String(buffer.size));
  t.match(plane_0, /^\/memfd:dmabroker:.*, offset 0, stride 0$/);
  t.ok(readFileSync(file).equals(memory.bytes));

  const unwritable = recv(await buffer.share(), '--output', daemon.folder);
  t.equal(unwritable.status, 2);
  t.match(unwritable.stderr, /cannot be written: EISDIR/);

  const again = recv(token);
  t.equal(again.status, 1, 'the token is used up');
  t.match(again.stderr, /^dmabrokerctl: invalid_token: /);
  await buffer.release();
  client.close();
});

t.test('nobody there', async (t) => {
  const { status, stderr } = recv('token', '--client-socket', join(daemon.folder, 'none.sock'));
  t.equal(status, 3);
  t.match(stderr, /cannot reach the daemon: .*none\.sock does not exist/);
});
