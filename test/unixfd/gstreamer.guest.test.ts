/**
 * GStreamer as Debian has it, on both sides of dmabroker-unixfd: what comes out of a pipeline is byte for byte what went into
 * another, for whom it goes by memfds, by dma_bufs and by DMABuf caps; who holds frames holds nobody else; and whoever is killed,
 * and when, the daemon has no memory left and charges nobody.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t, { type Test } from 'tap';
import { type Client, type ClientBuffer, connect } from '../../src/client/index.js';
import { packageRoot } from '../../src/package-root.js';
import { parseCaps, videoOf } from '../../src/unixfd/codec/caps.js';
import { gstLayout } from '../../src/unixfd/codec/layout.js';
import { repack } from '../../src/unixfd/codec/planes.js';
import { bufferMessage, capsMessage, NONE } from '../../src/unixfd/codec/wire.js';
import { commandsOf } from '../docs/pages.js';
import { eventually, TestDaemon } from '../support/daemon.js';
import { temporaryFolder } from '../support/folder.js';
import { ended, running, withPlugins } from '../support/gstreamer.js';
import { isNight } from '../support/night.js';
import { proof } from '../support/proofs.js';
import { listen, type Running, run } from './support/peers.js';

const PLUGINS = ['coreelements', 'videotestsrc', 'videoconvertscale', 'unixfd', 'video4linux2'];

const folder = temporaryFolder(t);
const programs = join(folder, 'bin');
mkdirSync(programs);
const program = join(packageRoot, 'bin/dmabroker-unixfd.js');
writeFileSync(join(programs, 'dmabroker-unixfd'), `#!/bin/sh\nexec node ${program} "$@"\n`, {
  mode: 0o755,
});

let daemon = await TestDaemon.start();
t.teardown(() => daemon.stop());
const env = {
  ...process.env,
  ...withPlugins(folder, PLUGINS),
  ...{ DMABROKER_SOCKET: daemon.clientSocket, PATH: `${programs}:${process.env.PATH}` },
};
const before = await daemon.idleFds();
const at = (name: string) => join(folder, name);

const launched = (pipeline: string) => ended(env, pipeline);
const launch = (t: Test, pipeline: string) => running(t, env, pipeline);

async function start(t: Test, ...args: string[]): Promise<Running> {
  const program = run(t, daemon.clientSocket, ...args);
  await eventually(() => /serving|taking/.test(program.said()), program.said);
  return program;
}

/** Odd sizes, whose rows are padded. */
const FORMATS = { NV12: [322, 242], I420: [321, 241], BGRx: [161, 120] } as const;
const caps = (format: keyof typeof FORMATS, rate = 30) => {
  const [width, height] = FORMATS[format];
  return `video/x-raw,format=${format},width=${width},height=${height},framerate=${rate}/1`;
};
const test = (count: number) => `videotestsrc num-buffers=${count} pattern=ball`;

/** Every pixel of every frame; what lies between rows is nobody's. */
function pixels(file: string, format: keyof typeof FORMATS): Buffer {
  const { size, planes, rows } = gstLayout(videoOf(parseCaps(caps(format))));
  const all = readFileSync(at(file));
  if (all.length === 0 || all.length % size !== 0) throw new Error(`${file}: ${all.length} bytes`);
  return Buffer.concat(
    Array.from({ length: all.length / size }, (_, frame) =>
      planes.flatMap(({ offset, stride }, plane) =>
        Array.from({ length: rows[plane]?.count ?? 0 }, (_, row) => {
          const start = frame * size + offset + row * stride;
          return all.subarray(start, start + (rows[plane]?.bytes ?? 0));
        }),
      ),
    ).flat(),
  );
}

const same = (t: Test, have: string, want: string, format: keyof typeof FORMATS) => {
  const [found, expected] = [pixels(have, format), pixels(want, format)];
  t.ok(found.equals(expected), `${format}: ${found.length} bytes of ${expected.length}`);
};

/** What the page shows below a heading, as it is typed. */
function asTyped(anchor: string): void {
  for (const script of commandsOf('docs/gstreamer.md', anchor)) {
    const shown = `${script}\nwait`;
    const { status, stdout, stderr } = spawnSync('bash', ['-euc', shown], {
      env,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`${script}\nended with ${status}: ${stdout}${stderr}`);
  }
}

t.test('what the page shows', async () => {
  for (const anchor of [
    'frames-into-pipelines',
    'from-one-pipeline-to-others',
    'to-a-file-or-to-another-program',
    'frames-that-a-program-draws',
  ]) {
    asTyped(anchor);
  }
});

const hasScaler = spawnSync('modprobe', ['vim2m']).status === 0;
t.teardown(() => hasScaler && execFileSync('modprobe', ['--remove', 'vim2m']));

t.test(proof('converted'), { skip: hasScaler ? false : 'the kernel has no vim2m' }, async (t) => {
  asTyped('into-a-v4l2-device');
  t.equal(readFileSync('/tmp/small.raw').length, 5 * 160 * 120 * 3);
  await daemon.settled(before);
});

// Memfds of a sink, by a relay: NV12, I420, BGRx.
t.test(proof('gstreamer'), async (t) => {
  const formats = Object.keys(FORMATS) as (keyof typeof FORMATS)[];
  launched(
    formats
      .map((each) => `${test(9)} ! ${caps(each)} ! filesink location=${at(`${each}.want`)}`)
      .join(' '),
  );
  const sink = (each: string) =>
    `unixfdsink socket-path=${at(`${each}.in`)} wait-for-connection=true sync=false`;
  const source = launch(
    t,
    formats.map((each) => `${test(9)} ! ${caps(each)} ! ${sink(each)}`).join(' '),
  );
  const relays = await Promise.all(
    formats.map((each) =>
      start(
        t,
        'relay',
        '--from',
        at(`${each}.in`),
        '--path',
        at(`${each}.out`),
        '--within',
        '30',
        '--wait',
        '30',
      ),
    ),
  );
  launched(
    formats
      .map(
        (each) =>
          `unixfdsrc socket-path=${at(`${each}.out`)} ! filesink location=${at(`${each}.have`)}`,
      )
      .join(' '),
  );
  for (const each of formats) same(t, `${each}.have`, `${each}.want`, each);
  for (const relay of relays) t.equal(await relay.ended, 0, relay.said());
  t.equal(await source.ended, 0, source.said());
  await daemon.settled(before);
});

type Layout = readonly { readonly offset: number; readonly stride: number }[];

/**
 * Another program, which draws the frames of NV12.want into two dma_bufs of its own, each again when it is given back.
 */
async function draw(
  client: Client,
  served: Running,
  told: string,
  layout: Layout,
  inTheMiddle = async () => {},
): Promise<{ end(): Promise<unknown> }> {
  const [width, height] = FORMATS.NV12;
  const usual = gstLayout(videoOf(parseCaps(caps('NV12'))));
  const image = { kind: 'image', width, height, format: 'NV12', modifiers: [0n], layout } as const;
  const buffers = await client.allocateMany(image, 2);
  const free = [...buffers];
  const out = new Map<string, ClientBuffer>();
  let wake = () => {};
  createInterface({ input: served.child.stdout as NodeJS.ReadableStream }).on('line', (number) => {
    free.push(out.get(number) as ClientBuffer);
    wake();
  });
  const tell = (line: object) => served.child.stdin?.write(`${JSON.stringify(line)}\n`);
  tell({ caps: told });
  const want = readFileSync(at('NV12.want'));
  const frames = want.length / usual.size;
  const to = { ...usual, planes: layout };
  for (let frame = 0; frame < frames; frame++) {
    while (free.length === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    if (frame === 4) await inTheMiddle();
    const buffer = free.shift() as ClientBuffer;
    const content = want.subarray(frame * usual.size, (frame + 1) * usual.size);
    const memory = buffer.map();
    memory.write((bytes) => repack(content, usual.planes, to, bytes));
    memory.unmap();
    out.set(`${frame}`, buffer);
    tell({ frame, token: await buffer.share() });
  }
  tell({ end: true });
  return { end: () => Promise.all(buffers.map((each) => each.close())) };
}

const drawnOn = (path: string) =>
  start(t, ...['serve', '--tokens', '--path', at(path), '--wait', '30', '--unreleased', '2']);

t.test('DMABuf caps in, dma_bufs of a sink out', async (t) => {
  const [width, height] = FORMATS.NV12;
  const size = `width=${width},height=${height}`;
  const drm = `video/x-raw(memory:DMABuf),format=DMA_DRM,drm-format=NV12,${size}`;
  const served = await start(
    t,
    ...['serve', '--path', at('drm'), '--caps', drm, '--wait', '30', '--input', at('NV12.want')],
  );
  // Rows of another length, as another program has drawn them, which a GstVideoMeta tells.
  const wide = await drawnOn('wide');
  const passed = (name: string) =>
    `unixfdsrc socket-path=${at(name)} ! video/x-raw(memory:DMABuf) ! ` +
    `unixfdsink socket-path=${at(`${name}.out`)} wait-for-connection=true sync=false`;
  // Negotiated as such: the pipeline would end where the caps were others. unixfdsrc drops a GstVideoMeta until somebody in its
  // process has looked for one, as videoconvert does.
  const looking = `${test(1)} ! videoconvert ! video/x-raw,format=BGRx ! fakesink`;
  const pipeline = launch(t, `${passed('drm')} ${passed('wide')} ${looking}`);
  const take = (name: string) => {
    const from = ['--path', at(`${name}.out`), '--within', '30'];
    return start(t, 'take', ...from, '--output', at(`${name}.have`));
  };
  const client = await connect({ socket: daemon.clientSocket });
  const layout = [
    { offset: 0, stride: 512 },
    { offset: 512 * height, stride: 512 },
  ];
  const raw = `video/x-raw(memory:DMABuf),format=NV12,${size}`;
  const [taken, other, drawn] = await Promise.all([
    take('drm'),
    take('wide'),
    draw(client, wide, raw, layout),
  ]);
  for (const each of [taken, other, pipeline, served, wide]) {
    t.equal(await each.ended, 0, each.said());
  }
  same(t, 'drm.have', 'NV12.want', 'NV12');
  const half = (statSync(at('NV12.want')).size / 9) * 5;
  for (const each of ['wide.have', 'NV12.want']) {
    writeFileSync(at(`${each}.end`), readFileSync(at(each)).subarray(half));
  }
  same(t, 'wide.have.end', 'NV12.want.end', 'NV12');
  await drawn.end();
  client.close();
  await daemon.settled(before);
});

t.test('what another program draws into dma_bufs of its own', async (t) => {
  const client = await connect({ socket: daemon.clientSocket });
  const served = await drawnOn('drawn');
  const source = launch(
    t,
    `unixfdsrc socket-path=${at('drawn')} ! filesink location=${at('drawn.have')}`,
  );
  // Two pieces of one memory, which GStreamer has one behind the other.
  const layout = [
    { offset: 4096, stride: 324 },
    { offset: 98_304, stride: 324 },
  ];
  const drawn = await draw(client, served, caps('NV12', 0), layout);
  t.equal(await source.ended, 0, source.said());
  t.equal(await served.ended, 0, served.said());
  same(t, 'drawn.have', 'NV12.want', 'NV12');
  await drawn.end();
  client.close();
  await daemon.settled(before);
});

t.test('who stands still has a few frames, and the others have all', async (t) => {
  const served = await start(
    t,
    ...['serve', '--path', at('slow'), '--caps', caps('NV12', 0), '--unreleased', '3'],
    ...['--wait', '1', '--name', 'slow one'],
  );
  const still = launch(t, `unixfdsrc socket-path=${at('slow')} ! fakesink`);
  await eventually(() => served.said().includes('peer 1'), 'it has come');
  still.child.kill('SIGSTOP');
  const good = launch(
    t,
    `unixfdsrc socket-path=${at('slow')} ! filesink location=${at('slow.have')}`,
  );
  await eventually(() => served.said().includes('peer 2'), 'the other has come');
  served.child.stdin?.end(readFileSync(at('NV12.want')));
  await eventually(async () => (await daemon.buffers()).length >= 4, 'several are in flight');
  t.equal(await good.ended, 0, good.said());
  same(t, 'slow.have', 'NV12.want', 'NV12');
  t.match(served.said(), /peer 1 .* has not released 3 frames/);
  const buffers = await daemon.buffers();
  t.ok(buffers.length <= 7, `${buffers.length} buffers`);
  t.match(buffers, [{ name: 'slow one', format: 'NV12', handle_type: 'dma_buf', width: 322 }]);
  still.child.kill('SIGKILL');
  t.equal(await served.ended, 0, served.said());
  await daemon.settled(before);
});

/** A picture of many colours that stands still; a webcam can be slow, so that a busy machine is not late for each frame. */
function startCamera(t: Test): string {
  execFileSync('modprobe', ['vivid', 'n_devs=1', 'node_types=1', 'num_inputs=1', 'input_types=0']);
  t.teardown(() => execFileSync('modprobe', ['--remove', 'vivid']));
  const sys = '/sys/class/video4linux';
  const node = readdirSync(sys).find((each) =>
    readFileSync(join(sys, each, 'name'), 'utf8').startsWith('vivid-000-vid-cap'),
  );
  const camera = `/dev/${node}`;
  execFileSync('v4l2-ctl', ['-d', camera, '-c', 'test_pattern=4,osd_text_mode=2']);
  return camera;
}

t.test('dma_bufs of a camera are registered, and go with whoever ends', async (t) => {
  const camera = startCamera(t);
  const picture = 'video/x-raw,format=NV12,width=320,height=180,framerate=15/1';
  launched(`v4l2src device=${camera} num-buffers=1 ! ${picture} ! filesink location=${at('shot')}`);
  const shot = readFileSync(at('shot'));
  t.equal(shot.length, 320 * 180 * 1.5);
  const isFilm = (file: string): number => {
    const film = readFileSync(at(file));
    const count = film.length / shot.length;
    const pictures = Buffer.concat(Array.from({ length: count }, () => shot));
    t.ok(count > 0 && film.equals(pictures), `${file}: ${count} pictures`);
    return count;
  };
  const [from, to] = [at('camera.in'), at('camera.out')];
  const film = (frames: string) =>
    `v4l2src device=${camera} io-mode=dmabuf ${frames}! ${picture} ! ` +
    `unixfdsink socket-path=${from} wait-for-connection=true sync=false`;
  const relay = () => start(t, 'relay', '--from', from, '--path', to, '--within', '30');

  const first = await relay();
  const source = launch(t, film('num-buffers=6 '));
  launched(`unixfdsrc socket-path=${to} ! filesink location=${at('camera.have')}`);
  // A relay of a camera is live: one that is late is left out.
  isFilm('camera.have');
  t.equal(await first.ended, 0, first.said());
  t.equal(await source.ended, 0, source.said());
  await daemon.settled(before);

  const viewing = `unixfdsrc socket-path=${to} ! fakesink`;
  // On a busy machine there may be copies, too: more are out at once.
  const imports = async () => (await daemon.buffers()).filter(({ source }) => source === 'import');
  const registered = async () => (await imports()).length >= 2;
  const second = await relay();
  const endless = launch(t, film(''));
  const viewer = launch(t, viewing);
  await eventually(registered, 'several are registered');
  t.match(await imports(), [{ exporter: 'videobuf2_vmalloc', format: 'NV12', width: 320 }]);
  // It keeps what it has; the camera, which has four buffers, gets on all the same, since what is more is copied.
  viewer.child.kill('SIGSTOP');
  await eventually(
    () => second.said().includes('has not released 4 frames'),
    () => second.said(),
  );
  launched(`unixfdsrc socket-path=${to} num-buffers=9 ! filesink location=${at('camera.more')}`);
  t.equal(isFilm('camera.more'), 9);
  const sources = (await daemon.buffers()).map(({ source }) => source);
  t.ok(sources.includes('import') && sources.some((each) => each !== 'import'), sources.join());
  viewer.child.kill('SIGKILL');
  await eventually(() => /peer 1 .* has left/.test(second.said()), 'a viewer is killed');
  const next = launch(t, viewing);
  await eventually(
    () => second.said().includes('peer 3'),
    () => `${second.said()}${endless.said()}`,
  );
  second.child.kill('SIGKILL');
  // Its unixfdsrc has no end.
  t.not(await next.ended, 0, 'the relay is killed');
  const live = async () => (await daemon.buffers()).filter(({ state }) => state === 'live');
  await eventually(async () => (await live()).length === 0, 'nothing of it is live');
  // The memory is the camera's, and there for as long as that has it.
  endless.child.kill('SIGKILL');
  await daemon.settled(before);

  // GStreamer does not take the place of a socket that was left.
  rmSync(from);
  const third = await relay();
  const last = launch(t, film(''));
  const witness = launch(t, viewing);
  await eventually(registered, 'several are registered');
  last.child.kill('SIGKILL');
  t.equal(await third.ended, 1, 'the camera is killed');
  t.match(third.said(), /has gone without an end/);
  t.not(await witness.ended, 0);
  await daemon.settled(before);
});

t.test('a dma_buf that has less than is said', async (t) => {
  const sinks = listen(t, at('liar'));
  const taken = await start(t, 'take', '--path', at('liar'), '--output', at('nothing'));
  await eventually(() => sinks.length === 1, 'it connects');
  const client = await connect({ socket: daemon.clientSocket });
  const memory = await client.allocate({ kind: 'buffer', size: 2 ** 17 });
  const told = { pts: NONE, dts: NONE, duration: NONE, offset: NONE, offsetEnd: NONE, flags: 0 };
  const memories = [{ size: 2 ** 18, offset: 0 }];
  const message = bufferMessage({ ...told, id: 1n, kind: 'dma_buf', memories, metas: [] });
  sinks[0]?.line.send(capsMessage(caps('NV12')));
  sinks[0]?.line.send(message, [memory.planes[0]?.fd ?? -1]);
  t.equal(await taken.ended, 1);
  t.match(taken.said(), /more than its dma_buf has/);
  client.close();
  await memory.close();
  await daemon.settled(before);
});

// In the gate client/reconnect.guest has the library's part of it.
if (isNight) {
  const restart = async (served: Running) => {
    await daemon.end('SIGKILL');
    daemon = await TestDaemon.start([], { folder: daemon.folder, awaited: true });
    await eventually(
      () => served.said().includes('is back'),
      () => served.said(),
    );
  };

  t.test('the daemon is killed, and started again', async (t) => {
    const want = readFileSync(at('NV12.want'));
    const half = (want.length / 9) * 4;
    const served = await start(
      t,
      'serve',
      '--path',
      at('again'),
      '--caps',
      caps('NV12', 0),
      '--wait',
      '60',
    );
    const source = launch(
      t,
      `unixfdsrc socket-path=${at('again')} ! filesink location=${at('again.have')}`,
    );
    served.child.stdin?.write(want.subarray(0, half));
    await eventually(
      () => existsSync(at('again.have')) && statSync(at('again.have')).size > 0,
      'frames come',
    );
    await restart(served);
    served.child.stdin?.end(want.subarray(half));
    t.equal(await source.ended, 0, source.said());
    t.equal(await served.ended, 0, served.said());
    same(t, 'again.have', 'NV12.want', 'NV12');
    await eventually(async () => (await daemon.buffers()).length === 0, 'nothing is charged');
  });

  t.test('the same while another program draws', async (t) => {
    const client = await connect({ socket: daemon.clientSocket });
    const served = await drawnOn('late');
    const source = launch(
      t,
      `unixfdsrc socket-path=${at('late')} ! filesink location=${at('late.have')}`,
    );
    const { planes } = gstLayout(videoOf(parseCaps(caps('NV12'))));
    const drawn = await draw(client, served, caps('NV12', 0), planes, () => restart(served));
    t.equal(await source.ended, 0, source.said());
    t.equal(await served.ended, 0, served.said());
    same(t, 'late.have', 'NV12.want', 'NV12');
    await drawn.end();
    client.close();
    await eventually(async () => (await daemon.buffers()).length === 0, 'nothing is charged');
  });
}
