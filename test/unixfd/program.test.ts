/**
 * dmabroker-unixfd with a daemon of memfds, and with peers that do what GStreamer's do not: hold what they have, release what they
 * have not, send what nobody may. gstreamer.guest.test.ts has GStreamer itself.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import t, { type Test } from 'tap';
import { type ClientBuffer, connect } from '../../src/client/index.js';
import { close } from '../../src/native/libc/fd.js';
import { sealedBytes } from '../../src/native/libc/memory.js';
import { parseCaps, videoOf } from '../../src/unixfd/codec/caps.js';
import {
  bufferMessage,
  capsMessage,
  eosMessage,
  NONE,
  releaseMessage,
} from '../../src/unixfd/codec/wire.js';
import { type Frame, streamOf } from '../../src/unixfd/frame.js';
import { Ring } from '../../src/unixfd/ring.js';
import { TokenInput } from '../../src/unixfd/token-input.js';
import { eventually, TestDaemon } from '../support/daemon.js';
import { fdsOf } from '../support/fds.js';
import { temporaryFolder } from '../support/folder.js';
import { contentOf, listen, Peer, type Running, run } from './support/peers.js';

const CAPS = 'video/x-raw,format=NV12,width=66,height=34';
/** As GStreamer lays it out: rows of 68 bytes. */
const BYTES = 68 * (34 + 17);

const daemon = await TestDaemon.memfd(t);
const fds = await daemon.idleFds();
const folder = temporaryFolder(t);
let paths = 0;
const newPath = () => join(folder, `${++paths}.sock`);

/** Frames whose bytes are all the same, each frame's another. */
const frames = (first: number, count: number) =>
  Buffer.concat(Array.from({ length: count }, (_, at) => Buffer.alloc(BYTES, first + at)));
const names = (first: number, count: number) =>
  Array.from({ length: count }, (_, at) => `${first + at} ${first + at}`);

async function serve(t: Test, ...args: string[]): Promise<Running & { path: string }> {
  const path = newPath();
  const options = ['--caps', CAPS, '--memfd', ...args];
  const running = run(t, daemon.clientSocket, 'serve', '--path', path, ...options);
  await eventually(() => running.said().includes('serving'), 'it serves');
  return { ...running, path };
}

t.test(
  'the quota is full: what is given back while one more is refused is not waited for',
  async (t) => {
    const client = await connect({ socket: daemon.clientSocket });
    const caps = parseCaps(CAPS);
    const said: string[] = [];
    const terms = {
      ...({ client, handleTypes: ['memfd'], name: 'ring' } as const),
      ...{ most: () => 4, say: (text: string) => said.push(text) },
    };
    const ring = new Ring(streamOf(caps, videoOf(caps)), terms);
    const first = await ring.take();
    const quota = `/v1/quotas/user/${process.getuid?.()}`;
    const bytes = (await daemon.rest('GET', quota)).body.charge.bytes;
    t.equal((await daemon.rest('PUT', quota, { bytes })).status, 200);
    const second = ring.take();
    ring.giveBack(first);
    t.equal(await second, first);
    t.match(said, [/^1 buffers must do: /]);
    ring.giveBack(first);
    ring.close();
    t.equal((await daemon.rest('DELETE', quota)).status, 200);
    client.close();
  },
);

t.test('who does not release has a few frames, and the others have all', async (t) => {
  const { child, path, said, ended } = await serve(
    t,
    ...['--unreleased', '2', '--wait', '1', '--mode', '0660'],
  );
  t.equal(statSync(path).mode & 0o777, 0o660, "the socket's mode");
  const holding = Peer.connect(t, path);
  const good = Peer.connect(t, path);
  good.releases = true;
  await eventually(() => good.caps !== null && holding.caps !== null, 'both have the caps');
  t.equal(good.caps, 'video/x-raw, format=NV12, width=66, height=34');
  child.stdin?.write(frames(1, 12));
  await good.has(12);
  t.same(good.contents, names(1, 12), 'every frame, in order');
  t.equal(holding.buffers.length, 2);
  t.match(holding.buffers, [{ metaCount: 0, buffer: { kind: 'fd', memories: [{ size: BYTES }] } }]);
  // They were not written again, though the others were, and are not one memory.
  t.same(holding.buffers.map(contentOf), names(1, 2));
  t.match(said(), /peer 1 \(process \d+ of user \d+\) has not released 2 frames/);
  const buffers = await daemon.buffers();
  t.ok(buffers.length >= 3 && buffers.length <= 5, `${buffers.length} buffers`);
  t.match(buffers, [{ format: 'NV12', width: 66, height: 34, name: `unixfd ${path}` }]);
  // It has room for one again.
  const [first] = holding.buffers;
  holding.line.send(releaseMessage(first?.buffer.id ?? 0n));
  child.stdin?.write(frames(13, 2));
  await good.has(14);
  await holding.has(3);
  t.same(holding.buffers.slice(1).map(contentOf), [...names(2, 1), ...names(13, 1)]);
  child.stdin?.end();
  await eventually(() => good.eos && holding.eos, 'both hear the end');
  good.leave();
  holding.leave();
  t.equal(await ended, 0, said());
  t.throws(() => statSync(path), { code: 'ENOENT' });
  await daemon.settled(fds);
});

t.test('what a peer may not do ends that peer alone', async (t) => {
  const { child, path, said } = await serve(t, '--wait', '30', '--peers', '2');
  const good = Peer.connect(t, path);
  good.releases = true;
  await eventually(() => good.caps !== null, 'it is there');
  const before = fdsOf(child.pid ?? -1, /./);
  const long = Buffer.alloc(8, 0xff);
  const wrong: readonly (readonly [string | null, (peer: Peer) => unknown])[] = [
    ['released 99, which it does not have', ({ line }) => line.send(releaseMessage(99n))],
    ['sent caps', ({ line }) => line.send(capsMessage(CAPS))],
    ['a message of 4294967295 bytes', ({ line }) => line.send(long)],
    [null, ({ line }) => line.send(...frameOf(t, 1n, 1))],
  ];
  for (const [why, act] of wrong) {
    const peer = Peer.connect(t, path);
    await eventually(() => peer.caps !== null, 'it was let in');
    act(peer);
    if (why !== null) {
      await eventually(() => said().includes(why), why);
      await eventually(() => peer.over !== null, why);
      // A newer kernel does not send fds to who wants none (SO_PASSRIGHTS).
    } else peer.line.end();
  }
  const second = Peer.connect(t, path);
  await eventually(() => second.caps !== null, 'the second');
  const third = Peer.connect(t, path);
  await eventually(() => third.over !== null, 'the third is turned away');
  second.line.end();
  child.stdin?.write(frames(1, 3));
  await good.has(3);
  t.same(good.contents, names(1, 3), 'the other one has its frames');
  await eventually(() => fdsOf(child.pid ?? -1, /socket/) <= before, 'their sockets are closed');
  child.kill('SIGTERM');
  await eventually(() => good.eos, 'a signal is an end, too');
});

t.test('killed, told to stop, released by an administrator', async (t) => {
  const path = newPath();
  const args = ['serve', '--path', path, '--caps', CAPS, '--memfd', '--wait', '30'];
  const killed = run(t, daemon.clientSocket, ...args);
  await eventually(() => killed.said().includes('serving'), 'it serves');
  const peer = Peer.connect(t, path);
  killed.child.stdin?.write(frames(1, 2));
  await peer.has(2);
  killed.child.kill('SIGKILL');
  await eventually(() => peer.over !== null, 'the peer sees it');
  t.same(peer.buffers.map(contentOf), names(1, 2), 'what the peer has it keeps');
  peer.leave();
  await daemon.settled(fds);

  const next = run(t, daemon.clientSocket, ...args);
  await eventually(
    () => next.said().includes('serving'),
    'in the place of the one that was killed',
  );
  const good = Peer.connect(t, path);
  good.releases = true;
  next.child.stdin?.write(frames(1, 2));
  await good.has(2);
  for (const { id } of await daemon.buffers()) await daemon.rest('DELETE', `/v1/buffers/${id}`);
  next.child.stdin?.write(frames(3, 3));
  await good.has(5);
  t.same(good.contents, names(1, 5), 'it goes on with others');
  next.child.kill('SIGINT');
  await eventually(() => good.eos, 'it says that it ends');
  good.leave();
  t.equal(await next.ended, 0, next.said());
  await daemon.settled(fds);
});

/** A frame as a sink has it; its fd is closed at the test's end. */
function frameOf(t: Test, id: bigint, byte: number, size = BYTES): [Buffer, number[]] {
  const fd = sealedBytes('frame', Buffer.alloc(size + 100, byte));
  t.teardown(() => close(fd));
  const told = { pts: 5n, dts: NONE, duration: 7n, offset: NONE, offsetEnd: NONE, flags: 0 };
  const buffer = { ...told, id, kind: 'fd', memories: [{ size, offset: 100 }], metas: [] } as const;
  return [bufferMessage(buffer), [fd]];
}

t.test('frames of a sink are copied, released, and written or handed on', async (t) => {
  const path = newPath();
  const sinks = listen(t, path);
  const taken = run(t, daemon.clientSocket, 'take', '--path', path, '--output', '-', '--memfd');
  await eventually(() => sinks.length === 1, 'it connects');
  const [sink] = sinks as [Peer];
  sink.line.send(capsMessage('NULL'));
  sink.line.send(capsMessage(CAPS));
  sink.line.send(...frameOf(t, 1n, 65));
  sink.line.send(...frameOf(t, 2n, 66));
  sink.line.send(eosMessage());
  await eventually(() => sink.released.length === 2, 'both are released');
  t.same(sink.released, [1n, 2n]);
  t.equal(await taken.ended, 0, taken.said());
  t.equal(await taken.output, 'A'.repeat(BYTES) + 'B'.repeat(BYTES));

  const handed = run(t, daemon.clientSocket, 'take', '--path', path, '--tokens', '--memfd');
  await eventually(() => sinks.length === 2, 'it connects');
  const [, second] = sinks as [Peer, Peer];
  second.line.send(capsMessage(CAPS));
  second.line.send(...frameOf(t, 1n, 65));
  second.line.send(...frameOf(t, 2n, 66));
  const lines = createInterface({ input: handed.child.stdout as NodeJS.ReadableStream });
  const read = lines[Symbol.asyncIterator]();
  const line = async () => JSON.parse((await read.next()).value);
  t.match(await line(), { format: 'NV12', width: 66, height: 34, caps: /^video/ });
  const client = await connect({ socket: daemon.clientSocket });
  for (const [number, byte] of [
    [1, 65],
    [2, 66],
  ] as const) {
    const { frame, token, pts, planes } = await line();
    t.match({ frame, pts, planes }, { frame: number, pts: '5', planes: [{ stride: 68 }, {}] });
    const buffer = await client.redeem(token);
    t.match(buffer, { format: 'NV12', planes });
    const all = buffer.map({ write: false }).read((bytes) => bytes.subarray(0, BYTES));
    t.ok(
      all.every((each) => each === byte),
      'the frame is there',
    );
    await buffer.close();
  }
  client.close();
  // A token that nobody has used ends with its frame, or its buffer would have ever more.
  second.line.send(...frameOf(t, 3n, 67));
  const unused = await line();
  handed.child.stdin?.write('1\n9\n3\n');
  await eventually(
    async () => (await daemon.buffers()).every(({ tokens }) => tokens === 0),
    `the token of frame ${unused.frame} is ended`,
  );
  handed.child.stdin?.write('2\n');
  second.line.send(eosMessage());
  t.same(await line(), { end: true });
  t.equal(await handed.ended, 0, handed.said());
  t.match(handed.said(), /"9" is the number of no frame that is out/);
  await daemon.settled(fds);

  const left = run(t, daemon.clientSocket, 'take', '--path', path, '--output', '-', '--memfd');
  await eventually(() => sinks.length === 3, 'it connects');
  sinks[2]?.leave();
  t.equal(await left.ended, 1, left.said());
  t.match(left.said(), /has gone without an end/);
});

const LAYOUT = [
  { offset: 0, stride: 68 },
  { offset: 68 * 34, stride: 68 },
];

/** `serve --tokens`, told what another program would print; the numbers that it has printed. */
async function serveTokens(t: Test): Promise<Told> {
  const path = newPath();
  const running = run(t, daemon.clientSocket, 'serve', '--tokens', '--path', path, '--wait', '30');
  const numbers: string[] = [];
  createInterface({ input: running.child.stdout as NodeJS.ReadableStream }).on('line', (line) =>
    numbers.push(line),
  );
  await eventually(() => running.said().includes('serving'), running.said);
  const tell = (line: object) => running.child.stdin?.write(`${JSON.stringify(line)}\n`);
  tell({ caps: CAPS });
  return { ...running, path, numbers, tell };
}

interface Told extends Running {
  readonly path: string;
  readonly numbers: string[];
  readonly tell: (line: object) => unknown;
}

t.test('frames that another program has drawn are served by their tokens', async (t) => {
  const { child, path, said, ended, numbers, tell } = await serveTokens(t);
  const client = await connect({ socket: daemon.clientSocket });
  const image = { kind: 'image', width: 66, height: 34, format: 'NV12', layout: LAYOUT } as const;
  const [one, two] = await client.allocateMany({ ...image, handleTypes: ['memfd'] }, 2);
  const drawn = (buffer: ClientBuffer | undefined, byte: number) => {
    const memory = (buffer as ClientBuffer).map();
    memory.write((bytes) => bytes.fill(byte));
    memory.unmap();
    return buffer as ClientBuffer;
  };
  let frame = 0;
  const show = async (buffer: ClientBuffer) =>
    tell({ frame: ++frame, token: await buffer.share(), pts: `${frame}` });
  await show(drawn(one, 1));
  await show(drawn(two, 2));
  const good = Peer.connect(t, path);
  const holding = Peer.connect(t, path);
  good.releases = true;
  await good.has(2);
  await holding.has(2);
  t.match(holding.buffers, [{ metaCount: 0, buffer: { pts: 1n, memories: [{ offset: 0 }] } }]);
  t.same(holding.buffers.map(contentOf), names(1, 2), 'the memory as it is');
  t.same(numbers, [], 'somebody has them');
  holding.line.send(releaseMessage(holding.buffers[1]?.buffer.id ?? 0n));
  await eventually(() => numbers.length === 1, 'all have released one');
  t.same(numbers, ['2']);
  holding.leave();
  await eventually(() => numbers.length === 2, 'who leaves has released, too');
  // More than a buffer may have tokens; and no fd more for each.
  const open = fdsOf(child.pid ?? -1, /./);
  for (let round = 0; round < 66; round++) {
    await show(drawn(one, round));
    await eventually(
      () => numbers.length === frame,
      () => `frame ${frame}: ${said()}`,
    );
  }
  t.same(
    numbers.slice(2),
    Array.from({ length: 66 }, (_, at) => `${at + 3}`),
  );
  t.same(good.contents.slice(-2), names(64, 2));
  t.equal(fdsOf(child.pid ?? -1, /./), open, 'the same fds');

  // Without a token where it is kept; anywhere in memory of no format.
  tell({ frame: 1000, buffer: one?.id });
  const memory = await client.allocate({ kind: 'buffer', size: 8192, handleTypes: ['memfd'] });
  drawn(memory, 7);
  const planes = [
    { offset: 5000, stride: 68 },
    { offset: 100, stride: 68 },
  ];
  tell({ frame: 1001, token: await memory.share(), planes });
  await good.has(70);
  const sent = good.buffers.at(-1)?.buffer.memories;
  t.same(sent, [
    { offset: 5000, size: 68 * 34 },
    { offset: 100, size: 68 * 17 },
  ]);

  // What is refused is given back at once, and the others go on.
  const spent = await memory.share();
  await (await client.redeem(spent)).close();
  tell({ frame: 1002, token: spent });
  tell({ frame: 1003, buffer: 'nothing' });
  await memory.release();
  await eventually(() => numbers.length === 72, said);
  t.match(said(), /frame 1002 is given back: the token is unknown, used up/);
  t.match(said(), /frame 1003 is given back: the buffer nothing is not kept, and the frame has no/);
  // What its maker has released is not kept.
  await eventually(() => fdsOf(child.pid ?? -1, /./) === open, 'its fds are closed');
  for (const { id } of [one, two] as ClientBuffer[]) {
    await daemon.rest('DELETE', `/v1/buffers/${id}`);
  }
  await eventually(() => fdsOf(child.pid ?? -1, /./) < open, 'nor what an administrator has');
  tell({ frame: 1004, buffer: one?.id });
  await eventually(() => numbers.length === 73, said);
  t.same(numbers.slice(-5), ['1000', '1001', '1002', '1003', '1004']);
  tell({ end: true });
  await eventually(() => good.eos, 'the end');
  good.leave();
  t.equal(await ended, 0, said());
  for (const each of [one, two]) await each?.close();
  client.close();
  await daemon.settled(fds);
});

t.test('what ends, and what is no frame', async (t) => {
  const client = await connect({ socket: daemon.clientSocket });
  const image = { kind: 'image', width: 66, height: 34, format: 'NV12' } as const;
  const wide = await client.allocate({
    ...{ ...image, handleTypes: ['memfd'], modifiers: [0n] },
    layout: [
      { offset: 0, stride: 128 },
      { offset: 128 * 34, stride: 128 },
    ],
  });
  const odd = await serveTokens(t);
  const peer = Peer.connect(t, odd.path);
  odd.tell({ frame: 1, token: await wide.share() });
  t.equal(await odd.ended, 2);
  t.match(
    odd.said(),
    /standard input, line 2: plane 0 has rows of 128 bytes, and GStreamer's have 68: allocate/,
  );
  await eventually(() => peer.over !== null, 'no end, and it is over');
  t.notOk(peer.eos);

  const cut = await serveTokens(t);
  const last = Peer.connect(t, cut.path);
  const good = await client.allocate({ ...image, handleTypes: ['memfd'], layout: LAYOUT });
  cut.tell({ frame: 1, token: await good.share() });
  await last.has(1);
  cut.child.stdin?.end();
  t.equal(await cut.ended, 1, cut.said());
  t.match(cut.said(), /standard input has ended without {"end":true}/);
  t.same(cut.numbers, ['1'], 'what was out is given back');

  const told = await serveTokens(t);
  const witness = Peer.connect(t, told.path);
  await eventually(() => witness.caps !== null, 'it is there');
  told.child.kill('SIGTERM');
  await eventually(() => witness.eos, 'a signal is an end');
  witness.leave();
  t.equal(await told.ended, 0, told.said());
  last.leave();
  peer.leave();
  for (const each of [wide, good]) await each.close();
  client.close();
  await daemon.settled(fds);
});

t.test('lines and frames that are refused', async (t) => {
  const client = await connect({ socket: daemon.clientSocket });
  const image = { kind: 'image', width: 66, height: 34, format: 'NV12', layout: LAYOUT } as const;
  const buffer = await client.allocate({ ...image, handleTypes: ['memfd'] });
  const begin = (caps: string) => JSON.stringify({ caps });
  const frame = async (more: object = {}) =>
    JSON.stringify({ frame: 1, token: await buffer.share(), ...more });
  const drm = (format: string) =>
    begin(`video/x-raw(memory:DMABuf),format=${format},width=66,height=34`);
  // Told of the modifier before anything else would be.
  const tiled = drm('DMA_DRM,drm-format=NV12:0x1');
  const planes = [{ offset: 0, stride: 68 }, LAYOUT[1]];
  const wrong: readonly (readonly [RegExp, string[]])[] = [
    [/^line 1: a frame before its caps/, [await frame()]],
    [/^line 1: width must be/, [begin('video/x-raw,format=NV12')]],
    [/^line 4: "no" is no JSON/, [begin(CAPS), '', await frame({ planes }), 'no']],
    [/^line 3: frame 1 has not been given back/, [begin(CAPS), await frame(), await frame()]],
    [/^line 2: the memory of .* is of type memfd: dma_bufs/, [drm('NV12'), await frame()]],
    [/has the modifier 0x0, and the caps say 0x1/, [tiled, await frame()]],
    [
      /is an image NV12 of 66x34, and the caps say NV12 of 6/,
      [begin(CAPS.replace('66', '6')), await frame()],
    ],
    [/^line 2 has more than 16384 characters/, [begin(CAPS), 'x'.repeat(20_000)]],
  ];
  for (const [why, lines] of wrong) {
    const held: (() => void)[] = [];
    const consumer = {
      wanted: true,
      begin: async () => {},
      take: async ({ done }: Frame) => void held.push(done),
      end: async () => {},
    };
    const none = () => {};
    const terms = { client, consumer, ready: async () => {}, release: none, say: none };
    const input = new TokenInput(terms);
    await t.rejects(input.play(Readable.from([lines.join('\n')])), { message: why });
    for (const done of held) done();
    input.close();
  }
  await buffer.close();
  client.close();
  await daemon.settled(fds);
});

t.test('what a person may get wrong', async (t) => {
  const { clientSocket } = daemon;
  const wrong: readonly (readonly [number, RegExp, string, ...string[]])[] = [
    [
      2,
      /--caps: width must be/,
      clientSocket,
      'serve',
      '--path',
      newPath(),
      '--caps',
      'video/x-raw,format=NV12',
    ],
    [
      2,
      /is there and is no socket/,
      clientSocket,
      'serve',
      '--path',
      folder,
      '--caps',
      CAPS,
      '--memfd',
    ],
    [2, /one of --caps and --tokens must be given/, clientSocket, 'serve', '--path', newPath()],
    [1, /unsupported_handle_type/, clientSocket, 'serve', '--path', newPath(), '--caps', CAPS],
    [
      3,
      /cannot reach the daemon: .*does not exist/,
      '/nowhere',
      'serve',
      '--path',
      newPath(),
      '--caps',
      CAPS,
    ],
    [
      3,
      /no unixfdsink: .*does not exist/,
      clientSocket,
      'take',
      '--path',
      newPath(),
      '--output',
      '-',
    ],
  ];
  for (const [status, why, socket, ...args] of wrong) {
    const running = run(t, socket, ...args);
    t.equal(await running.ended, status, String(why));
    t.match(running.said(), why);
  }
  const cut = await serve(t, '--wait', '30');
  const peer = Peer.connect(t, cut.path);
  peer.releases = true;
  cut.child.stdin?.end(Buffer.concat([frames(1, 1), Buffer.alloc(7)]));
  await eventually(() => peer.eos, 'the end');
  peer.leave();
  t.equal(await cut.ended, 2);
  t.match(cut.said(), /- ends with 7 bytes of 3468/);
  await daemon.settled(fds);
});
