/**
 * The command line and real dma_bufs: `alloc`, `recv` and `release`, `import` of one that it inherits, and `recv` of what
 * only a device can read.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { connect } from '../../src/client/index.js';
import { isDmaBuf } from '../../src/native/kind.js';
import { packageRoot } from '../../src/package-root.js';
import { eventually, TestDaemon } from '../support/daemon.js';

const daemon = await TestDaemon.start();
t.teardown(() => daemon.stop());
const program = join(packageRoot, 'bin/dmabrokerctl.js');

t.test('alloc, recv, list and release', async (t) => {
  const cli = (...args: string[]) =>
    execFileSync(process.execPath, [program, '--socket', daemon.restSocket, ...args], {
      encoding: 'utf8',
    });
  const client = await connect({ socket: daemon.clientSocket });
  const { buffer, token } = JSON.parse(cli('alloc', '--size', '8192', '--uses', '2', '--json'));
  t.equal(buffer.exporter, 'udmabuf');
  const received = cli('recv', token.token, '--client-socket', daemon.clientSocket);
  t.match(received, /plane_0: +\/dmabuf:dmabroker:.* from udmabuf/);
  t.match(cli('list'), new RegExp(buffer.id));
  const redeemed = await client.redeem(token.token);
  t.ok(isDmaBuf(redeemed.planes[0]?.fd ?? -1));
  cli('release', buffer.id);
  await eventually(() => redeemed.released === 'administrator', 'the client is told');
  t.ok(isDmaBuf(redeemed.planes[0]?.fd ?? -1), 'its fd stays good');
  await redeemed.close();
  client.close();
});

t.test('import and recv', async (t) => {
  const client = await connect({ socket: daemon.clientSocket });

  const ctl = (command: string, args: readonly string[], inherited: number[] = []) =>
    spawnSync(
      process.execPath,
      [program, '--json', command, '--client-socket', daemon.clientSocket, ...args],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe', ...inherited] },
    );

  const image = { kind: 'image', width: 64, height: 32, format: 'XR24' } as const;
  const original = await client.allocate(image);
  const { fd, stride } = original.planes[0] ?? { fd: -1, stride: 0 };
  original.map().write((bytes) => bytes.fill('seen'));
  const options = ['--image', '64x32', '--format', 'XR24', '--name', 'brought'];
  const imported = ctl('import', [...options, '--plane', `3:0:${stride}`], [fd]);
  t.equal(imported.status, 0, imported.stderr);
  const { id, token, checked } = JSON.parse(imported.stdout);
  t.equal(checked, 'device');
  const shown = (await daemon.rest('GET', `/v1/buffers/${id}`)).body;
  t.match(shown, { name: 'brought', source: 'import', lifetime: { type: 'until_released' } });
  const redeemed = await client.redeem(token);
  redeemed.map({ write: false }).read((bytes) => t.equal(bytes.toString('latin1', 0, 4), 'seen'));

  const short = ctl('import', [...options, '--plane', `3:0:${stride - 4}`], [fd]);
  t.equal(short.status, 1);
  t.match(JSON.parse(short.stderr), { code: 'invalid_argument' });

  const opaque = { kind: 'buffer', size: 4096, handleTypes: ['opaque_fd'] } as const;
  const hidden = await client.allocate(opaque);
  await hidden.fill(0x64616564);
  const file = join(daemon.folder, 'saved');
  const saved = ctl('recv', [await hidden.share(), '--output', file]);
  t.equal(saved.status, 0, saved.stderr);
  t.equal(readFileSync(file, 'latin1').slice(0, 8), 'deaddead');
  client.close();
});
