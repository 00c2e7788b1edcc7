/** The arena: aligned, zeroed, bounded, and taken back whatever happens. */
import t from 'tap';
import { Arena } from '../../src/native/arena.js';
import { addressOf, readCString } from '../../src/native/ffi.js';

t.test('reservations', async (t) => {
  const arena = new Arena(256);
  t.equal(arena.address, addressOf(arena.bytes));
  t.same(
    [1, 16, 17, 0].map((size) => arena.reserve(size)),
    [0, 16, 32, 64],
    '16-byte aligned',
  );
  t.equal(arena.reserve(192), 64, 'to the last byte');
  t.throws(() => arena.reserve(1), /arena of 256 bytes is full/);
  t.throws(() => new Arena(16).reserve(17), RangeError);
});

t.test('what is taken back is zeroed when it is given again', async (t) => {
  const arena = new Arena(64);
  const used = arena.scoped(() => {
    const offset = arena.reserve(48);
    arena.bytes.fill(0xff, offset, offset + 48);
    return offset;
  });
  t.equal(arena.reserve(32), used);
  t.same(arena.bytes.subarray(0, 32), Buffer.alloc(32));
  t.throws(() => arena.scoped(() => arena.reserve(1000)), RangeError);
  t.equal(arena.reserve(16), 32, 'after a failure, too');
});

t.test('strings', async (t) => {
  const arena = new Arena(64);
  const [one, two] = [arena.string('äöü'), arena.string('')];
  t.equal(readCString(one), 'äöü');
  t.equal(readCString(two), '');
  t.equal(two - one, 16);
  t.throws(() => arena.string('a\0b'), TypeError);
  t.throws(() => arena.string('x'.repeat(64)), RangeError);
});

t.test('the view is over the same bytes', async (t) => {
  const arena = new Arena(32);
  arena.view.setUint32(4, 0x01020304, true);
  t.same([...arena.bytes.subarray(4, 8)], [4, 3, 2, 1]);
});
