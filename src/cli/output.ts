/** What commands print: JSON as the daemon sent it, or text for people. */
import { NUMBERS } from './names.js';
import { printable } from './printable.js';
import { type Cell, type Columns, fieldLines, tableLines } from './table.js';

/** Prints a value as JSON. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** Lines of which other people's text, if any, is printable already. */
export function printLines(lines: readonly string[]): void {
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
}

/** One sentence. */
export const say = (text: string): void => printLines([printable(text)]);

/** How many cells a line has: a terminal's, or what COLUMNS says of it. Nothing else has an end. */
export function lineWidth(): number {
  const { isTTY, columns } = process.stdout;
  if (!isTTY) return Number.POSITIVE_INFINITY;
  return Number(process.env.COLUMNS) || columns || Number.POSITIVE_INFINITY;
}

/** Prints records under a heading; `none` where there are no records. */
export function printTable<T>(
  columns: Columns<T>,
  records: readonly T[],
  none: string,
  names = NUMBERS,
  width = lineWidth(),
): void {
  printLines(tableLines(columns, records, none, width, names));
}

/** Prints `name: value` lines. */
export function printFields(
  fields: readonly (readonly [string, Cell])[],
  width = Number.POSITIVE_INFINITY,
): void {
  printLines(fieldLines(fields, width));
}
