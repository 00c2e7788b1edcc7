/**
 * The maths of reports, and how figures are written. What disturbs one round disturbs both sides of it: ratios
 * are of rounds, and never of medians.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { arch, cpus, loadavg } from 'node:os';
import type { Better, Row } from './bench.js';

/** Of an even number of values the middle of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(half) - 1], sorted[Math.floor(half)]];
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
}

export function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

/** Three significant digits, without an exponent. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) || 1)));
  return value.toFixed(Math.min(digits, 2));
}

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export const spread = (values: readonly number[]): Spread => ({
  median: median(values),
  least: Math.min(...values),
  most: Math.max(...values),
});

/** `x / y` of two series, from round to round. */
export const ratios = (x: readonly number[], y: readonly number[]): number[] =>
  x.map((value, i) => value / (y[i] ?? Number.NaN));

/** What a row is judged by: its ratios, or its own figures where it is held against nothing. */
export const judged = ({ values, against }: Row): Spread =>
  spread(against.length > 0 ? ratios(values, against) : values);

export const spreadText = ({ median, least, most }: Spread): string =>
  least === most ? figure(median) : `${figure(median)} (${figure(least)}–${figure(most)})`;

export const ratio = (x: readonly number[], y: readonly number[]): string =>
  spreadText(spread(ratios(x, y)));

export type Verdict = 'worse' | 'better' | 'same';

/**
 * Whether a spread is beyond another one: each median is outside of the other's rounds. Less is what one run
 * of two that are alike often shows.
 */
export function compared(now: Spread, before: Spread, better: Better): Verdict {
  if (better === 'neither') return 'same';
  const more = now.median > before.most && before.median < now.least;
  const less = now.median < before.least && before.median > now.most;
  if (!more && !less) return 'same';
  return more === (better === 'less') ? 'worse' : 'better';
}

/** What a figure was made on: without it, it says nothing. No name of a host, no path. */
export interface Machine {
  readonly cpus: number;
  readonly model: string;
  readonly arch: string;
  readonly kernel: string;
  readonly node: string;
  /** How busy it was with other things, at the start: 1, 5 and 15 minutes. */
  readonly load: readonly number[];
}

export function machine(): Machine {
  return {
    cpus: cpus().length,
    model:
      /^model name\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? 'unknown CPU',
    arch: arch(),
    // Without what whoever built it has called it.
    kernel:
      /^\w+ [\d.]+/.exec(execFileSync('uname', ['-sr'], { encoding: 'utf8' }))?.[0] ?? 'unknown',
    node: process.version,
    load: loadavg().map((value) => Number(value.toFixed(1))),
  };
}

/** The command, the machine, and how busy it was. For the programs that print what they find. */
export function header(name: string, what: string): void {
  const { cpus: count, model, arch: kind, kernel, node, load } = machine();
  console.log(`# ${what}`);
  console.log(`command  ${['node', `dist/bench/${name}.js`, ...process.argv.slice(2)].join(' ')}`);
  console.log(`machine  ${count} × ${model} (${kind}), ${kernel}`);
  console.log(`node     ${node}; load at start ${load.map((each) => each.toFixed(1)).join(' ')}`);
  console.log('');
}

/** A Markdown table, columns aligned. */
export function tableLines(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string[] {
  const widths = head.map((title, i) =>
    Math.max(title.length, ...rows.map((row) => (row[i] ?? '').length)),
  );
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, i) => (cells[i] ?? '').padEnd(width)).join(' | ')} |`;
  return [
    line(head),
    `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`,
    ...rows.map(line),
  ];
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): void {
  console.log(`${tableLines(head, rows).join('\n')}\n`);
}

/** `--name=3` of the command line; where nothing is said, what is `otherwise`. */
export function option<T extends number | null>(name: string, otherwise: T): number | T {
  const prefix = `--${name}=`;
  const given = process.argv.find((argument) => argument.startsWith(prefix));
  if (given === undefined) return otherwise;
  const value = Number(given.slice(prefix.length));
  if (!Number.isInteger(value) || value < 1) throw new RangeError(`--${name} wants a number`);
  return value;
}
