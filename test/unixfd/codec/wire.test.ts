/**
 * The messages of GStreamer's unixfd: as bytes that were written down by hand from gstunixfd.h, cut anywhere, and what a hostile
 * peer sends. Whatever comes, each fd is in a message or closed, once.
 */
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { cutMetas, isVideoMeta, videoPlanes } from '../../../src/unixfd/codec/meta.js';
import {
  bufferMessage,
  capsMessage,
  eosMessage,
  MAX_PAYLOAD,
  type Message,
  type NewBuffer,
  PeerFault,
  Reader,
  releaseMessage,
} from '../../../src/unixfd/codec/wire.js';
import { meta, videoMeta } from '../support/video-meta.js';

const frame: NewBuffer = {
  ...{ id: 0x0102030405060708n, kind: 'dma_buf', flags: 0x40 },
  ...{ pts: 1n, dts: 2n, duration: 3n, offset: 4n, offsetEnd: 5n },
  memories: [
    { size: 460_800, offset: 0 },
    { size: 4096, offset: 512 },
  ],
  metas: [],
};

/** What comes of pieces, each with the fds that came with it; and the fds that were closed. */
function readAll(pieces: readonly (readonly [Buffer, readonly number[]])[]) {
  const closed: number[] = [];
  const reader = new Reader((fd) => closed.push(fd));
  const messages: Message[] = [];
  let fault: unknown = null;
  try {
    for (const [bytes, fds] of pieces) {
      for (const message of reader.push(bytes, fds)) messages.push(message);
    }
  } catch (error) {
    fault = error;
  }
  reader.close();
  return { messages, closed, fault };
}

const faultOf = (t: Test, bytes: Buffer, fds: readonly number[], text: RegExp) => {
  const { messages, closed, fault } = readAll([[bytes, fds]]);
  t.ok(fault instanceof PeerFault, String(fault));
  t.match(String(fault), text);
  t.notOk(
    messages.some(({ type }) => type === 'buffer'),
    'no buffer is told',
  );
  t.same(closed, fds, 'its fds are closed');
};

t.test('bytes as gstunixfd.h has them', async (t) => {
  t.equal(capsMessage('NULL').toString('hex'), '0200000005000000' + '4e554c4c00');
  t.equal(eosMessage().toString('hex'), '0300000000000000');
  t.equal(releaseMessage(258n).toString('hex'), '0100000008000000' + '0201000000000000');
  const words = ['0807060504030201', '01', '02', '03', '04', '05'].map((word) =>
    word.padEnd(16, '0'),
  );
  const memories = ['0008070000000000', '00'.repeat(8), '0010000000000000', '0002000000000000'];
  t.equal(
    bufferMessage(frame).toString('hex'),
    ['0000000058000000', ...words, '40000000', '01', '02', '0000', ...memories].join(''),
  );
});

t.test('what is sent comes, wherever it is cut', async (t) => {
  const bytes = Buffer.concat([
    capsMessage('video/x-raw'),
    bufferMessage(frame),
    // A later version's.
    Buffer.from('0900000004000000' + 'deadbeef', 'hex'),
    releaseMessage(7n),
    eosMessage(),
  ]);
  const start = capsMessage('video/x-raw').length;
  const { metas: _, ...told } = frame;
  const expected = [
    { type: 'caps', text: 'video/x-raw' },
    { type: 'buffer', buffer: told, fds: [10, 11], metaCount: 0 },
    { type: 'release', id: 7n },
    { type: 'eos' },
  ];
  for (let cut = 0; cut <= bytes.length; cut++) {
    // The kernel gives a message's fds with its first byte, and what is before that may come along.
    const early = cut > start;
    const { messages, closed, fault } = readAll([
      [bytes.subarray(0, cut), early ? [10, 11] : []],
      [bytes.subarray(cut), early ? [] : [10, 11]],
    ]);
    t.equal(fault, null, `${cut}`);
    t.match(messages, expected);
    t.same(closed, []);
  }
});

t.test('the fds of the next buffer may be there already', async (t) => {
  const one = bufferMessage({ ...frame, memories: [{ size: 1, offset: 0 }] });
  // 1.28 sends a header with its fds, then the payload.
  const { messages, fault } = readAll([
    [one.subarray(0, 8), [10]],
    [Buffer.concat([one.subarray(8), one.subarray(0, 8)]), [11]],
    [one.subarray(8), []],
  ]);
  t.equal(fault, null);
  t.same(
    messages.map((message) => message.type === 'buffer' && message.fds),
    [[10], [11]],
  );
});

t.test('what nobody may send', async (t) => {
  const changed = (at: number, byte: number) => {
    const bytes = Buffer.from(bufferMessage(frame));
    bytes[at] = byte;
    return bytes;
  };
  const long = Buffer.alloc(8);
  long.writeUInt32LE(2, 0);
  long.writeUInt32LE(MAX_PAYLOAD + 1, 4);
  faultOf(t, long, [], /65537 bytes/);
  long.writeUInt32LE(77, 0);
  faultOf(t, long, [], /65537 bytes/);
  faultOf(t, bufferMessage(frame), [10], /1 file descriptors for 2 memories/);
  faultOf(t, capsMessage('video/x-raw'), [10], /beside those of a buffer/);
  faultOf(t, Buffer.concat([eosMessage(), Buffer.alloc(4)]), Array(17).fill(10), /beside those/);
  const more = readAll([[bufferMessage(frame), [10, 11, 12]]]);
  t.match(String(more.fault), /beside those of a buffer/);
  t.match(more.messages, [{ fds: [10, 11] }], 'the buffer is whole');
  t.same(more.closed, [12]);
  faultOf(t, changed(60, 2), [10, 11], /memory of type 2/);
  faultOf(t, changed(61, 17), [10, 11], /17 memories/);
  faultOf(t, changed(61, 3), [10, 11, 12], /3 memories in 88 bytes/);
  faultOf(t, changed(71, 0xff), [10, 11], /a memory of \d+ bytes/);
  faultOf(t, Buffer.from(`0000000008000000${'00'.repeat(8)}`, 'hex'), [], /a buffer of 8 bytes/);
  faultOf(t, Buffer.from(`0100000004000000${'00'.repeat(4)}`, 'hex'), [], /a release of 4 bytes/);
  faultOf(t, Buffer.from('0200000002000000' + '6161', 'hex'), [], /caps without an end/);
  faultOf(t, Buffer.from('0200000000000000', 'hex'), [], /caps without an end/);
});

t.test('any bytes: a message, nothing, or a fault; no fd is lost, none closed twice', async (t) => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    // A header that is likely, and anything behind it.
    fc
      .tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 200 }), fc.uint8Array())
      .map(([type, length, rest]) =>
        Buffer.concat([Buffer.from([type, 0, 0, 0, length, 0, 0, 0]), rest]),
      ),
  );
  const pieces = fc.array(fc.tuple(bytes, fc.integer({ min: 0, max: 3 })));
  let faults = 0;
  fc.assert(
    fc.property(pieces, (pieces) => {
      let fds = 100;
      const sent: number[] = [];
      const all = pieces.map(([bytes, count]) => {
        const own = Array.from({ length: count }, () => fds++);
        return [Buffer.from(bytes), own] as const;
      });
      const { messages, closed, fault } = readAll(
        all.map((piece) => {
          sent.push(...piece[1]);
          return piece;
        }),
      );
      if (fault !== null && !(fault instanceof PeerFault)) throw fault;
      if (fault !== null) faults++;
      const got = messages.flatMap((message) => (message.type === 'buffer' ? message.fds : []));
      const known = [...got, ...closed].toSorted((a, b) => a - b);
      // What comes after a fault is not read.
      const read = sent.slice(0, known.length);
      return known.every((fd, at) => fd === read[at]);
    }),
  );
  t.ok(faults > 0, `${faults} faults`);
});

t.test('metas', async (t) => {
  const video = videoMeta([0, 81_920], [512, 512]);
  const other = meta('GstParentBufferMeta', Buffer.from('anything'));
  const metas = cutMetas(Buffer.concat([other, video]), 2);
  t.same(metas, [other, video]);
  t.same(metas.map(isVideoMeta), [false, true]);
  t.same(videoPlanes(metas), [
    { offset: 0, stride: 512 },
    { offset: 81_920, stride: 512 },
  ]);
  t.equal(videoPlanes([other]), null);
  t.equal(videoPlanes([meta('GstVideoMeta', Buffer.alloc(9), 1)]), null, 'of a later version');
  t.throws(() => cutMetas(video, 2), { name: 'PeerFault' });
  t.throws(() => cutMetas(video.subarray(1), 1), { name: 'PeerFault' });
  t.throws(() => videoPlanes([meta('GstVideoMeta', Buffer.alloc(19))]), { name: 'PeerFault' });
  t.throws(() => videoPlanes([videoMeta([0], [-4])]), { name: 'PeerFault' });
  t.throws(() => videoPlanes([videoMeta([0, 1, 2, 3, 4], [4, 4, 4, 4, 4])]), { name: 'PeerFault' });
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 100 }),
      fc.integer({ min: 0, max: 3 }),
      (bytes, count) => {
        try {
          videoPlanes(cutMetas(Buffer.from(bytes), count));
        } catch (error) {
          if (!(error instanceof PeerFault)) throw error;
        }
      },
    ),
  );
});
