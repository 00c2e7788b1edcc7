/**
 * The door to C: arguments and results of every width, and that whatever is wrong throws where ffi-rs
 * alone would abort the process.
 */
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import t from 'tap';
import {
  type Address,
  addressOf,
  callInt,
  callLong,
  callU64,
  Library,
  lastErrno,
  readBytes,
  readCString,
  shim,
  symbol,
  transientString,
  viewOf,
} from '../../src/native/ffi.js';

/** dmab_address gives back the pointer that it is given. */
const identity = shim.symbol('dmab_address');
const wrong = <T>(value: unknown) => value as T;
const EBADF = 9;

t.test('results', async (t) => {
  t.equal(callInt(symbol('getpid')), process.pid);
  t.equal(callInt(symbol('atoi'), transientString('-5')), -5);
  t.equal(callLong(symbol('atol'), transientString('-123456789012')), -123_456_789_012);
  t.equal(callLong(symbol('strlen'), transientString('äöü')), 6);
  const largest = transientString('18446744073709551615');
  t.equal(callU64(symbol('strtoull'), largest, 0, 10), 2n ** 64n - 1n);
  t.equal(callInt(symbol('close'), -1), -1);
  t.equal(lastErrno(), EBADF);
});

t.test('arguments', async (t) => {
  const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
  const long = fc.maxSafeInteger();
  const asBig = fc.property(u64, (value) => callU64(identity, value) === value);
  const asNumber = fc.property(long, (value) => callLong(identity, value) === value);
  t.doesNotThrow(() => fc.assert(asBig, { numRuns: 500 }));
  t.doesNotThrow(() => fc.assert(asNumber, { numRuns: 500 }));
  t.equal(callInt(identity, 2 ** 31), -(2 ** 31), 'an int is 32 bits');
  t.equal(callInt(identity, -1n), -1);
  t.equal(callU64(identity, -1), 2n ** 64n - 1n, 'negative numbers wrap as in C');
  t.equal(callLong(identity), 0, 'what is not given is 0');

  const out = Buffer.alloc(64);
  const ten = '%d %d %d %d %d %d %d %d %d';
  callInt(symbol('snprintf'), addressOf(out), 64, transientString(ten), 1, 2, 3, 4, 5, 6, 7, 8, 9);
  t.equal(readCString(addressOf(out)), '1 2 3 4 5 6 7 8 9', 'twelve, on registers and stack');
});

t.test('what is wrong throws', async (t) => {
  const strlen = symbol('strlen');
  for (const fn of [
    0,
    -1,
    Number.NaN,
    1.5,
    2 ** 60,
    wrong<number>(undefined),
    wrong<number>('x'),
  ]) {
    t.throws(() => callInt(fn), TypeError, `${fn} as a function`);
  }
  t.throws(() => callInt(identity, 1.5), RangeError);
  t.throws(() => callInt(identity, Number.NaN), RangeError);
  t.throws(() => callInt(identity, Number.POSITIVE_INFINITY), RangeError);
  for (const value of [undefined, null, Symbol('x')]) {
    t.throws(() => callInt(identity, wrong<number>(value)), TypeError, String(value));
  }
  t.throws(() => callInt(identity, ...Array<number>(13).fill(0)), /more than 12 arguments/);
  for (const bytes of [null, undefined, 'text', 5, [1], new ArrayBuffer(8), new Float64Array(1)]) {
    t.throws(() => addressOf(wrong<Buffer>(bytes)), TypeError);
  }
  for (const name of [5, null, undefined, {}]) {
    t.throws(() => symbol(wrong<string>(name)), { code: 'StringExpected' }, `${name} as a name`);
  }
  t.throws(() => symbol('no_such_function'), /no C function no_such_function/);
  t.throws(() => transientString('a\0b'), TypeError);
  t.throws(() => transientString('x'.repeat(4096)), RangeError);
  t.throws(() => readBytes(0, 4), TypeError);
  t.throws(() => readCString(0), TypeError);
  for (const address of [0, -1, Number.NaN, 1.5]) t.throws(() => viewOf(address, 4), TypeError);
  for (const length of [0, -1, Number.NaN, 1.5, 2 ** 60]) {
    t.throws(() => viewOf(strlen, length), TypeError);
  }
  t.equal(callLong(strlen, transientString('still here')), 10);
});

t.test('memory', async (t) => {
  const bytes = Buffer.from('hello\0world');
  const address: Address = addressOf(bytes);
  t.equal(addressOf(bytes.subarray(6)), address + 6);
  t.equal(readCString(address), 'hello');
  t.equal(readCString(address, 3), 'hel');
  t.same(readBytes(address, 11), bytes);
  t.same(readBytes(address, 0), Buffer.alloc(0));
  const view = viewOf(address + 6, 5);
  t.equal(view.toString(), 'world');
  view.write('W');
  t.equal(bytes.toString('latin1', 6), 'World', 'a view is no copy');
});

t.test('libraries', async (t) => {
  t.throws(() => Library.open('libno-such-thing.so.7'), /libno-such-thing\.so\.7/);
  const math = Library.open('libm.so.6');
  t.ok(math.symbol('floor') > 0);
  t.throws(() => math.symbol('no_such_function'), /libm\.so\.6 has no no_such_function/);
  t.ok(Library.open('libm.so.6').symbol('floor') === math.symbol('floor'), 'opened twice');
});

t.test('threads have argument blocks of their own', async (t) => {
  const script = new URL('../support/programs/identity.js', import.meta.url);
  const wrong = [1e9, 2e12].map(
    (first) =>
      new Promise<number>((resolve, reject) => {
        const worker = new Worker(script, { workerData: first });
        worker.once('message', resolve);
        worker.once('error', reject);
      }),
  );
  t.same(await Promise.all(wrong), [0, 0]);
});
