/**
 * Calling C by either door: arguments and results of every width, and that whatever is wrong throws where
 * ffi-rs alone would abort the process. doors.test.ts runs this once more in a process without Node-API.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import {
  type Address,
  addressOf,
  callInt,
  callLong,
  callU64,
  doorOf,
  Library,
  lastErrno,
  named,
  prepared,
  readBytes,
  readCString,
  shim,
  symbol,
  transientString,
  viewOf,
} from '../../src/native/ffi.js';
import { Functions } from '../../src/native/vulkan/loader.js';
import { programFile } from '../support/programs.js';

/** dmab_address gives back the pointer that it is given. */
const identity = shim.symbol('dmab_address');
const wrong = <T>(value: unknown) => value as T;
const EBADF = 9;
const withAddon = process.env.DMABROKER_DOOR !== 'ffi-rs';

type Find = (name: string) => Address;
/** What is tested by each door. */
const groups: Record<string, (t: Test, find: Find) => void> = {};

groups.results = (t, find) => {
  t.equal(callInt(find('getpid')), process.pid);
  t.equal(callInt(find('atoi'), transientString('-5')), -5);
  t.equal(callLong(find('atol'), transientString('-123456789012')), -123_456_789_012);
  t.equal(callLong(find('strlen'), transientString('äöü')), 6);
  for (const long of [-1, -(2 ** 31), 2 ** 32, -(2 ** 32) - 1, Number.MIN_SAFE_INTEGER]) {
    t.equal(callLong(find('atol'), transientString(`${long}`)), long);
  }
  t.equal(callLong(find('atol'), transientString(`${2n ** 63n - 1n}`)), 2 ** 63, 'rounded');
  const largest = transientString('18446744073709551615');
  t.equal(callU64(find('strtoull'), largest, 0, 10), 2n ** 64n - 1n);
  t.equal(callInt(find('dup'), -1), -1);
  t.equal(lastErrno(), EBADF);
  callInt(find('getpid'));
  t.equal(lastErrno(), 0, 'that of the last call');
};

groups.arguments = (t, find) => {
  const identity = find('dmab_address');
  const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
  const long = fc.maxSafeInteger();
  const asBig = fc.property(u64, (value) => callU64(identity, value) === value);
  const asNumber = fc.property(
    long,
    (value) =>
      callLong(identity, value) === value &&
      callU64(identity, value) === BigInt.asUintN(64, BigInt(value)),
  );
  t.doesNotThrow(() => fc.assert(asBig, { numRuns: 500 }));
  t.doesNotThrow(() => fc.assert(asNumber, { numRuns: 500 }));
  t.equal(callInt(identity, 2 ** 31), -(2 ** 31), 'an int is 32 bits');
  t.equal(callInt(identity, -1n), -1);
  t.equal(callU64(identity, -1), 2n ** 64n - 1n, 'negative numbers wrap as in C');
  t.equal(callU64(identity, -0), 0n);
  t.equal(callU64(identity, 2 ** 60), 2n ** 60n, 'an integer that is no safe one');
  t.equal(callU64(identity, -(2n ** 64n) - 1n), 2n ** 64n - 1n);
  t.equal(callLong(identity), 0, 'what is not given is 0');

  const out = Buffer.alloc(64);
  const print = find('snprintf');
  const printed = (...numbers: number[]) => {
    const format = transientString(Array(9).fill('%d').join(' '));
    callInt(print, addressOf(out), 64, format, ...numbers);
    return readCString(addressOf(out));
  };
  t.equal(printed(1, 2, 3, 4, 5, 6, 7, 8, 9), '1 2 3 4 5 6 7 8 9', 'in registers, on the stack');
  t.equal(printed(-1, -2), '-1 -2 0 0 0 0 0 0 0', 'nothing is left of the call before');
  t.throws(() => printed(7, 7, 7, 7, 7, 7, 7, 7, 1.5), RangeError);
  t.equal(printed(1), '1 0 0 0 0 0 0 0 0', 'nor of one that was not made');
};

groups['prepared calls'] = (t, find) => {
  const out = Buffer.alloc(64);
  const format = Buffer.from('%d %d\0');
  const print = prepared(find('snprintf'), addressOf(out), 64, addressOf(format), 5, -6);
  const fail = prepared(find('dup'), -1);
  for (let i = 0; i < 3; i++) {
    t.equal(print(), 4);
    t.equal(readCString(addressOf(out)), '5 -6');
    out.fill(0);
    t.equal(fail() | 0, -1, 'an int, in a long');
    t.equal(lastErrno(), EBADF, 'errno is that of the last call, whichever it was');
    callInt(find('getpid'));
    t.equal(lastErrno(), 0);
  }
  t.equal(prepared(find('dmab_address'), -123_456_789_012)(), -123_456_789_012);
  t.throws(() => prepared(0), TypeError);
  t.throws(() => prepared(find('getpid'), 1.5), RangeError);
  t.throws(() => prepared(find('getpid'), ...Array<number>(13).fill(0)), /more than 12/);
};

const found = (name: string) => (name === 'dmab_address' ? identity : symbol(name));
/** As if the name were hot. A process of its own has this file: nobody else's calls go another way by it. */
const made = (name: string) => named('memcpy', found(name));

for (const [hot, find] of [
  [false, found],
  [true, made],
] as const) {
  for (const [name, body] of Object.entries(groups)) {
    t.test(`${name}, ${hot ? 'hot' : 'not hot'}`, async (t) => {
      body(t, (name) => {
        const fn = find(name);
        t.equal(doorOf(fn), hot && withAddon ? 'node-api' : 'ffi-rs', name);
        return fn;
      });
    });
  }
}

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
  const impostor = Object.create(Uint8Array.prototype);
  for (const bytes of [
    null,
    undefined,
    'text',
    5,
    [1],
    new ArrayBuffer(8),
    new Float64Array(1),
    impostor,
  ]) {
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

t.test('names that are hot', async (t) => {
  const door = withAddon ? 'node-api' : 'ffi-rs';
  t.equal(doorOf(shim.symbol('dmab_step')), door, "of the shim's");
  t.equal(doorOf(symbol('munmap')), door, "of libc's");
  t.equal(doorOf(Library.open('libc.so.6').symbol('mmap')), door, 'of a library');
  const device = new Functions((name) => identity + name.length, 'device');
  t.equal(doorOf(device.find('vkAllocateMemory')), door, "of Vulkan's, as it hands them out");
  t.equal(doorOf(device.find('vkDestroyDevice')), 'ffi-rs');
  t.equal(doorOf(shim.symbol('dmab_step_layout')), 'ffi-rs');
  t.equal(named('vkFreeMemory', 0), 0, 'a name that is not there');
  t.equal(doorOf(0), 'ffi-rs');
});

t.test('threads have argument blocks of their own', async (t) => {
  const script = programFile('identity');
  const start = (first: number) => new Worker(script, { workerData: { first } });
  const wrong = [start(1e9), start(2e12), start(3e9)].map(
    (worker) =>
      new Promise<number>((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      }),
  );
  const endless = new Worker(script, { workerData: { first: 1, endless: true } });
  await once(endless, 'message');
  await endless.terminate();
  t.same(await Promise.all(wrong), [0, 0, 0], 'also where another was ended in a call');
  t.equal(callInt(symbol('getpid')), process.pid);
});
