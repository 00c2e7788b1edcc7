/**
 * What a call of a C function costs by each door (src/native/door.ts): one that does nothing, with arguments
 * and prepared, the address of a Buffer, and a Buffer over an address. Each door has a process of its own, in turns.
 *
 *   node dist/bench/door.js [--rounds=7] [--calls=200000]
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import {
  addressOf,
  callInt,
  callLong,
  doorOf,
  prepared,
  symbol,
  viewOf,
} from '../src/native/ffi.js';
import { figure, header, median, option, ratio, table } from './support/report.js';

const DOORS = ['node-api', 'ffi-rs'] as const;
type Door = (typeof DOORS)[number];
/** Nanoseconds of a call, by its name. */
type Costs = Readonly<Record<string, number>>;

const here = fileURLToPath(import.meta.url);
/** Given to the process that measures. */
const MEASURE = '--measure';
/** In one process; what is printed is the median of these. */
const SERIES = 5;

/** memcpy of no bytes does nothing and is hot; it does not mind more arguments than it takes. */
const memcpy = symbol('memcpy');

function measure(count: number): Costs {
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

function measured(door: Door, count: number): Costs {
  const env = { ...process.env, DMABROKER_DOOR: door === 'ffi-rs' ? door : '' };
  const args = [here, MEASURE, `--calls=${count}`];
  const out = execFileSync(process.execPath, args, { env, encoding: 'utf8' });
  const { used, costs } = JSON.parse(out) as { readonly used: Door; readonly costs: Costs };
  if (used !== door) throw new Error(`${door} was to be measured, and ${used} was used`);
  return costs;
}

/** Prints a table: nanoseconds of each call by either door, and their ratio. */
export function doors(rounds: number, count: number): void {
  const all = Array.from({ length: rounds }, () => DOORS.map((door) => measured(door, count)));
  const names = Object.keys(all[0]?.[0] ?? {});
  const rows = names.map((name) => {
    const [addon, ffiRs] = DOORS.map((_, i) => all.map((round) => round[i]?.[name] ?? Number.NaN));
    if (addon === undefined || ffiRs === undefined) throw new Error('nothing was measured');
    return [name, figure(median(addon)), figure(median(ffiRs)), ratio(ffiRs, addon)];
  });
  table(['ns a call', ...DOORS, 'ratio'], rows);
}

if (process.argv.includes(MEASURE)) {
  const costs = measure(option('calls', 200_000));
  console.log(JSON.stringify({ used: doorOf(memcpy), costs }));
} else if (process.argv[1] === here) {
  header('door', 'A call of C: Node-API against ffi-rs');
  doors(option('rounds', 7), option('calls', 200_000));
}
