/** `dmabrokerctl import` with a dma_buf that it inherits, and `recv` of what only a device can read. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { connect } from '../../src/client/index.js';
import { packageRoot } from '../../src/package-root.js';
import { TestDaemon } from '../support/daemon.js';

t.test('import and recv', async (t) => {
  const daemon = await TestDaemon.start();
  t.teardown(() => daemon.stop());
  const client = await connect({ socket: daemon.clientSocket });

  const ctl = (command: string, args: readonly string[], inherited: number[] = []) =>
    spawnSync(
      process.execPath,
      [
        join(packageRoot, 'bin/dmabrokerctl.js'),
        '--json',
        command,
        '--client-socket',
        daemon.clientSocket,
        ...args,
      ],
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
