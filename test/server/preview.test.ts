/** A preview through the whole daemon: a client draws, REST shows, the command line saves. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode } from 'fast-png';
import t from 'tap';
import { connect } from '../../src/client/index.js';
import { ctl } from '../cli/support/ctl.js';
import { eventually, TestDaemon } from '../support/daemon.js';
import { temporaryFolder } from '../support/folder.js';

t.test('what a client draws can be seen', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  const client = await connect({ socket: daemon.clientSocket });
  const image = { kind: 'image', width: 4, height: 2, handleTypes: ['memfd'] } as const;
  const buffer = await client.allocate({ ...image, format: 'XR24' });
  const planar = await client.allocate({ ...image, format: 'NV12', separatePlanes: true });
  const linear = await client.allocate({ kind: 'buffer', size: 64, handleTypes: ['memfd'] });
  buffer
    .map()
    .write((bytes) => bytes.set([0x20, 0x40, 0x60, 0], (buffer.planes[0]?.stride ?? 0) + 4));
  planar.map({ plane: 0 }).write((bytes) => bytes.fill(235));
  planar.map({ plane: 1 }).write((bytes) => bytes.fill(128));
  const folder = temporaryFolder(t);
  const file = join(folder, 'preview.png');
  const preview = (...args: string[]) =>
    ctl(['--socket', daemon.restSocket, 'preview', '-o', file, ...args]);

  const made = await preview(buffer.id);
  t.equal(made.status, 0, made.stderr);
  const { width, height, data } = decode(readFileSync(file));
  t.strictSame({ width, height }, { width: 4, height: 2 });
  t.strictSame([...data.subarray(20, 24)], [0x60, 0x40, 0x20, 255], 'the second pixel of row two');
  t.equal([...data].filter((value) => value !== 0).length, 8 + 3, 'all else is black');
  const before = daemon.openFds();

  t.equal((await preview(planar.id, '--max', '2')).status, 0);
  const small = decode(readFileSync(file));
  t.strictSame([small.width, small.height], [2, 1]);
  t.strictSame([...small.data], Array(8).fill(255), 'planes of separate memories are put together');

  const refused = await preview(linear.id);
  t.equal(refused.status, 1);
  t.match(refused.stderr, /unsupported_format: linear memory has no picture/);
  t.match((await preview('aaaaaaaa')).stderr, /not_found/);
  t.match((await daemon.rest('GET', `/v1/buffers/${buffer.id}/preview.png?max=0`)).status, 400);
  await eventually(() => daemon.openFds() === before, 'no fd is left');
  const charged = async () => {
    const { body } = await daemon.rest('GET', '/v1/users');
    return body.map((user: { charge: { bytes: number } }) => user.charge.bytes);
  };
  const sizes = buffer.size + planar.size + linear.size;
  await eventually(async () => (await charged()).join() === `${sizes}`, 'nor anything charged');
  client.close();
});
