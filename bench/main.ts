/**
 * `npm run bench`: runs the benchmarks of cases/, prints their tables, keeps their figures as JSON, and makes what
 * docs/performance.md shows of them. `--help` says what it can be told.
 */
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { messageOf } from '../src/memory/errors.js';
import { packageRoot } from '../src/package-root.js';
import { type Bench, Skipped } from './support/bench.js';
import {
  amountOf,
  type CommandLine,
  commandOf,
  parse,
  USAGE,
  UsageError,
} from './support/command-line.js';
import { comparison, verdictOf } from './support/compare.js';
import { runInside } from './support/guest.js';
import { writePage } from './support/page.js';
import { endAll } from './support/programs.js';
import { machine, table } from './support/report.js';
import {
  commitOf,
  LOCAL,
  merged,
  OF_RECORD,
  type Results,
  type Run,
  readResults,
  writeResults,
} from './support/results.js';
import { runRows, sidesOf } from './support/tables.js';

type Runs = Record<string, Run>;
const say = (line: string) => process.stderr.write(`${line}\n`);

async function runOne(bench: Bench, line: CommandLine): Promise<Run | null> {
  const amount = amountOf(bench, line);
  if (amount === null) return null;
  say(`== ${bench.name}: ${bench.what}`);
  const notes: string[] = [];
  const before = machine();
  const rows = await bench.run({
    ...amount,
    number: (name, otherwise) => line.numbers.get(name) ?? otherwise,
    note: (sentence) => notes.push(sentence),
  });
  const commit = line.commit ?? commitOf();
  const command = commandOf(bench, line);
  return { commit, command, ...amount, machine: before, guest: line.inside, notes, rows };
}

/** Of those that can run here; one that fails or cannot says so, and the others go on. */
async function runHere(line: CommandLine, benches: readonly Bench[], failed: string[]) {
  const runs: Runs = {};
  for (const bench of benches) {
    const start = process.hrtime.bigint();
    try {
      const run = await runOne(bench, line);
      if (run !== null) runs[bench.name] = run;
    } catch (error) {
      failure(bench.name, error, failed);
      await endAll();
    }
    const seconds = Number(process.hrtime.bigint() - start) / 1e9;
    if (runs[bench.name] !== undefined) say(`   ${seconds.toFixed(0)} s`);
  }
  return runs;
}

function failure(name: string, error: unknown, failed: string[]): void {
  if (error instanceof Skipped) say(`-- ${name} is left out: ${error.message}`);
  else {
    failed.push(name);
    say(`-- ${name} failed: ${error instanceof Error ? error.stack : error}`);
  }
}

async function runGuests(line: CommandLine, benches: readonly Bench[], failed: string[]) {
  const names = benches.filter((bench) => amountOf(bench, line) !== null).map(({ name }) => name);
  if (names.length === 0 || !line.guest || (line.quick && !line.named)) return {};
  const options = [
    `--commit=${commitOf()}`,
    ...(line.ofRecord ? [`--machine=${line.label}`] : []),
    ...(line.quick ? ['--quick'] : []),
    ...[...line.numbers].map(([name, value]) => `--${name}=${value}`),
  ];
  try {
    // How busy the host is: a guest knows of its own work alone.
    const { load } = machine();
    const runs = Object.entries(await runInside(names, options));
    const found = new Set(runs.map(([name]) => name));
    failed.push(...names.filter((name) => !found.has(name)));
    return Object.fromEntries(
      runs.map(([name, run]) => [name, { ...run, machine: { ...run.machine, load } }]),
    );
  } catch (error) {
    failure(names.join(', '), error, failed);
    return {};
  }
}

function print(name: string, run: Run): void {
  console.log(`# ${name}: ${run.command}, ${run.commit}, ${run.rounds} rounds`);
  for (const [head, rows] of sidesOf(run.rows)) table(head, runRows(rows));
  for (const note of run.notes) console.log(note);
  console.log('');
}

const report = (...files: string[]) => {
  for (const file of files) say(`written: ${relative(packageRoot, file)}`);
};

/** What takes no run; false where one is asked for. */
function done(line: CommandLine): boolean {
  if (line.help) process.stdout.write(USAGE);
  else if (line.list) {
    for (const { name, what, place } of line.benches) console.log(`${name} (${place}): ${what}`);
  } else if (line.keep !== null) {
    const { label, runs } = JSON.parse(readFileSync(line.keep, 'utf8')) as Results;
    report(writeResults(OF_RECORD, merged(readResults(OF_RECORD, label), runs)), writePage());
  } else if (line.page) report(writePage());
  else return false;
  return true;
}

/** Prints what was found; `--quick`: beside what is kept, and how much of it got worse. */
function show(runs: Runs, { quick, label }: CommandLine, before: Results): void {
  const all = { worse: 0, known: 0 };
  for (const [name, run] of Object.entries(runs)) {
    if (quick) {
      const { head, rows, worse, known } = comparison(run, before.runs[name]);
      all.worse += worse;
      all.known += known;
      console.log(`# ${name}`);
      table(head, rows);
    } else print(name, run);
  }
  if (quick) console.log(verdictOf(all, label));
}

async function main(): Promise<number> {
  const line = parse(process.argv.slice(2));
  if (done(line)) return 0;
  const failed: string[] = [];
  if (line.inside) {
    const text = JSON.stringify(await runHere(line, line.benches, failed));
    await new Promise((resolve) => process.stdout.write(text, resolve));
    return 0;
  }
  const folder = line.json ?? (line.ofRecord ? OF_RECORD : LOCAL);
  const before = readResults(folder, line.label);
  const guests = line.benches.filter(({ place }) => place === 'guest');
  const others = line.benches.filter(({ place }) => place !== 'guest');
  const runs = {
    ...(await runHere(line, others, failed)),
    ...(await runGuests(line, guests, failed)),
  };
  show(runs, line, before);
  // What is quick is held against what is kept, and takes the place of none of it.
  if (!line.quick) {
    report(writeResults(folder, merged(before, runs)));
    if (folder === OF_RECORD) report(writePage());
  }
  if (failed.length > 0) say(`failed: ${failed.join(', ')}`);
  return failed.length > 0 ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  say(`bench: ${messageOf(error)}`);
  if (error instanceof UsageError) say(USAGE);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
// What has failed may have left a socket or a timer.
process.exit();
