/** The wire format: what is written is read back, as libwayland's bytes; all else is a WireError. */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import t from 'tap';
import {
  dmabroker_buffer_v1,
  dmabroker_manager_v1,
  dmabroker_params_v1,
} from '../../src/protocol/dmabroker-v1.gen.js';
import { wl_display, wl_registry } from '../../src/protocol/wayland.gen.js';
import {
  HEADER_SIZE,
  hi,
  join64,
  lo,
  MAX_MESSAGE_SIZE,
  type Message,
  type Values,
  WireError,
} from '../../src/protocol/wire.js';
import { atNight } from '../support/night.js';
import { decode, decodeHeader, encode } from '../support/wire.js';
import { everyType, messages, valuesOf } from './support/messages.js';

const write = (message: Message, object: number, values: unknown[]) =>
  encode(message, object, values as Values<Message>);

function read(message: Message, body: Buffer, fds: readonly number[] = []): unknown[] {
  return decode(message, body, [...fds]) as unknown[];
}

const hex = (bytes: Buffer) => bytes.toString('hex');
const bodyOf = (bytes: Buffer) => bytes.subarray(HEADER_SIZE);

t.test('every message is read as it was written', async (t) => {
  for (const message of messages) {
    const property = fc.property(fc.nat(2 ** 32 - 1), valuesOf(message), (object, values) => {
      const { bytes, fds } = write(message, object, values);
      const header = decodeHeader(bytes, 0);
      if (header.object !== object || header.opcode !== message.opcode) throw new Error('header');
      if (header.size !== bytes.length || bytes.length % 4 !== 0) throw new Error('size');
      const back = read(message, bodyOf(bytes), fds);
      // JSON tells -0 from 0 no more than the wire does, and Buffers by their bytes.
      if (JSON.stringify(back) !== JSON.stringify(values)) throw new Error(JSON.stringify(back));
    });
    t.doesNotThrow(() => fc.assert(property, { numRuns: 50 }), `${message.name}`);
  }
});

t.test('the bytes are those of libwayland on a little-endian machine', async (t) => {
  const [sync, getRegistry] = wl_display.requests;
  const [error, deleteId] = wl_display.events;
  const [bind] = wl_registry.requests;
  const [, , redeem] = dmabroker_manager_v1.requests;
  const [, , plane] = dmabroker_buffer_v1.events;
  const bytes = (encoded: { bytes: Buffer }) => hex(encoded.bytes);
  t.equal(bytes(encode(getRegistry, 1, [2])), '01000000' + '01000c00' + '02000000');
  t.equal(bytes(encode(sync, 1, [3])), '01000000' + '00000c00' + '03000000');
  t.equal(bytes(encode(deleteId, 1, [3])), '01000000' + '01000c00' + '03000000');
  t.equal(
    bytes(encode(error, 1, [7, 1, 'oh'])),
    '01000000' + '00001800' + '07000000' + '01000000' + '03000000' + '6f680000',
  );
  t.equal(
    bytes(encode(bind, 2, [1, { interface: 'wl_shm', version: 1, id: 4 }])),
    '02000000' +
      '00002000' +
      '01000000' +
      '07000000' +
      '776c5f73686d0000' +
      '01000000' +
      '04000000',
  );
  t.equal(
    bytes(encode(redeem, 4, [5, 'abcd'])),
    '04000000' + '02001800' + '05000000' + '05000000' + '6162636400000000',
  );
  const sent = encode(plane, 9, [42, 4, 1, 0, 4096, 2560]);
  t.equal(
    hex(sent.bytes),
    '09000000' + '02001c00' + '04000000' + '01000000' + '00000000' + '00100000' + '000a0000',
  );
  t.same(sent.fds, [42], 'an fd is no part of the bytes');
  const queue = [42, 43];
  t.same(decode(plane, bodyOf(sent.bytes), queue), [42, 4, 1, 0, 4096, 2560]);
  t.same(queue, [43], 'the next one is for the next message');
  t.equal(
    bytes(
      write(everyType, 1, [
        -2,
        0,
        -256,
        'é',
        null,
        Buffer.from([1, 2, 3, 4, 5]),
        6,
        0,
        8,
        0,
        { interface: '', version: 9, id: 10 },
        0xffffffff,
      ]),
    ),
    '01000000' +
      '07004800' +
      'feffffff' +
      '00ffffff' +
      '03000000' +
      'c3a90000' +
      '00000000' +
      '05000000' +
      '0102030405000000' +
      '06000000' +
      '00000000' +
      '08000000' +
      '01000000' +
      '00000000' +
      '09000000' +
      '0a000000' +
      'ffffffff',
  );
});

t.test('sizes in a header', async (t) => {
  const header = (size: number) => {
    const bytes = Buffer.alloc(HEADER_SIZE);
    bytes.writeUInt32LE(5, 0);
    bytes.writeUInt32LE(((size << 16) | 3) >>> 0, 4);
    return decodeHeader(bytes, 0);
  };
  for (const size of [0, 4, 7, 9, 4095, 4097, 4100, 65_532, 65_535]) {
    t.throws(() => header(size), WireError, `${size}`);
  }
  for (const size of [8, 12, 4096]) t.same(header(size), { object: 5, opcode: 3, size });
});

t.test('arguments that are wrong', async (t) => {
  const [, getRegistry] = wl_display.requests;
  const [bind] = wl_registry.requests;
  const [, , redeem] = dmabroker_manager_v1.requests;
  const setName = dmabroker_params_v1.requests[7];
  const [, , plane] = dmabroker_buffer_v1.events;
  const words = (...parts: (number | string)[]) =>
    Buffer.concat(
      parts.map((part) =>
        typeof part === 'string'
          ? Buffer.from(part, 'latin1')
          : Buffer.from(Uint32Array.of(part).buffer),
      ),
    );
  const wrong: [string, Message, Buffer, RegExp][] = [
    ['no arguments', getRegistry, words(), /cut short/],
    ['half an argument', getRegistry, Buffer.alloc(2), /cut short/],
    ['too many', getRegistry, words(2, 3), /left over/],
    ['half a word too many', getRegistry, Buffer.from('0200000000', 'hex'), /left over/],
    ['new_id 0', getRegistry, words(0), /registry is 0/],
    ['a null string', setName, words(0), /is null/],
    ['an untyped new_id without interface', bind, words(1, 0, 1, 4), /is null/],
    ['no NUL', setName, words(4, 'abcd'), /only NUL/],
    ['a NUL in the middle', setName, words(5, 'ab\0d\0\0\0\0'), /only NUL/],
    ['two NULs at the end', setName, words(4, 'ab\0\0'), /only NUL/],
    ['no UTF-8', setName, words(3, '\xc3\x28\0\0'), /not UTF-8/],
    ['a cut character', setName, words(2, '\xc3\0\0\0'), /not UTF-8/],
    ['a surrogate', setName, words(4, '\xed\xa0\x80\0'), /not UTF-8/],
    ['longer than the message', setName, words(100, 'abc\0'), /too large/],
    ['padding is missing', setName, Buffer.concat([words(3), Buffer.from('ab\0')]), /too large/],
    ['2^31', setName, words(2 ** 31, 'abc\0'), /too large/],
    ['2^32 - 1', setName, words(2 ** 32 - 1, 'abc\0'), /too large/],
    ['2^32 - 4', setName, words(2 ** 32 - 4, 'abc\0'), /too large/],
    ['the second one', redeem, words(5, 1, ''), /too large/],
    ['no fd', plane, words(0, 0, 0, 0, 0), /file descriptor is missing/],
  ];
  for (const [what, message, body, why] of wrong) {
    t.throws(() => read(message, body), { name: 'WireError', message: why }, what);
  }
  t.same(read(setName, words(4, '\xef\xbb\xbf\0')), ['\ufeff'], 'a byte order mark is a character');
  t.same(read(setName, words(1, '\0\0\0\0')), ['']);
});

t.test('what was cut or made longer is a WireError', async (t) => {
  for (const message of messages) {
    const property = fc.property(valuesOf(message), (values) => {
      const { bytes, fds } = write(message, 1, values);
      const body = bodyOf(bytes);
      // A cut within padding would not be a message: sizes are multiples of 4.
      const wrong: Buffer[] = [Buffer.concat([body, Buffer.alloc(4)])];
      for (let end = 0; end < body.length; end += 4) wrong.push(body.subarray(0, end));
      for (const each of wrong) mustFail(message, each, fds);
      if (fds.length > 0) mustFail(message, body, fds.slice(1));
    });
    t.doesNotThrow(() => fc.assert(property, { numRuns: 15 }), `${message.name}`);
  }
});

function mustFail(message: Message, body: Buffer, fds: readonly number[]): void {
  const left = [...fds];
  try {
    decode(message, body, left);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    if (!isDeepStrictEqual(left, fds)) throw new Error('it kept fds');
    return;
  }
  throw new Error(`${hex(body)} was taken`);
}

t.test('random bytes are values or a WireError', async (t) => {
  const seen = { values: 0, errors: 0 };
  const words = fc.array(fc.oneof(fc.nat(12), fc.nat(2 ** 32 - 1)), { maxLength: 16 });
  const fromWords = words.map((list): Buffer => Buffer.from(Uint32Array.from(list).buffer));
  const fromBytes = fc.uint8Array({ maxLength: 64 }).map((array): Buffer => Buffer.from(array));
  const bytes = fc.oneof(fromWords, fromBytes);
  const property = fc.property(fc.constantFrom(...messages), bytes, (message, body) => {
    try {
      const values = read(message, body, [1, 2]);
      const { bytes: again, fds } = write(message, 1, values);
      seen.values++;
      return JSON.stringify(read(message, bodyOf(again), fds)) === JSON.stringify(values);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      seen.errors++;
      return true;
    }
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: atNight(2000, 100_000) }));
  t.ok(seen.values > 50, `${seen.values} were values`);
  t.ok(seen.errors > 1000, `${seen.errors} were wrong`);
});

t.test('what cannot be written', async (t) => {
  const setName = dmabroker_params_v1.requests[7];
  const [bind] = wl_registry.requests;
  const room = MAX_MESSAGE_SIZE - HEADER_SIZE - 4 - 1;
  t.equal(encode(setName, 1, ['x'.repeat(room)]).bytes.length, MAX_MESSAGE_SIZE);
  t.throws(() => encode(setName, 1, ['x'.repeat(room + 1)]), RangeError);
  t.throws(() => encode(setName, 1, ['é'.repeat(room / 2 + 1)]), RangeError);
  t.throws(() => encode(setName, 1, ['x'.repeat(1e6)]), RangeError);
  const target = { interface: 'x'.repeat(room - 4), version: 1, id: 2 };
  t.throws(() => encode(bind, 1, [1, target]), RangeError, 'numbers after a long text');
  t.throws(() => encode(setName, 1, ['a\0b']), TypeError);
  const again = encode(setName, 1, ['ab']).bytes;
  encode(setName, 1, ['xy']);
  t.equal(hex(again), '01000000' + '07001000' + '03000000' + '61620000', 'messages are copies');
});

t.test('the halves of 64-bit values', async (t) => {
  const property = fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
    const halves = [hi(value), lo(value)];
    return (
      halves.every((half) => half >= 0 && half < 2 ** 32) && join64(hi(value), lo(value)) === value
    );
  });
  t.doesNotThrow(() => fc.assert(property));
  t.same([hi(2 ** 40 + 5), lo(2 ** 40 + 5)], [256, 5]);
});
