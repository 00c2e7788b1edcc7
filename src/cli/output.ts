/**
 * What commands print: JSON as the daemon sent it, or text for people. Text from other processes
 * (names, paths) never reaches the terminal with its control characters.
 */
import { stripVTControlCharacters } from 'node:util';
import { columnWidths } from './width.js';

/** Spaces between two columns. */
const GAP = 2;

/** Prints a value as JSON. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** What a cell or a field says: null is unknown. */
export type Cell = string | number | boolean | null | readonly string[];

/** A table's columns: the head of each, and what it says of a record. */
export type Columns<T> = readonly (readonly [head: string, cell: (record: T) => Cell])[];

/** Prints records under a heading, without borders; `none` where there are no records. */
export async function printTable<T>(
  columns: Columns<T>,
  records: readonly T[],
  none: string,
): Promise<void> {
  const { isTTY, columns: width } = process.stdout;
  printLines(await tableLines(columns, records, none, isTTY ? width : undefined));
}

/** Shows a command's answer so. */
export const table =
  <T>(columns: Columns<T>, none: string) =>
  (records: readonly T[]): Promise<void> =>
    printTable(columns, records, none);

/** What `printTable` prints; with a width, cells that are too long for it are wrapped. */
export async function tableLines<T>(
  columns: Columns<T>,
  records: readonly T[],
  none: string,
  width = Number.POSITIVE_INFINITY,
): Promise<string[]> {
  if (records.length === 0) return [none];
  const head = columns.map(([name]) => name);
  const cells = records.map((record) => columns.map(([, cell]) => printable(textOf(cell(record)))));
  // Loaded only here: many calls print no table.
  const { default: Table } = await import('cli-table3');
  const table = new Table({
    head,
    style: {
      head: hasColours() ? ['bold'] : [],
      border: [],
      compact: true,
      'padding-left': 0,
      'padding-right': GAP,
    },
    chars: NO_BORDERS,
    colWidths: columnWidths([head, ...cells], width, GAP).map((each) => each + GAP),
    wordWrap: true,
  });
  table.push(...cells);
  const lines = table.toString().split('\n');
  return lines.map((line) => line.trimEnd());
}

/** Prints `name: value` lines, values in one column. */
export function printFields(fields: readonly (readonly [string, Cell])[]): void {
  const width = Math.max(...fields.map(([name]) => name.length)) + 2;
  printLines(fields.map(([name, value]) => `${name}:`.padEnd(width) + printable(textOf(value))));
}

/** Lines of which other people's text, if any, is printable already. */
export function printLines(lines: readonly string[]): void {
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
}

/** One sentence. */
export const say = (text: string): void => printLines([printable(text)]);

/** Text without anything that a terminal would take for more than text. */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replace(
    // Control characters, and those that turn the direction of writing.
    /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}

/** Bytes for people, e.g. `7.9 MiB`. */
export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const power = Math.min(Math.floor(Math.log2(Math.max(count, 1)) / 10), units.length - 1);
  const value = count / 1024 ** power;
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${units[power]}`;
}

/** How long ago a moment is, e.g. `3 min`. */
export function age(time: string, now: number = Date.now()): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(time)) / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 120 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** `-` stands for what is unknown, and for an empty list. */
export function textOf(cell: Cell): string {
  if (cell === null) return '-';
  if (typeof cell === 'boolean') return cell ? 'yes' : 'no';
  return typeof cell === 'object' ? cell.join(', ') || '-' : String(cell);
}

/** https://no-color.org */
function hasColours(): boolean {
  return process.stdout.isTTY === true && !process.env.NO_COLOR;
}

const NO_BORDERS = Object.fromEntries(
  ['top', 'bottom', 'left', 'right', 'mid', 'middle'].flatMap((side) =>
    ['', '-mid', '-left', '-right'].map((corner) => [side + corner, '']),
  ),
);
