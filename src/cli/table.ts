/**
 * Tables for people: a line is a record, whatever the terminal's width. The most important columns stand
 * first; where there is no room, texts end in …, ids are cut to what is theirs alone, and columns at the
 * end are left out. In a pipe everything is whole.
 */
import stringWidth from 'string-width';
import { type Names, NUMBERS } from './names.js';
import { hasColours, printable } from './printable.js';

/** What a cell or a field says: null is unknown. */
export type Cell = string | number | boolean | null | readonly string[];

/** A table's columns: the head of each, what it says of a record, and whether that is an id; long ones may be cut. */
export type Columns<T> = readonly (readonly [
  head: string,
  cell: (record: T, names: Names) => Cell,
  kind?: 'id' | 'long id',
])[];

/** Spaces between two columns. */
const GAP = 2;
/** No text is cut to less than this, or than its column's head. */
const NARROWEST = 12;
/** An id has as many letters at least: buffers that are not shown have ids, too. */
const SHORTEST_ID = 6;

/** The records under a heading, without borders; `none` where there are no records. */
export function tableLines<T>(
  columns: Columns<T>,
  records: readonly T[],
  none: string,
  width = Number.POSITIVE_INFINITY,
  names = NUMBERS,
): string[] {
  const [head = '', ...lines] = tableTexts(columns, records, none, width, names);
  return [records.length > 0 && hasColours() ? `\x1b[1m${head}\x1b[22m` : head, ...lines];
}

/** The same as text alone, whatever the terminal. */
export function tableTexts<T>(
  columns: Columns<T>,
  records: readonly T[],
  none: string,
  width = Number.POSITIVE_INFINITY,
  names = NUMBERS,
): string[] {
  if (records.length === 0) return [none];
  const all = columns.map(([head, cell, kind]) => {
    const texts = records.map((record) => printable(textOf(cell(record, names))));
    const shown = kind === 'long id' && Number.isFinite(width) ? shortIds(texts) : texts;
    const whole = Math.max(...[head, ...shown].map((text) => cells(text)));
    const least = kind !== undefined ? whole : Math.min(whole, Math.max(NARROWEST, head.length));
    return { cells: [head, ...shown], width: whole, least };
  });
  const shown = fitting(all, width);
  return [undefined, ...records].map((_, line) => {
    const texts = shown.map(({ cells: all, width }, column) => {
      const text = cut(all[line] ?? '', width);
      return column === shown.length - 1 ? text : padded(text, width + GAP);
    });
    return texts.join('').trimEnd();
  });
}

interface Column {
  readonly cells: readonly string[];
  width: number;
  readonly least: number;
}

/** Those that there is room for, as narrow as they must be: the widest give way. */
function fitting(columns: readonly Column[], width: number): Column[] {
  const shown = [...columns];
  const sum = (of: 'least' | 'width') => shown.reduce((all, it) => all + it[of] + GAP, -GAP);
  while (shown.length > 1 && sum('least') > width) shown.pop();
  for (let tooMuch = sum('width') - width; tooMuch > 0; tooMuch--) {
    const [widest] = shown
      .filter((it) => it.width > it.least)
      .toSorted((a, b) => b.width - a.width);
    if (widest === undefined) break;
    widest.width--;
  }
  return shown;
}

/** What tells each id from the others. */
function shortIds(ids: readonly string[]): string[] {
  const sorted = [...new Set(ids)].toSorted();
  const common = (a: string, b = '') => [...a].findIndex((letter, at) => letter !== b[at]);
  const length = sorted.reduce(
    (longest, id, at) => Math.max(longest, common(id, sorted[at + 1]) + 1),
    SHORTEST_ID,
  );
  return ids.map((id) => id.slice(0, length));
}

/** Graphemes; one is made, which costs more than its use, where a text is cut that is no ASCII: a tenth of a command's time. */
let letters: Intl.Segmenter | undefined;

/** How many cells of a terminal a text takes. Most is ASCII, of which each letter takes one. */
export const cells = (text: string): number =>
  /^[ -~]*$/.test(text) ? text.length : stringWidth(text);

/** At most so many cells of a terminal; some letters take two. */
export function cut(text: string, width: number): string {
  if (cells(text) <= width) return text;
  let kept = '';
  let room = width - 1;
  letters ??= new Intl.Segmenter();
  for (const { segment } of letters.segment(text)) {
    room -= cells(segment);
    if (room < 0) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** `name: value` lines, values in one column; with a width, long values end in …. */
export function fieldLines(
  fields: readonly (readonly [string, Cell])[],
  width = Number.POSITIVE_INFINITY,
): string[] {
  const names = Math.max(...fields.map(([name]) => name.length)) + 2;
  return fields.map(([name, value]) => {
    const text = printable(textOf(value));
    return `${name}:`.padEnd(names) + cut(text, Math.max(1, width - names));
  });
}

/** A sentence in lines that end between words; a word that has no room ends in …. */
export function wrapped(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && cells(longer) > width) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines.map((line) => cut(line, width));
}

export function padded(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - cells(text)));
}

/** `-` stands for what is unknown, and for an empty list. */
export function textOf(cell: Cell): string {
  if (cell === null) return '-';
  if (typeof cell === 'boolean') return cell ? 'yes' : 'no';
  return typeof cell === 'object' ? cell.join(', ') || '-' : String(cell);
}
