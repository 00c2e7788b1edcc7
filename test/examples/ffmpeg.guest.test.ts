/**
 * FFmpeg's libraries as Debian has them, whose frames' memory is the broker's (examples/ffmpeg, compiled here by Debian's tcc): what
 * comes out of filters and encoders is byte for byte what `ffmpeg` makes of plain frames. Who keeps frames has more
 * buffers, which go back, and whoever is killed leaves neither memory nor a charge.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { packageRoot } from '../../src/package-root.js';
import { commandsOf } from '../docs/pages.js';
import { eventually, TestDaemon } from '../support/daemon.js';
import { temporaryFolder } from '../support/folder.js';
import { proof, toleranceOf } from '../support/proofs.js';

/** Odd in bytes, so that the broker's rows are padded; a few frames, which differ. */
const [width, height, count] = [322, 242, 6];

const folder = temporaryFolder(t);
const at = (name: string) => join(folder, name);
const daemon = await TestDaemon.start();
t.teardown(() => daemon.stop());
const before = await daemon.idleFds();
const env = {
  ...process.env,
  ...{
    DMABROKER_SOCKET: daemon.clientSocket,
    PATH: `${join(packageRoot, 'examples/ffmpeg/build')}:${process.env.PATH}`,
  },
};
const run = (command: string) =>
  execFileSync('sh', ['-c', command], { cwd: folder, env, encoding: 'utf8', stdio: 'pipe' });
function raw(bytesPerPixel: number): Buffer {
  const bytes = Buffer.alloc(width * height * bytesPerPixel * count);
  for (let i = 0; i < bytes.length; i++) bytes[i] = i * 7 + (i >> 9) * 13 + (i >> 17);
  return bytes;
}
const frames = raw(1.5);

async function charged(): Promise<number> {
  const { body } = await daemon.rest('GET', '/v1/quotas/user/0');
  return body.charge?.bytes ?? 0;
}

/** What `ffmpeg` reads of a file that the example has made. */
const decoded = (file: string) => {
  run(`ffmpeg -loglevel error -y -i ${file} -f rawvideo decoded.raw`);
  return readFileSync(at('decoded.raw'));
};

t.test(proof('ffmpeg'), async (t) => {
  t.equal(toleranceOf('ffmpeg', 'YU12'), 0, 'what cmp finds');
  const script = ['', 'frames-through-filters-and-an-encoder']
    .flatMap((heading) => commandsOf('docs/ffmpeg.md', heading))
    .join('\n')
    .replace('"$(mktemp --directory)"', folder);
  // Its own compiler: the guest has no gcc.
  const { status, stdout, stderr } = spawnSync('bash', ['-euc', script], {
    ...{ cwd: packageRoot, env: { ...env, CC: 'tcc' }, encoding: 'utf8' },
  });
  t.equal(status, 0, stderr);
  t.match(stdout, `${count} frames through 1 buffers\n`, 'the same one, again');
  t.equal(readFileSync(at('scaled.yuv')).length, 160 * 120 * 1.5 * count);
  await daemon.settled(before);
});

t.test('an encoder has the memory itself, of each format; and copies of it', async (t) => {
  writeFileSync(at('frames.nv12'), frames);
  const size = `--size ${width}x${height}`;
  writeFileSync(at('frames.bgr0'), raw(4));
  run(`dmabroker-ffmpeg ${size} --format bgr0 frames.bgr0 bgr0.nut`);
  // ffv1 keeps no fourth byte of bgr0.
  const colours = (bytes: Buffer) => Buffer.from(bytes.filter((_, i) => i % 4 !== 3));
  t.ok(colours(decoded('bgr0.nut')).equals(colours(raw(4))), 'BGR0');
  run(`dmabroker-ffmpeg ${size} --format yuv420p frames.nv12 yuv420p.nut`);
  t.ok(decoded('yuv420p.nut').equals(frames), 'YUV420P');
  const copied = '--filter hwdownload,format=nv12 --codec rawvideo';
  run(`dmabroker-ffmpeg ${size} ${copied} frames.nv12 nv12.nut`);
  t.ok(decoded('nv12.nut').equals(frames), 'NV12, downloaded');
  run(`dmabroker-ffmpeg ${size} frames.nv12 usual.nut`);
  t.ok(decoded('usual.nut').equals(frames), 'NV12, by the encoder that takes it');
  const refused = spawnSync(
    'sh',
    ['-c', `dmabroker-ffmpeg ${size} --codec ffv1 frames.nv12 no.nut`],
    {
      ...{ cwd: folder, env, encoding: 'utf8' },
    },
  );
  t.equal(refused.status, 1);
  t.match(refused.stderr, /^dmabroker-ffmpeg: ffv1 does not take nv12: .*\n$/, 'in one line');
  await daemon.settled(before);
});

/** A filter that keeps every frame until the end. */
const KEEPS = `dmabroker-ffmpeg --size ${width}x${height} --filter hwmap=mode=read,format=nv12,reverse --codec rawvideo`;

t.test('who keeps frames has as many buffers, and is killed', async (t) => {
  t.match(run(`${KEEPS} frames.nv12 reversed.nut`), `${count} frames through ${count + 1} buffers`);
  await daemon.settled(before);
  t.equal(await charged(), 0);

  run('mkfifo fifo');
  const [program = '', ...args] = `${KEEPS} fifo reversed.nut`.split(' ');
  const child = spawn(program, args, { cwd: folder, env, stdio: 'ignore' });
  const exit = once(child, 'exit');
  const fifo = await open(at('fifo'), 'w');
  await fifo.write(frames.subarray(0, frames.length / 2));
  await eventually(async () => (await daemon.buffers()).length === count / 2 + 1, 'it keeps three');
  const buffers = await daemon.buffers();
  t.match(buffers[0], { name: 'FFmpeg example', format: 'NV12', handle_type: 'dma_buf' });
  const bytes = buffers.reduce((sum, { size }) => sum + size, 0);
  t.equal(await charged(), bytes, 'each is charged');
  child.kill('SIGKILL');
  await exit;
  await fifo.close();
  await daemon.settled(before);
  t.equal(await charged(), 0, 'and none is');
});

t.test('a quota is the end of it, which it says', async (t) => {
  await daemon.rest('PUT', '/v1/quotas/user/0', { bytes: 1 << 18 });
  const { status, stderr } = spawnSync('sh', ['-c', `${KEEPS} frames.nv12 reversed.nut`], {
    ...{ cwd: folder, env, encoding: 'utf8' },
  });
  t.equal(status, 1);
  t.match(stderr, /^dmabroker: the user 0 may have 262144 bytes/m);
  t.match(stderr, /^dmabroker-ffmpeg: a frame: Cannot allocate memory$/m);
  await daemon.rest('DELETE', '/v1/quotas/user/0');
  await daemon.settled(before);
  t.strictSame(daemon.errors, [], 'no error');
});

t.test('the daemon ends: what the pool has stays good, and nothing is added', async (t) => {
  const size = `--size ${width}x${height}`;
  const whole = frames.length / 2;
  const begun = async (command: string, buffers: number) => {
    const pipe = `pipe${buffers}`;
    run(`mkfifo ${pipe}`);
    const [program = '', ...args] = command.replace('FIFO', pipe).split(' ');
    const child = spawn(program, args, { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] });
    const ended = Promise.all([once(child, 'close'), text(child.stderr)]);
    const fifo = await open(at(pipe), 'w');
    await fifo.write(frames.subarray(0, whole));
    await eventually(async () => (await daemon.buffers()).length === buffers, command);
    return async () => {
      // Who has met the end already, waiting for a buffer, reads no more of them.
      await fifo.write(frames.subarray(whole)).catch(({ code }) => t.equal(code, 'EPIPE'));
      await fifo.close();
      const [[status], said] = await ended;
      return { status, said };
    };
  };
  const one = await begun(`dmabroker-ffmpeg ${size} FIFO one.nut`, 1);
  const many = await begun(KEEPS.concat(' FIFO many.nut'), 1 + count / 2 + 1);
  await daemon.end('SIGKILL');
  const over = 'the connection to the daemon is over\n';
  t.strictSame(await one(), { status: 1, said: `dmabroker-ffmpeg: ${over}` }, 'at its end');
  t.ok(decoded('one.nut').equals(frames), 'each frame');
  const none = 'dmabroker-ffmpeg: a frame: Cannot allocate memory\n';
  t.strictSame(await many(), { status: 1, said: `dmabroker: ${over}${none}` });
});
