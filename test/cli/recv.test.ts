/**
 * `dmabrokerctl recv` against the real daemon: it is a client like any other.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { connect } from '../../src/client/index.js';
import { TestDaemon } from '../support/daemon.js';
import { ctl as again } from './support/again.js';
import { ctl as ctlAlone } from './support/ctl.js';

const daemon = await TestDaemon.memfd(t);

const recv = (...args: string[]) =>
  again(['recv', '--client-socket', daemon.clientSocket, ...args]);

t.test('shows what came, and saves it', async (t) => {
  const client = await connect({ socket: daemon.clientSocket });
  const buffer = await client.allocate({ kind: 'buffer', size: 5000, handleTypes: ['memfd'] });
  const memory = buffer.map();
  memory.write((bytes) => bytes.fill('shared'));
  const token = await buffer.share();
  const file = join(daemon.folder, 'saved');
  const { status, stdout } = await ctlAlone(['recv', token, '--json', '--output', file], {
    DMABROKER_SOCKET: daemon.clientSocket,
  });
  t.equal(status, 0);
  const { id, handle_type, size, format, plane_0 } = JSON.parse(stdout);
  t.same({ id, handle_type, format }, { id: buffer.id, handle_type: 'memfd', format: null });
  t.equal(size, buffer.size);
  t.match(plane_0, /^\/memfd:dmabroker:.*, offset 0, stride 0$/);
  t.ok(readFileSync(file).equals(memory.bytes));

  const kept = await buffer.share();
  for (const bad of [daemon.folder, join(daemon.folder, 'none', 'file')]) {
    const unwritable = await recv(kept, '--output', bad);
    t.equal(unwritable.status, 2);
    t.match(unwritable.stderr, /cannot be written: (EISDIR|ENOENT)/);
  }
  t.equal((await recv(kept)).status, 0, 'the token was not used up by what failed before');

  const twice = await recv(token);
  t.equal(twice.status, 1, 'the token is used up');
  t.match(twice.stderr, /^dmabrokerctl: invalid_token: /);
  t.equal((await recv(token, '--output', file)).status, 1);
  t.ok(readFileSync(file).equals(memory.bytes), 'a file keeps its content where nothing comes');
  t.equal((await recv(token, '--output', `${file}.new`)).status, 1);
  t.notOk(existsSync(`${file}.new`), 'and none is made');
  await buffer.release();
  client.close();
});

const ctl = (...args: string[]) =>
  again(['--socket', daemon.restSocket, ...args], { DMABROKER_SOCKET: daemon.clientSocket });

t.test('memory by its lasting name: alloc, commit, claim, orphans', async (t) => {
  const name = 'llama/shard-0';
  const made = await ctl('--json', 'alloc', '--size', '8K', '--lasting-name', name);
  t.equal(made.status, 0, made.stderr);
  const { buffer } = JSON.parse(made.stdout);
  const taken = await ctl('alloc', '--size', '8K', '--lasting-name', name);
  t.match([taken.status, taken.stderr], [1, /^dmabrokerctl: name_taken: the buffer .* release it/]);
  t.match(
    (await ctl('orphans')).stdout,
    new RegExp(`${name} .*${buffer.id}.* by its owner or administr`),
  );
  t.equal((await ctl('list', '--orphans', '-q')).stdout.trim(), buffer.id);
  const none = await ctl('claim', name, '--committed', '--wait', '1s');
  t.match([none.status, none.stderr], [1, /busy: nothing was committed of/]);
  const document = join(daemon.folder, 'document.json');
  writeFileSync(document, '{"tensors":{"w":{"offset":0}}}');
  const { stdout } = await ctl('--json', 'commit', name, '--metadata', document, '--revision', '4');
  t.match(JSON.parse(stdout), { id: buffer.id, revision: 4 });
  const file = join(daemon.folder, 'claimed');
  const claimed = await ctl('--json', 'claim', name, '--committed', '-o', file);
  t.match(JSON.parse(claimed.stdout), { revision: 4, metadata: { tensors: { w: {} } } });
  t.equal(readFileSync(file).length, 8192);
  t.match((await ctl('show', buffer.id)).stdout, /lasting name: +llama\/shard-0\n/);
  const latin1 = join(daemon.folder, 'latin1.json');
  writeFileSync(latin1, Buffer.from('{"näme":1}', 'latin1'));
  writeFileSync(document, '[1]');
  for (const [bad, why] of [
    [document, /is no JSON object/],
    [join(daemon.folder, 'none.json'), /cannot be read: ENOENT/],
    [latin1, /is no UTF-8/],
    ['/dev/zero', /has more than 65536 bytes/],
  ] as const) {
    const { status, stderr } = await ctl('commit', name, '--metadata', bad);
    t.match([status, stderr], [2, why]);
  }
  t.equal((await ctl('release', buffer.id)).status, 0);
  t.match((await ctl('claim', name)).stderr, /^dmabrokerctl: not_found: no buffer of yours/);
});

t.test('separate planes are saved, all of them', async (t) => {
  const client = await connect({ socket: daemon.clientSocket });
  const image = await client.allocate({
    kind: 'image',
    width: 64,
    height: 64,
    format: 'NV12',
    separatePlanes: true,
    handleTypes: ['memfd'],
  });
  const planes = image.planes.map((_, plane) => image.map({ plane }));
  for (const [plane, memory] of planes.entries()) memory.write((bytes) => bytes.fill(plane + 1));
  const file = join(daemon.folder, 'planes');
  const { status, stdout } = await recv(await image.share(), '--json', '--output', file);
  t.equal(status, 0);
  const { saved_plane_0, saved_plane_1 } = JSON.parse(stdout);
  const first = planes[0]?.bytes.length;
  t.same([saved_plane_0, saved_plane_1], [0, first]);
  t.ok(readFileSync(file).equals(Buffer.concat(planes.map(({ bytes }) => bytes))));
  await image.release();
  client.close();
});

t.test('more than 4 GiB', async (t) => {
  const client = await connect({ socket: daemon.clientSocket });
  const size = 2 ** 32 + 2 ** 16;
  const buffer = await client.allocate({ kind: 'buffer', size, handleTypes: ['memfd'] });
  const { status, stderr } = await recv(await buffer.share(), '--json', '--output', '/dev/null');
  t.equal(stderr, '');
  t.equal(status, 0);
  await buffer.release();
  client.close();
});

t.test('nobody there', async (t) => {
  const socket = join(daemon.folder, 'none.sock');
  const { status, stderr } = await ctlAlone(['recv', 'token', '--client-socket', socket]);
  t.equal(status, 3);
  t.match(stderr, /cannot reach the daemon: .*none\.sock does not exist/);
});
