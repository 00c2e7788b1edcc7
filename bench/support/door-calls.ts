/** Prints what calls of C cost in this process, by the door that it has: door-calls.js CALLS. */
import {
  addressOf,
  callInt,
  callLong,
  doorOf,
  prepared,
  symbol,
  viewOf,
} from '../../src/native/ffi.js';
import { median } from './report.js';

export interface DoorCosts {
  readonly used: 'node-api' | 'ffi-rs';
  /** Nanoseconds of a call, by its name. */
  readonly costs: Readonly<Record<string, number>>;
}

/** What is printed is the median of these. */
const SERIES = 5;

/** memcpy of no bytes does nothing and is hot; it does not mind more arguments than it takes. */
const memcpy = symbol('memcpy');

function measure(count: number): DoorCosts['costs'] {
  const bytes = Buffer.alloc(64);
  const at = addressOf(bytes);
  const getpid = symbol('getpid');
  const calls: Readonly<Record<string, () => unknown>> = {
    'getpid, not hot': () => callInt(getpid),
    '3 arguments': () => callInt(memcpy, at, at, 0),
    '3 arguments, a long result': () => callLong(memcpy, at, at, 0),
    '6 arguments': () => callInt(memcpy, at, at, 0, 1, -2, 3),
    '6 arguments, 3 of them bigint': () => callInt(memcpy, at, at, 0, 1n, 2n, 3n),
    prepared: prepared(memcpy, at, at, 0),
    addressOf: () => addressOf(bytes),
    viewOf: () => viewOf(at, bytes.length),
  };
  const costs = Object.entries(calls).map(([name, call]) => {
    const series = () => {
      const start = process.hrtime.bigint();
      for (let i = 0; i < count; i++) call();
      return Number(process.hrtime.bigint() - start) / count;
    };
    // Once for the compiler.
    series();
    return [name, median(Array.from({ length: SERIES }, series))] as const;
  });
  return Object.fromEntries(costs);
}

const costs = measure(Number(process.argv[2]));
console.log(JSON.stringify({ used: doorOf(memcpy), costs } satisfies DoorCosts));
