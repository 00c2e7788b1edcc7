/**
 * A compositor shows what the broker allocated: Weston (headless, GL renderer) samples the dma_buf
 * that examples/wayland drew into, and a screenshot of its output is compared with the drawing.
 */
import { execFile, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, watch } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { inflateSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { packageRoot } from '../../src/package-root.js';
import { TestDaemon } from '../support/daemon.js';
import { runtimeFolder } from '../support/folder.js';
import { commandOf, proof, toleranceOf } from '../support/proofs.js';

const run = promisify(execFile);
const programs = join(packageRoot, 'examples/wayland/build');
/** No multiple of 64 bytes in any format, so that rows are padded. */
const [width, height] = [500, 300];
const SOCKET = 'wayland-test';

/**
 * Weston's environment has nothing of ours: no validation layer, no choice of drivers. It has no
 * /dev/dri either: where it renders through vgem's node, Mesa 25.0.7 crashes as soon as it samples
 * an imported dma_buf (llvmpipe reads at NULL); without a node it maps the dma_buf itself.
 */
async function startWeston(t: Test): Promise<NodeJS.ProcessEnv> {
  // 0700, as XDG_RUNTIME_DIR has to be; the example looks for the broker's socket in it, too.
  const folder = runtimeFolder(t, daemon.clientSocket);
  const env = { PATH: process.env.PATH, XDG_RUNTIME_DIR: folder, WAYLAND_DISPLAY: SOCKET };
  const weston = `weston --no-config --backend=headless --renderer=gl --shell=kiosk-shell.so \
    --width=${width} --height=${height} --idle-time=0 --socket=${SOCKET} --debug`;
  const command = `mount -t tmpfs none /dev/dri && exec ${weston}`;
  const options: SpawnOptions = { env, stdio: ['ignore', 'pipe', 'pipe'] };
  const watcher = watch(folder);
  const listening = new Promise<void>((resolve) => {
    watcher.on('change', (_, name) => name === SOCKET && resolve());
  });
  const child = spawn('unshare', ['--mount', 'sh', '-c', command], options);
  const exit = once(child, 'exit');
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => (log += data));
  t.teardown(async () => {
    child.kill('SIGTERM');
    await exit;
  });
  const failed = exit.then(([code]) => {
    throw new Error(`Weston ended with ${code}:\n${log}`);
  });
  failed.catch(() => {}); // later on its clients' errors tell
  await Promise.race([listening, failed]).finally(() => watcher.close());
  t.match(log, 'Using GL renderer', 'Weston composes with GL');
  return env;
}

interface Pixels {
  readonly width: number;
  readonly height: number;
  /** Red, green and blue of a pixel. */
  at(x: number, y: number): readonly [number, number, number];
}

/** PNG (RFC 2083) of 8 bits a sample, RGB or RGBA, not interlaced: what the screenshooter writes. */
function decodePng(file: Buffer): Pixels {
  const [width, height, depth] = [file.readUInt32BE(16), file.readUInt32BE(20), file[24]];
  const samples = { 2: 3, 6: 4 }[file[25] ?? -1];
  if (depth !== 8 || samples === undefined || file[28] !== 0) throw new Error('an unexpected PNG');
  const data: Buffer[] = [];
  for (let at = 8; at < file.length; at += 12 + file.readUInt32BE(at)) {
    if (file.toString('latin1', at + 4, at + 8) !== 'IDAT') continue;
    data.push(file.subarray(at + 8, at + 8 + file.readUInt32BE(at)));
  }
  const packed = inflateSync(Buffer.concat(data));
  const row = width * samples;
  const bytes = Buffer.alloc(row * height);
  for (let y = 0; y < height; y++) {
    const filter = packed[y * (row + 1)];
    for (let i = 0; i < row; i++) {
      const left = i < samples ? 0 : (bytes[y * row + i - samples] ?? 0);
      const up = bytes[(y - 1) * row + i] ?? 0;
      const corner = i < samples ? 0 : (bytes[(y - 1) * row + i - samples] ?? 0);
      const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter ?? -1] ?? NaN;
      bytes[y * row + i] = (packed[y * (row + 1) + 1 + i] ?? NaN) + guess;
    }
  }
  const at = (x: number, y: number) => {
    const start = y * row + x * samples;
    return [bytes[start] ?? -1, bytes[start + 1] ?? -1, bytes[start + 2] ?? -1] as const;
  };
  return { width, height, at };
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const [a, b, c] = [left, up, corner].map((from) => Math.abs(guess - from)) as [
    number,
    ...number[],
  ];
  if (a <= (b ?? 0) && a <= (c ?? 0)) return left;
  return (b ?? 0) <= (c ?? 0) ? up : corner;
}

/** Starts the example, takes a screenshot once it says that it is shown, and ends it. */
async function show(t: Test, env: NodeJS.ProcessEnv, format: string): Promise<Pixels> {
  const [program = '', ...args] = commandOf('sampled').replace('AR24', format).split(' ');
  const child = spawn(join(programs, program), args, { env, stdio: 'pipe' });
  const exit = once(child, 'exit');
  t.teardown(async () => {
    child.kill();
    await exit;
  });
  const said = text(child.stderr);
  const lines = createInterface({ input: child.stdout });
  const [line] = await Promise.race([once(lines, 'line'), exit.then(() => said)]);
  t.equal(line, `showing ${width}x${height} ${format}`, 'it is shown');
  const { body: buffers } = await daemon.rest('GET', '/v1/buffers?state=live');
  t.match(buffers, [{ name: 'Wayland example', exporter: 'udmabuf', format }], 'it is ours');

  const pictures = mkdtempSync(join(env.XDG_RUNTIME_DIR ?? '', 'pictures-'));
  await run('weston-screenshooter', [], {
    env: { ...env, XDG_PICTURES_DIR: pictures },
    cwd: pictures,
  });
  const [name, ...more] = readdirSync(pictures);
  if (name === undefined || more.length > 0) throw new Error('not one screenshot');
  child.stdin.end();
  t.strictSame(await exit, [0, null], await said);
  const picture = decodePng(readFileSync(join(pictures, name)));
  t.strictSame([picture.width, picture.height], [width, height], 'the size of the output');
  return picture;
}

/** The largest difference of any colour of those pixels, and where. */
function compare(
  picture: Pixels,
  expected: (x: number, y: number) => readonly number[],
  counts: (x: number, y: number) => boolean = () => true,
): { difference: number; where: string } {
  let worst = { difference: 0, where: 'nowhere' };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!counts(x, y)) continue;
      const [seen, drawn] = [picture.at(x, y), expected(x, y)];
      const difference = Math.max(...seen.map((value, i) => Math.abs(value - (drawn[i] ?? NaN))));
      if (difference <= worst.difference) continue;
      worst = { difference, where: `${x},${y}: ${seen} for ${drawn}` };
    }
  }
  return worst;
}

/** As draw.c has it. */
const drawnAr24 = (x: number, y: number) => [x & 255, y & 255, (x ^ y) & 255];

const BLOCK = 16;
/** Weston and Mesa take NV12 that nothing more is said of as BT.601, limited range. */
function drawnNv12(x: number, y: number): number[] {
  const [column, row] = [Math.floor(x / BLOCK), Math.floor(y / BLOCK)];
  const luma = (255 / 219) * ((column * 37 + row * 11) % 220);
  const cb = (255 / 224) * (16 + ((column * 53) % 225) - 128);
  const cr = (255 / 224) * (16 + ((row * 71) % 225) - 128);
  const rgb = [luma + 1.402 * cr, luma - 0.344136 * cb - 0.714136 * cr, luma + 1.772 * cb];
  return rgb.map((value) => Math.round(Math.min(255, Math.max(0, value))));
}

/** Not at a block's edge, where neighbours' chroma is mixed in. */
const insideBlock = (x: number, y: number) =>
  [x, y].every((at) => at % BLOCK >= 2 && at % BLOCK < BLOCK - 2);

const daemon = await TestDaemon.start();
t.teardown(() => daemon.stop());
const before = daemon.openFds();
const env = await startWeston(t);

t.test(`${proof('sampled')}: AR24`, async (t) => {
  const picture = await show(t, env, 'AR24');
  const { difference, where } = compare(picture, drawnAr24);
  t.equal(difference, toleranceOf('sampled', 'AR24'), where);
});

t.test(`${proof('sampled')}: NV12, two planes in one dma_buf`, async (t) => {
  const { body } = await daemon.rest('GET', '/v1/device/formats');
  const offered = body.some(
    (offer: { format: string; handle_type: string }) =>
      offer.format === 'NV12' && offer.handle_type === 'dma_buf',
  );
  if (!offered) return t.plan(0, 'the broker offers no NV12 as a dma_buf');
  const picture = await show(t, env, 'NV12');
  const { difference, where } = compare(picture, drawnNv12, insideBlock);
  t.comment(`largest difference ${difference} at ${where}`);
  t.ok(difference <= toleranceOf('sampled', 'NV12'), 'as drawn');
});

t.test('nothing stays behind', async (t) => {
  // The compositor, or the camera's driver, may hold released memory for as long as it likes.
  await daemon.released(before);
  t.strictSame(daemon.errors, [], 'no error');
});
