/**
 * How every benchmark prints: what was run and where, then a table of medians and ratios. A figure
 * without its machine says nothing, and on a machine with other work only ratios of one run do.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { arch, cpus, loadavg } from 'node:os';

export const median = (values: readonly number[]): number => percentile(values, 0.5);

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

/** `x / y` of two series, from run to run: what disturbs one run disturbs both sides of it. */
export function ratio(x: readonly number[], y: readonly number[]): string {
  const each = x.map((value, i) => value / (y[i] ?? Number.NaN));
  const [least, most] = [Math.min(...each), Math.max(...each)];
  return `${figure(median(each))} (${figure(least)}–${figure(most)})`;
}

/** The command, the machine, and how busy it was with other things at the start. */
export function header(name: string, what: string): void {
  const version = execFileSync('uname', ['-sr'], { encoding: 'utf8' }).trim();
  const model = /^model name\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1];
  const load = loadavg().map((value) => value.toFixed(1));
  const command = ['node', `dist/bench/${name}.js`, ...process.argv.slice(2)].join(' ');
  console.log(`# ${what}`);
  console.log(`command  ${command}`);
  console.log(`machine  ${cpus().length} × ${model ?? 'unknown CPU'} (${arch()}), ${version}`);
  console.log(`node     ${process.version}; load at start ${load.join(' ')}`);
  console.log('');
}

/** A Markdown table, columns aligned. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((title, i) =>
    Math.max(title.length, ...rows.map((row) => (row[i] ?? '').length)),
  );
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, i) => (cells[i] ?? '').padEnd(width)).join(' | ')} |`;
  console.log(line(head));
  console.log(`|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`);
  for (const row of rows) console.log(line(row));
  console.log('');
}

/** `--name=3` of the command line. */
export function option(name: string, otherwise: number): number {
  const prefix = `--${name}=`;
  const given = process.argv.find((argument) => argument.startsWith(prefix));
  const value = given === undefined ? otherwise : Number(given.slice(prefix.length));
  if (!Number.isInteger(value) || value < 1) throw new RangeError(`--${name} wants a number`);
  return value;
}
