/**
 * The units with Debian's own kernel and systemd, in QEMU: the service starts, serves and stops. The rest of its life is
 * service.test.ts, in User-Mode Linux. And what no kernel of ours has: a card that QEMU has, with Debian's driver for it, whose
 * screen is photographed from outside while it shows the broker's memory (screen.ts).
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { difference, height, isColour, width } from '../examples/support/pictures.js';
import { eventually } from '../support/daemon.js';
import { temporaryFolder } from '../support/folder.js';
import { isNight } from '../support/night.js';
import { commandOf, proof, toleranceOf } from '../support/proofs.js';
import { dmabufs, photograph, Service, show as startIn } from './screen.js';
import { sawService } from './service.js';

function service(part: 'up' | 'down'): string {
  const { status, stdout, stderr } = spawnSync('sh', ['test/systemd/service.sh', part], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${part}: ${stderr}`);
  return stdout;
}

const existed = dmabufs();
const started = service('up');
const folder = temporaryFolder(t);
chmodSync(folder, 0o755);
execFileSync('modprobe', ['cirrus']);
execFileSync('usermod', ['-aG', 'video', 'alice']);
execFileSync('udevadm', ['settle']);
const broker = new Service();

const pictures = [0, 1].map(() => {
  const bytes = randomBytes(width * height * 4);
  for (let i = 3; i < bytes.length; i += 4) bytes[i] = 255; // what a photograph has there
  return bytes;
}) as [Buffer, Buffer];
const [one, other] = pictures;
const draw = (...frames: Buffer[]) =>
  writeFileSync(join(folder, 'picture.raw'), Buffer.concat(frames));

function photographed(t: Test, expected: Buffer, what: string): void {
  const found = photograph();
  const apart = found.equals(expected) ? 0 : difference(found, expected, isColour);
  t.ok(apart <= toleranceOf('photographed', 'XR24'), `${what}: the largest difference is ${apart}`);
}

/** It goes on until it is ended. */
const show = (t: Test, more = '') =>
  startIn(t, folder, commandOf('photographed').replace('scanout', `scanout ${more}`));

const verified = (source: string) => `XR24 modifier 0 of ${source}: verified`;
const SHOWING = 'showing 640x480 on /dev/dri/card1 (cirrus)';

t.test(proof('photographed'), async (t) => {
  draw(one, other);
  const { child, line, killed } = show(t);
  t.equal(await line(), verified('vulkan'));
  t.equal(await line(), SHOWING);
  photographed(t, one, 'of the broker’s choice');
  child.stdin.write('\n');
  t.equal(await line(), verified('vulkan'), 'where the next frame is drawn');
  t.equal(await line(), 'showing frame 2');
  photographed(t, other, 'the next frame');
  t.match(await broker.held(), { buffers: 2, bytes: 2 * one.length });
  await killed();
  await broker.settled();

  draw(one);
  const heap = show(t, '--source dma-heap:system');
  t.equal(await heap.line(), verified('dma-heap:system'));
  t.equal(await heap.line(), SHOWING);
  photographed(t, one, 'of a DMA heap');
  heap.child.stdin.end();
  t.strictSame(await heap.exit, [0, null]);
  await broker.settled();
});

if (isNight)
  t.test('who shows is killed at any time', async (t) => {
    for (let i = 0; i < 40; i++) {
      const { child, killed } = show(t);
      child.stdin.write('\n'.repeat(i % 3));
      await sleep(Math.random() * 1500);
      await killed();
      await broker.settled();
      t.strictSame(await broker.held(), { buffers: 0, bytes: 0 });
    }
  });

if (isNight)
  t.test('the service is killed while it is shown', async (t) => {
    for (const signal of ['KILL', 'KILL', 'TERM']) {
      const { line, killed } = show(t);
      await line();
      t.equal(await line(), SHOWING);
      execFileSync('systemctl', ['kill', `--signal=${signal}`, 'dmabrokerd']);
      photographed(t, one, 'the display has its memory');
      await killed();
      // It is away until the service, which is started anew, has waited for whose it was (restart.grace_seconds).
      await broker.settled(12_000);
    }
  });

t.test('it stops, and what is shown stays; nothing is left of it', async (t) => {
  draw(other);
  const { line, killed } = show(t, '--source udmabuf');
  t.equal(await line(), verified('udmabuf'));
  t.equal(await line(), SHOWING);
  sawService(t, started + service('down'));
  photographed(t, other, 'of udmabuf, and without the service');
  await killed();
  execFileSync('systemctl', ['clean', '--what=fdstore', 'dmabrokerd']);
  await eventually(() => dmabufs() === existed, 'the memory is gone');
});
