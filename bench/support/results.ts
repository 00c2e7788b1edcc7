/**
 * What is kept of runs: a JSON file for each machine, with the last run of every benchmark in it. Those of
 * bench/results are of record: docs/performance.md is made from them.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { packageRoot } from '../../src/package-root.js';
import type { Amount, Row } from './bench.js';
import type { Machine } from './report.js';

/** One benchmark's last run. */
export interface Run extends Amount {
  readonly commit: string;
  /** What was typed to have this one alone. */
  readonly command: string;
  readonly machine: Machine;
  /** In a guest of that machine, whose kernel `machine` names. */
  readonly guest: boolean;
  readonly notes: readonly string[];
  readonly rows: readonly Row[];
}

export interface Results {
  /** `h200`: what the machine is called in the tables. */
  readonly label: string;
  /** A sentence about it, for those who read the tables; written by hand. */
  readonly about: string;
  readonly runs: Readonly<Record<string, Run>>;
}

export const OF_RECORD = join(packageRoot, 'bench', 'results');
/** Where what is of no machine of record is kept: git ignores it. */
export const LOCAL = join(packageRoot, 'build', 'bench');
/** Written by bench/gpu.sh, where there is no git. */
const COMMIT = join(LOCAL, 'commit');

const none = (label: string): Results => ({ label, about: '', runs: {} });

export function readResults(folder: string, label: string): Results {
  const file = join(folder, `${label}.json`);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Results) : none(label);
}

/** Those of record, in the order of their names. */
export function readAll(folder = OF_RECORD): Results[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .toSorted()
    .map((name) => readResults(folder, name.slice(0, -'.json'.length)));
}

/** The new runs in place of the old ones of the same benchmarks. */
export const merged = (old: Results, runs: Results['runs']): Results => ({
  ...old,
  runs: { ...old.runs, ...runs },
});

export function writeResults(folder: string, results: Results): string {
  const file = join(folder, `${results.label}.json`);
  mkdirSync(dirname(file), { recursive: true });
  // A row a line, so that what has changed can be seen.
  const text = JSON.stringify(results, (key, value) =>
    key === 'values' || key === 'against' ? value.map(rounded) : value,
  );
  const lines = text
    .replaceAll('{"case":', '\n    {"case":')
    .replaceAll(/("[\w-]+":)\{"commit"/g, '\n  $1{"commit"')
    .replace(/$/, '\n');
  writeFileSync(file, lines);
  return file;
}

/** Four digits say more than a round can. */
const rounded = (value: number) => Number(value.toPrecision(4));

/** What is measured; with `+` where something of it is not committed. */
export function commitOf(): string {
  if (existsSync(COMMIT)) return readFileSync(COMMIT, 'utf8').trim();
  try {
    const git = (...args: string[]) =>
      execFileSync('git', args, { cwd: packageRoot, encoding: 'utf8' }).trim();
    const changed = git('status', '--porcelain', '--', 'src', 'bench', ':!bench/results') !== '';
    return `${git('rev-parse', '--short', 'HEAD')}${changed ? '+' : ''}`;
  } catch {
    return 'unknown';
  }
}
