/**
 * What an unixfdsink sends, and what becomes of it in this process: memfds wherever their planes lie, and what is no frame. An fd
 * that came is closed, whatever was wrong with what it came with.
 */
import { openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { connect } from '../../src/client/index.js';
import { close } from '../../src/native/libc/fd.js';
import { sealedBytes } from '../../src/native/libc/memory.js';
import { connectUnix } from '../../src/native/libc/socket.js';
import {
  bufferMessage,
  capsMessage,
  eosMessage,
  type NewBuffer,
  NONE,
  releaseMessage,
} from '../../src/unixfd/codec/wire.js';
import type { Consumer } from '../../src/unixfd/frame.js';
import { isFault, Upstream } from '../../src/unixfd/upstream.js';
import { eventually, TestDaemon } from '../support/daemon.js';
import { withoutLeaks } from '../support/fds.js';
import { temporaryFolder } from '../support/folder.js';
import { listen, type Peer } from './support/peers.js';
import { meta, videoMeta } from './support/video-meta.js';

/** Two rows of luma, one of chroma; rows of 8 bytes. */
const CAPS = 'video/x-raw,format=NV12,width=6,height=2';
const BYTES = 24;

const daemon = await TestDaemon.memfd(t);
const folder = temporaryFolder(t);
let paths = 0;

interface Seen {
  readonly sink: Peer;
  readonly contents: string[];
  readonly metas: number[];
  /** Whether the sink has ended as it should; or what was wrong. */
  readonly result: Promise<unknown>;
}

/** Both ends of a connection. */
async function meet(t: Test, wanted = true): Promise<Seen> {
  const path = join(folder, `${++paths}.sock`);
  const sinks = listen(t, path);
  const client = await connect({ socket: daemon.clientSocket });
  const terms = {
    client,
    handleTypes: ['memfd'],
    name: 'sink',
    most: () => 2,
    borrow: 2,
    live: false,
  } as const;
  const upstream = new Upstream(connectUnix(path), { ...terms, say: (text) => t.comment(text) });
  const contents: string[] = [];
  const metas: number[] = [];
  const consumer: Consumer = {
    wanted,
    begin: async () => {},
    take: async (frame) => {
      const mapped = frame.buffer.map({ write: false });
      contents.push(mapped.bytes.toString('latin1', 0, BYTES));
      mapped.unmap();
      metas.push(frame.terms.metas.length);
      frame.done();
    },
    end: async () => {},
  };
  const result = upstream.run(consumer).catch((error: unknown) => {
    if (!isFault(error)) throw error;
    return error.message;
  });
  t.teardown(() => {
    upstream.close();
    client.close();
  });
  await eventually(() => sinks.length === 1, 'it connects');
  return { sink: sinks[0] as Peer, contents, metas, result };
}

const told = { pts: NONE, dts: NONE, duration: NONE, offset: NONE, offsetEnd: NONE, flags: 0 };
const bufferOf = (id: bigint, more: Partial<NewBuffer> = {}): Buffer =>
  bufferMessage({
    ...told,
    ...{ id, kind: 'fd', memories: [{ size: BYTES, offset: 0 }], metas: [], ...more },
  });

/** The fd is the test's, and is closed once it was sent. */
function send(peer: Peer, message: Buffer, ...memories: readonly string[]): void {
  const fds = memories.map((memory) => sealedBytes('frame', memory));
  peer.line.send(message, fds);
  for (const fd of fds) close(fd);
}

await withoutLeaks(t, 'frames', async (t) => {
  const { sink, contents, metas, result } = await meet(t);
  sink.line.send(capsMessage(CAPS));
  const usual = 'aaaaaa..bbbbbb..ccdd....';
  send(sink, bufferOf(1n), usual);
  send(sink, bufferOf(2n, { memories: [{ size: BYTES, offset: 5 }] }), `12345${usual}`);
  const planes = [
    { size: 16, offset: 0 },
    { size: 8, offset: 1 },
  ];
  send(sink, bufferOf(3n, { memories: planes }), usual.slice(0, 16), `-${usual.slice(16)}`);
  // Rows of 10 bytes, chroma at 30, and a meta of that; and one beside it, which stays.
  const apart = [videoMeta([0, 30], [10, 10]), meta('Other', Buffer.from('content'))];
  send(
    sink,
    bufferOf(4n, { memories: [{ size: 36, offset: 0 }], metas: apart }),
    'eeeeee    ffffff    ----------gghhii',
  );
  sink.line.send(eosMessage());
  t.equal(await result, true, 'the end');
  t.same(contents.slice(0, 3), [usual, usual, usual]);
  t.match(contents[3], /^eeeeee..ffffff..gghhii/, 'as GStreamer lays it out');
  t.same(metas, [0, 0, 0, 1]);
  await eventually(() => sink.released.length === 4, 'all are released');
});

await withoutLeaks(t, 'what nobody wants is released, and not copied', async (t) => {
  const { sink, contents, result } = await meet(t, false);
  sink.line.send(capsMessage(CAPS));
  send(sink, bufferOf(7n), 'short');
  sink.line.send(eosMessage());
  t.equal(await result, true);
  t.same(contents, []);
  await eventually(() => sink.released.length === 1, 'it is released');
  t.same(sink.released, [7n]);
});

await withoutLeaks(t, 'what a sink may not send', async (t) => {
  const path = join(folder, 'file');
  writeFileSync(path, Buffer.alloc(BYTES));
  const file = openSync(path, 'r');
  t.teardown(() => close(file));
  const frame = 'x'.repeat(BYTES);
  const wrong: readonly (readonly [RegExp, (peer: Peer) => unknown])[] = [
    [/a buffer before its caps/, (peer) => send(peer, bufferOf(1n), frame)],
    [/only video\/x-raw/, ({ line }) => line.send(capsMessage('audio/x-raw'))],
    [/releases what it was not given/, ({ line }) => line.send(releaseMessage(1n))],
    [/a message of 4294967295 bytes/, ({ line }) => line.send(Buffer.alloc(8, 0xff))],
  ];
  const frames: readonly (readonly [RegExp, (peer: Peer) => unknown])[] = [
    [/neither a dma_buf nor a memfd/, ({ line }) => line.send(bufferOf(1n), [file])],
    [/calls a dma_buf is none/, (peer) => send(peer, bufferOf(1n, { kind: 'dma_buf' }), frame)],
    [/a memory of 24 bytes ends at 23/, (peer) => send(peer, bufferOf(1n), frame.slice(1))],
    [
      /does not lie in one of its memories/,
      (peer) => send(peer, bufferOf(1n, { memories: [{ size: 19, offset: 0 }] }), frame),
    ],
    [
      /1 planes where NV12 has 2/,
      (peer) => send(peer, bufferOf(1n, { metas: [videoMeta([0], [8])] }), frame),
    ],
    [
      /a meta without a header/,
      (peer) => send(peer, bufferOf(1n, { metas: [Buffer.of(1)] }), frame),
    ],
  ];
  for (const [why, act] of [...wrong, ...frames]) {
    const { sink, result } = await meet(t);
    if (frames.some(([each]) => each === why)) sink.line.send(capsMessage(CAPS));
    act(sink);
    t.match(await result, why);
  }
  const { sink, result } = await meet(t);
  sink.leave();
  t.equal(await result, false, 'it has gone without an end');
});
