/**
 * The broker's memory on a display, in a scaler and in a codec (examples/scanout, examples/v4l2): vkms, vim2m and vicodec, the
 * kernel's virtual ones. What they make of it is compared with what is computed here, and with what v4l2-ctl makes in the
 * drivers' own memory. The daemon may ask the display itself, too (`displays.ask`).
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { connect } from '../../src/client/index.js';
import { MOD_LINEAR, modifierText } from '../../src/memory/fourcc.js';
import { packageRoot } from '../../src/package-root.js';
import type { BufferInfo } from '../../src/rest/contract.js';
import { commandsOf } from '../docs/pages.js';
import { eventually, TestDaemon } from '../support/daemon.js';
import { temporaryFolder } from '../support/folder.js';
import { commandOf, proof, toleranceOf } from '../support/proofs.js';
import {
  colours,
  difference,
  drawing,
  height,
  isColour,
  smooth,
  vkmsCrc,
  width,
} from './support/pictures.js';

const folder = temporaryFolder(t);
const at = (name: string) => join(folder, name);
const drm = '/sys/class/drm';
const isVkms = (name: string) =>
  /^card\d+$/.test(name) && /\bvkms\b/.test(readlinkSync(join(drm, name)));
const cards = existsSync(drm) ? readdirSync(drm).filter(isVkms) : [];
const card = () => cards[0] ?? '';
const noDisplay = cards.length > 0 ? false : 'the kernel has no vkms';

const config = at('dmabroker.toml');
const mayAsk = (paths: readonly string[]) =>
  writeFileSync(config, `[displays]\nask = ${JSON.stringify(paths)}\n`);
mayAsk(cards.map((name) => `/dev/dri/${name}`));
const daemon = await TestDaemon.start(['--config', config]);
t.teardown(() => daemon.stop());
const fds = await daemon.idleFds();
const programs = ['scanout', 'v4l2'].map((name) => join(packageRoot, 'examples', name, 'build'));
const env = {
  ...process.env,
  ...{ DMABROKER_SOCKET: daemon.clientSocket, DMABROKER_REST_SOCKET: daemon.restSocket },
  PATH: [...programs, folder, process.env.PATH].join(':'),
};

const run = (command: string) =>
  execFileSync('sh', ['-c', command], { cwd: folder, env, encoding: 'utf8', stdio: 'pipe' });

const PAGE = 'docs/displays-and-codecs.md';
// There is no compiler in the guest.
writeFileSync(at('make'), '#!/bin/sh\n', { mode: 0o755 });
const ctl = join(packageRoot, 'bin', 'dmabrokerctl.js');
writeFileSync(at('dmabrokerctl'), `#!/bin/sh\nexec ${process.execPath} ${ctl} "$@"\n`, {
  mode: 0o755,
});
const [first = ''] = commandsOf(PAGE, '').map((script) =>
  script.replace('"$(mktemp --directory)"', folder),
);

/** What the page shows below a heading, as it is typed; what it has said. */
function asTyped(heading: string): string {
  const script = [first, ...commandsOf(PAGE, heading)].join('\n');
  const { status, stdout, stderr } = spawnSync('bash', ['-euc', script], {
    ...{ cwd: packageRoot, env: { ...env, PATH: `${folder}:${process.env.PATH}` } },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${script}\nended with ${status}: ${stdout}${stderr}`);
  return stdout;
}

/** One that goes on; it ends with the test. */
function start(t: Test, command: string) {
  const child = spawn('sh', ['-c', `exec ${command}`], { cwd: folder, env, stdio: 'pipe' });
  const exit = once(child, 'close') as Promise<[number | null]>;
  const said = text(child.stderr);
  t.teardown(async () => {
    child.kill('SIGKILL');
    await exit;
  });
  return { child, exit, said, lines: createInterface(child.stdout)[Symbol.asyncIterator]() };
}

async function killed(child: ChildProcess, exit: Promise<unknown>): Promise<void> {
  child.kill('SIGKILL');
  await exit;
  await daemon.settled(fds);
}

const near = (t: Test, name: Parameters<typeof proof>[0], format: string, found: number) => {
  t.comment(`${format}: the largest difference is ${found}`);
  t.ok(found <= toleranceOf(name, format), `${format}: ${found}`);
};

/** What the kernel tells of the display. */
function debugFolder(t: Test): string {
  const debug = at('debug');
  mkdirSync(debug, { recursive: true });
  execFileSync('mount', ['-t', 'debugfs', 'none', debug]);
  t.teardown(() => execFileSync('umount', [debug]));
  return join(debug, 'dri', card().slice('card'.length));
}

/** What the kernel counts of what is shown now (debugfs, the CRTC's `crc`). */
function shownCrc(debug: string): number {
  const known = join(debug, 'crtc-0/crc');
  writeFileSync(join(known, 'control'), 'auto');
  // By another process: a read that waits for the next frame would keep this one for ever when there is none.
  const { stdout } = spawnSync('dd', [`if=${join(known, 'data')}`, 'bs=4096', 'count=1'], {
    encoding: 'utf8',
    timeout: 10_000,
  });
  // The frame's number and the CRC, and a NUL.
  return Number(/^0x\w+ (0x\w+)$/m.exec(stdout)?.[1]);
}

t.test(proof('shown'), { skip: noDisplay }, async (t) => {
  asTyped('a-display');
  const picture = drawing(width * height * 4);
  writeFileSync(at('picture.raw'), picture);
  for (const source of ['', '--source dma-heap:system', '--source udmabuf']) {
    const command = commandOf('shown').replace('scanout', `scanout --card vkms ${source}`);
    const { child, exit, said, lines } = start(t, command);
    t.match((await lines.next()).value ?? (await said), /^XR24 modifier 0 of .*: verified$/);
    t.equal((await lines.next()).value, `showing 640x480 on /dev/dri/${card()} (vkms)`);
    t.match(await daemon.buffers(), [{ name: 'scanout example', handle_type: 'dma_buf' }]);
    near(t, 'shown', 'XR24', difference(readFileSync(at('seen.raw')), picture, isColour));
    if (source === '') {
      const debug = debugFolder(t);
      t.equal(shownCrc(debug), vkmsCrc(picture), 'what is on the display');
      const reason = new RegExp(
        `^another program shows on /dev/dri/${card()} \\(vkms\\): it alone`,
      );
      const asked = await allocated({ width: 640, height: 480, format: 'XR24' });
      t.match(asked, { scanout: { state: 'unverified', reason }, unverified_usage: ['scanout'] });
      t.equal(shownCrc(debug), vkmsCrc(picture), 'the daemon has changed nothing of it');
      const other = spawnSync('dmabroker-scanout', ['--card', 'vkms', 'ask', 'XR24'], { env });
      t.match(`${other.stderr}`, /another program shows on .*: it alone may ask it/);
      await killed(child, exit);
    } else {
      child.stdin.end();
      t.strictSame(await exit, [0, null], await said);
    }
  }
});

t.test(
  'what a display takes of each source, and what it does not',
  { skip: noDisplay },
  async (t) => {
    t.match(asTyped('whether-a-display-takes-it'), /^XR24 modifier 0 of vulkan: verified$/m);
    const none = spawnSync(
      'sh',
      ['-c', commandOf('shown').replace('show', '--source memfd show')],
      {
        ...{ cwd: folder, env, encoding: 'utf8' },
      },
    );
    t.equal(none.status, 1);
    t.match(none.stderr, /\(vkms\) takes none of what the broker has$/m, 'no dma_buf');
    const said = run('dmabroker-scanout --card vkms --size 640x480 ask XR24 NV12 RG16 YUYV');
    for (const source of ['vulkan', 'dma-heap:system', 'udmabuf'])
      t.match(said, `XR24 modifier 0 of ${source}: verified\n`);
    t.match(said, /^YUYV: \/dev\/dri\/card\d+ has it not$/m);
    if (!/^NV12.*verified$/m.test(said)) return t.comment('vkms takes no NV12');
    const picture = smooth(0);
    writeFileSync(at('picture.nv12'), picture);
    run(
      `${commandOf('shown').replace('show picture.raw', '--format NV12 show picture.nv12')} </dev/null`,
    );
    near(t, 'shown', 'NV12', difference(readFileSync(at('seen.raw')), colours(picture), isColour));
  },
);

/** An image for scanout, which is released again: what REST says of it. */
async function allocated(image: object): Promise<BufferInfo> {
  const wanted = {
    kind: 'image',
    modifiers: [modifierText(MOD_LINEAR)],
    usage: ['scanout'],
    ...image,
  };
  const { status, body } = await daemon.rest('POST', '/v1/buffers', wanted);
  if (status !== 201) throw new Error(JSON.stringify(body));
  await daemon.rest('DELETE', `/v1/buffers/${body.buffer.id}`);
  return body.buffer;
}

const openCards = () => daemon.openFdsThat((target) => target.startsWith('/dev/dri/card'));

t.test('the daemon asks the display, and leaves it as it was', { skip: noDisplay }, async (t) => {
  // Where nobody else has the card, the kernel shows its console when whoever had it closes it: that is there before.
  run('dmabroker-scanout --card vkms ask XR24');
  const state = join(debugFolder(t), 'state');
  const before = readFileSync(state, 'utf8');
  const takes = new RegExp(`^/dev/dri/${card()} \\(vkms\\) takes it, at 1024x768$`);
  const typed = asTyped('asked-by-the-daemon');
  t.match(typed, /^unverified: +-\nscanout: +verified: .* takes it, at 1024x768$/m);
  await daemon.rest('DELETE', `/v1/buffers/${/^id: +(\S+)$/m.exec(typed)?.[1]}`);
  const size = { width: 1024, height: 768 };
  for (const source of ['vulkan', 'dma-heap:system', 'udmabuf']) {
    const buffer = await allocated({ ...size, format: 'XR24', sources: [source] });
    t.match(buffer, {
      source,
      scanout: { state: 'verified', reason: takes },
      unverified_usage: [],
    });
  }
  const lacks = await allocated({ ...size, format: 'YUYV' });
  t.match(lacks, { scanout: { state: 'refused', reason: /has no YUYV/ }, fell_back: null });
  t.same(lacks.unverified_usage, ['scanout']);
  const small = await allocated({ width: 100, height: 50, format: 'XR24' });
  t.match(small.scanout, { state: 'unverified', reason: /has no mode of 100x50 or less$/ });
  t.match(await allocated({ ...size, format: 'XR24', usage: ['cpu_write'] }), { scanout: null });
  const client = await connect({ socket: daemon.clientSocket });
  const image = { kind: 'image', ...size, format: 'XR24', usage: ['scanout'] } as const;
  const held = await client.allocate(image);
  t.same(held.unverifiedUsage, [], 'over the wire');
  await held.release();
  t.same((await client.test(image)).unverifiedUsage, [], 'and a dry run');
  client.close();
  t.equal(openCards(), 0);
  t.equal(readFileSync(state, 'utf8'), before);
  // Another program can be the master at once.
  t.match(run('dmabroker-scanout --card vkms ask XR24'), /vulkan: verified$/m);
  mayAsk([]);
  daemon.process.kill('SIGHUP');
  const isNone = async () => (await allocated({ ...size, format: 'XR24' })).scanout === null;
  await eventually(isNone, 'it asks no more');
  await daemon.settled(fds);
});

/** Loads a driver for the rest of the file; why there is none. */
function driver(name: string): string | false {
  if (spawnSync('modprobe', [name]).status !== 0) return `the kernel has no ${name}`;
  t.teardown(() => execFileSync('modprobe', ['--remove', name]));
  return false;
}

/** The node that a driver has called so. */
function node(name: string): string {
  const sys = '/sys/class/video4linux';
  const found = readdirSync(sys).find(
    (each) => readFileSync(join(sys, each, 'name'), 'utf8').trim() === name,
  );
  return `/dev/${basename(found ?? '')}`;
}

/** The same by v4l2-ctl, in memory of the driver's. */
const reference = (device: string, options: string) =>
  run(`v4l2-ctl -d ${node(device)} --stream-mmap --stream-out-mmap ${options}`);

/** It has read one frame and waits for the next, and is killed. */
async function dies(t: Test, command: string, frame: Buffer): Promise<void> {
  const { child, exit } = start(t, command.replace(/ \S+ \S+$/, ' fifo out'));
  const fifo = await open(at('fifo'), 'w');
  await fifo.write(frame);
  await eventually(async () => (await daemon.buffers()).length >= 3, 'it has buffers');
  await killed(child, exit);
  await fifo.close();
}

execFileSync('mkfifo', [at('fifo')]);

t.test(proof('scaled'), { skip: driver('vim2m') }, async (t) => {
  asTyped('a-scaler');
  const frame = 320 * 240 * 3;
  const frames = drawing(3 * frame);
  writeFileSync(at('frames.rgb'), frames);
  t.equal(run(commandOf('scaled')), '3 frames in, 3 out\n');
  const half = Buffer.alloc(frames.length / 4);
  for (let i = 0; i < half.length; i++) {
    const [pixel, c] = [Math.floor(i / 3), i % 3];
    const [x, y] = [pixel % 160, Math.floor(pixel / 160)]; // of all frames, one below the other
    half[i] = frames[(2 * y * 320 + 2 * x) * 3 + c] ?? 0;
  }
  const found = readFileSync(at('half.rgb'));
  near(t, 'scaled', 'BG24', difference(found, half));
  reference(
    'vim2m',
    `--set-fmt-video-out=width=320,height=240,pixelformat=RGB3 --set-fmt-video=width=160,height=120,pixelformat=RGB3 \
    --stream-from=frames.rgb --stream-to=reference.rgb --stream-count=3`,
  );
  near(t, 'scaled', 'BG24', difference(found, readFileSync(at('reference.rgb'))));
  await dies(t, commandOf('scaled'), frames.subarray(0, frame));
});

const noCodec = driver('vicodec');

t.test(proof('encoded'), { skip: noCodec }, async (t) => {
  asTyped('a-codec');
  const frames = Buffer.concat([0, 1].map(smooth));
  writeFileSync(at('frames.nv12'), frames);
  t.equal(run(commandOf('encoded')), '2 frames in, 2 out\n');
  reference(
    'stateful-encoder',
    `--set-fmt-video-out=width=640,height=480,pixelformat=NV12 --stream-from=frames.nv12 --stream-to-hdr=reference.fwht`,
  );
  const coded = readFileSync(at('frames.fwht'));
  t.ok(coded.length > 1000 && coded.length < frames.length / 2, `${coded.length} bytes`);
  near(t, 'encoded', 'FWHT', difference(coded, readFileSync(at('reference.fwht'))));
  await dies(t, commandOf('encoded'), frames.subarray(0, frames.length / 2));
});

t.test(proof('decoded'), { skip: noCodec }, async (t) => {
  t.equal(run(commandOf('decoded')), '2 frames in, 2 out\n');
  reference(
    'stateful-decoder',
    `--set-fmt-video-out=width=640,height=480,pixelformat=FWHT --set-fmt-video=pixelformat=NV12 \
    --stream-from-hdr=frames.fwht --stream-to=reference.nv12`,
  );
  const decoded = readFileSync(at('decoded.nv12'));
  near(t, 'decoded', 'NV12', difference(decoded, readFileSync(at('reference.nv12'))));
  const loss = difference(decoded, readFileSync(at('frames.nv12')));
  near(t, 'decoded', 'the codec’s loss', loss);
});

t.test('nothing stays behind', async (t) => {
  await daemon.settled(fds);
  t.strictSame(daemon.errors, [], 'no error');
  const { body } = await daemon.rest('GET', '/v1/quotas/user/0');
  t.equal(body.charge?.bytes ?? 0, 0);
});
