/**
 * Gives the shim's Node-API functions everything that is wrong. Prints, as JSON, what each threw (its name,
 * or null where it returned), and then that right calls still work.
 */
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ArgumentBlock } from '../../../src/native/block.js';
import { addon, shimPath } from '../../../src/native/door.js';
import { addressOf, symbol } from '../../../src/native/ffi.js';
import { connectedPair } from '../accept.js';

const BLOCK_BYTES = 128;

if (addon === null) throw new Error('there is no addon');
type Wild = (...args: unknown[]) => unknown;
const {
  bind,
  address,
  view,
  poll,
  collect: settle,
} = addon as unknown as Record<'bind' | 'address' | 'view' | 'poll' | 'collect', Wild>;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const fds = () => readdirSync('/proc/self/fd').length;

function thrown(call: () => unknown): string | null {
  try {
    call();
    return null;
  } catch (error) {
    return (error as Error).name;
  }
}

const detached = new Uint8Array(BLOCK_BYTES);
structuredClone(detached.buffer, { transfer: [detached.buffer] });
const noBytes = [
  undefined,
  null,
  5,
  5n,
  'text',
  Symbol('x'),
  [1],
  {},
  () => {},
  new ArrayBuffer(256),
];
const otherBytes = [new Float64Array(32), new DataView(new ArrayBuffer(256)), new Int8Array(256)];
const impostors = [Object.create(Uint8Array.prototype), new Proxy(new Uint8Array(256), {})];
const noBlocks = [
  detached,
  new Uint8Array(0),
  new Uint8Array(BLOCK_BYTES - 64),
  new Uint8Array(256).subarray(1),
];
const wrongBytes = [...noBytes, ...otherBytes, ...impostors];

const MANY = 500;
const from = new BigUint64Array(MANY);
const to = new BigUint64Array(MANY);
const fromAddress = addressOf(new Uint8Array(from.buffer));
const toAddress = addressOf(new Uint8Array(to.buffer));

/** A call that copies a number; nothing but the function keeps its block. */
function boundCopy(index: number): () => unknown {
  const block = new ArgumentBlock();
  block.write(symbol('memcpy'), [toAddress + 8 * index, fromAddress + 8 * index, 8]);
  return bind(block.bytes) as () => unknown;
}

const before = fds();
/** What cannot be polled: no arguments, no fd, no function; and what controls nothing. */
const folder = mkdtempSync(join(tmpdir(), 'dmabroker-'));
const [reader, writer] = connectedPair(join(folder, 's'));
rmSync(folder, { recursive: true });
const control = poll(reader, () => {}) as Wild;
const noPoll = [
  [],
  [reader],
  ...[undefined, 'x', {}, 5n].map((fd) => [fd, () => {}]),
  ...[undefined, null, 5, {}].map((readable) => [reader, readable]),
].map((args) => thrown(() => poll(...args)));
const noControl = [[], [undefined], ['0'], [-1], [3], [{}]].map((args) =>
  thrown(() => control(...args)),
);
/** -errno each; the last is of what is polled already. */
const file = openSync(shimPath, 'r');
const notPolled = [-1, 99_999, file, reader].map((fd) => poll(fd, () => {}));
closeSync(file);
control(2);
control(2);
control(1);
for (const fd of [reader, writer]) closeSync(fd);
const noView = [[], [4096], [0, 4096], [-1, 4096], [Number.NaN, 4096], [4096n, 4096], [4096, '1']]
  .concat([
    [4096, 0],
    [4096, -1],
    [4096, Number.NaN],
    ['x', 4096],
  ])
  .map((args) => thrown(() => view(...args)));
const unset = bind(new Uint8Array(BLOCK_BYTES)) as Wild;
const results = {
  bind: [...wrongBytes, ...noBlocks].map((each) => thrown(() => bind(each))),
  bindNothing: thrown(() => bind()),
  address: wrongBytes.map((each) => thrown(() => address(each))),
  addressNothing: thrown(() => address()),
  unset: [
    thrown(() => unset()),
    thrown(() => unset.call(5, 1, 2)),
    thrown(() => Reflect.construct(unset, [])),
  ],
  empty: typeof address(new Uint8Array(0)),
  settled: [settle(), settle(1, 'x')].every((nothing) => nothing === undefined),
};

// Loaded again, and thousands bound and collected: each works, and its block is there for as long as it is.
const again = { exports: {} as Record<'bind' | 'address', Wild> };
process.dlopen(again, shimPath);
const bytes = Buffer.alloc(64);
const same = again.exports.address(bytes) === address(bytes);
let wrong = 0;
const kept = boundCopy(0);
for (let round = 1; round <= 20; round++) {
  const many = Array.from({ length: MANY }, (_, i) => boundCopy(i));
  collect();
  await setImmediate();
  from.fill(BigInt(round));
  for (const call of many) if (call() !== undefined) wrong++;
  if (to.some((value) => value !== BigInt(round))) wrong++;
}
from.fill(77n);
kept();
if (to[0] !== 77n) wrong++;
console.log(
  JSON.stringify({
    ...results,
    noView,
    noPoll,
    noControl,
    notPolled,
    same,
    wrong,
    newFds: fds() - before,
  }),
);
