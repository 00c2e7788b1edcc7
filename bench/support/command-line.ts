/** What `npm run bench -- …` can be told. */
import { parseArgs } from 'node:util';
import { BENCHES } from '../cases/index.js';
import type { Amount, Bench } from './bench.js';

export const USAGE = `Usage: npm run bench -- [options] [NAME...]

Runs the benchmarks that are named, or all, each in turns with what it is held against; prints their tables
and keeps the figures.

  --quick            fewer rounds, some left out; each ratio beside the last kept one of the machine
  --machine=LABEL    keep the figures in bench/results/LABEL.json, of record, and make docs/performance.md
                     anew; without it they are kept in build/bench/local.json
  --json=FOLDER      keep them in FOLDER/LABEL.json instead, for a machine that has no checkout
  --keep=FILE        runs nothing: takes over the figures of such a file, and makes docs/performance.md anew
  --page             runs nothing: makes docs/performance.md anew
  --no-guest         leaves out what runs in a guest
  --list             the benchmarks, and what each holds against what
  --rounds=N, --requests=N     instead of each benchmark's own
  --buffers=N, --connections=N, --ended=N, --most=N     numbers of single ones
`;

export class UsageError extends Error {}

export interface CommandLine {
  readonly benches: readonly Bench[];
  /** Whether they were named, and not all there are. */
  readonly named: boolean;
  readonly quick: boolean;
  readonly label: string;
  readonly ofRecord: boolean;
  readonly json: string | null;
  readonly keep: string | null;
  readonly page: boolean;
  readonly guest: boolean;
  readonly list: boolean;
  readonly help: boolean;
  /** Told by main.ts to itself: this is the guest, whose figures go to standard output. */
  readonly inside: boolean;
  readonly commit: string | null;
  readonly numbers: ReadonlyMap<string, number>;
}

const NUMBERS = ['rounds', 'requests', 'buffers', 'connections', 'ended', 'most'] as const;

export function parse(args: readonly string[]): CommandLine {
  const { values, positionals } = parsed(args);
  const label = values.machine ?? 'local';
  if (!/^[a-z][a-z0-9-]*$/.test(label)) {
    throw new UsageError(`--machine=${label}: a label has a-z, 0-9 and -`);
  }
  const numbers = NUMBERS.flatMap((name): [string, number][] => {
    const given = values[name];
    if (given === undefined) return [];
    if (!/^[1-9]\d*$/.test(given)) throw new UsageError(`--${name}=${given}: wants a number`);
    return [[name, Number(given)]];
  });
  return {
    benches: positionals.length === 0 ? BENCHES : positionals.map(find),
    named: positionals.length > 0,
    quick: values.quick === true,
    label,
    ofRecord: values.machine !== undefined,
    json: values.json ?? null,
    keep: values.keep ?? null,
    page: values.page === true,
    guest: values['no-guest'] !== true,
    list: values.list === true,
    help: values.help === true,
    inside: values.inside === true,
    commit: values.commit ?? null,
    numbers: new Map(numbers),
  };
}

const FLAG = { type: 'boolean' } as const;
const TEXT = { type: 'string' } as const;

function parsed(args: readonly string[]) {
  const options = {
    ...{ quick: FLAG, page: FLAG, 'no-guest': FLAG, list: FLAG, help: FLAG, inside: FLAG },
    ...{ machine: TEXT, json: TEXT, keep: TEXT, commit: TEXT },
    ...{ rounds: TEXT, requests: TEXT, buffers: TEXT, connections: TEXT, ended: TEXT, most: TEXT },
  };
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function find(name: string): Bench {
  const found = BENCHES.find((bench) => bench.name === name);
  if (found !== undefined) return found;
  const names = BENCHES.map((bench) => bench.name).join(', ');
  throw new UsageError(`no benchmark is called ${name}; there are ${names}`);
}

/** How much a benchmark does; null where it is left out. */
export function amountOf(bench: Bench, { quick, named, numbers }: CommandLine): Amount | null {
  const usual = quick ? (bench.quick ?? (named ? bench.amount : null)) : bench.amount;
  if (usual === null) return null;
  return {
    rounds: numbers.get('rounds') ?? usual.rounds,
    requests: numbers.get('requests') ?? usual.requests,
  };
}

/** What somebody types to have this run again. */
export function commandOf(bench: Bench, { quick, label, ofRecord, numbers }: CommandLine): string {
  const options = [
    ...(quick ? ['--quick'] : []),
    ...(ofRecord ? [`--machine=${label}`] : []),
    ...[...numbers].map(([name, value]) => `--${name}=${value}`),
  ];
  return ['npm run bench --', ...options, bench.name].join(' ');
}
