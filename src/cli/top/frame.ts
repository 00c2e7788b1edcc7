/**
 * The screen of `top`: lines made of the state and the answers, as many and as wide as the terminal takes. From
 * above: the view, bars, the list or a panel, and what is to be known or answered.
 */
import { bufferLines, holderLines } from '../buffer-details.js';
import { processText } from '../describe.js';
import { printable } from '../printable.js';
import { cells, cut, padded, wrapped } from '../table.js';
import type { Answers } from './answers.js';
import { gaugeLines, isNear } from './bars.js';
import { gaugesOf } from './gauges.js';
import { HELP, type Seen } from './press.js';
import { type Rows, rowsOf } from './rows.js';
import { scrolledTo, settled, type TopState, VIEWS } from './state.js';

/** What it is drawn on. */
export interface Paper {
  readonly columns: number;
  readonly rows: number;
  readonly colours: boolean;
  readonly unicode: boolean;
}

export interface Frame {
  readonly lines: readonly string[];
  /** With places that are within what there is. */
  readonly state: TopState;
  readonly seen: Seen;
}

type Style = 'bold' | 'selected' | 'near';

interface Line {
  readonly text: string;
  readonly style?: Style | undefined;
}

/** SGR (ECMA-48, 8.3.117), on and off. */
const STYLES: Readonly<Record<Style, readonly [string, string]>> = {
  bold: ['\x1b[1m', '\x1b[22m'],
  selected: ['\x1b[7m', '\x1b[27m'],
  near: ['\x1b[31m', '\x1b[39m'],
};

/** What stands before the selected record: colours are not for everybody. */
const MARK = '> ';
const NO_MARK = '  ';

/** A question or a refusal may be long. */
const MAX_SAID = 3;
const MAX_NOTES = 2;

export function frame(state: TopState, answers: Answers, paper: Paper): Frame {
  const { columns, rows } = paper;
  const top = [titleLine(state, answers), ...(state.panel === null ? gauges(answers, paper) : [])];
  const body = state.panel === null ? listBody : panelBody;
  const list = rowsOf(state.view, answers, columns - MARK.length);
  const said = saying(state, columns);
  const notes = said === null ? noting(state, answers, list, columns) : [];
  // The status says how much is hidden: it is a line whatever it says.
  const below = notes.length + (said?.length ?? 1);
  const room = Math.max(1, rows - top.length - below - (state.panel === null ? 1 : 0));
  const drawn = body(state, answers, list, room, columns);
  const bottom = [...notes, ...(said ?? [drawn.status])].map((text): Line => ({ text }));
  const lines = [...top, ...drawn.lines].slice(0, Math.max(0, rows - bottom.length));
  while (lines.length < rows - bottom.length) lines.push({ text: '' });
  return {
    lines: [...lines, ...bottom].map((line) => styled(line, paper)),
    state: drawn.state,
    seen: {
      keys: list.keys,
      room,
      lines: drawn.count,
      buffer: bufferOf(drawn.state, answers, columns),
    },
  };
}

function styled({ text, style }: Line, { columns, colours }: Paper): string {
  const shown = cut(text, columns);
  if (style === undefined || !colours) return shown;
  const [on, off] = STYLES[style];
  return `${on}${style === 'selected' ? padded(shown, columns) : shown}${off}`;
}

function titleLine({ view }: TopState, { time }: Answers): Line {
  const views = VIEWS.map((each, at) =>
    each === view ? `[${at + 1} ${each}]` : ` ${at + 1} ${each} `,
  );
  return { text: `${time.replace(/\.\d+/, '')}  ${views.join('')}  ? help  q quit`, style: 'bold' };
}

/** Never more than the list has. */
function gauges(answers: Answers, { columns, rows, unicode }: Paper): Line[] {
  const shown = gaugesOf(answers, Math.max(1, Math.floor((rows - 4) / 2)));
  return gaugeLines(shown, columns, unicode).map((text, at) => {
    const gauge = shown[at];
    return { text, style: gauge !== undefined && isNear(gauge) ? 'near' : undefined };
  });
}

interface Body {
  readonly lines: readonly Line[];
  readonly state: TopState;
  readonly status: string;
  /** How many lines there are, with those that are hidden. */
  readonly count: number;
}

function listBody(state: TopState, _: Answers, list: Rows, room: number): Body {
  const { view, places } = state;
  const place = settled(places[view], list.keys, room);
  const lines = list.lines.slice(place.offset, place.offset + room).map((text, at): Line => {
    const isSelected = list.keys.length > 0 && place.offset + at === place.at;
    return isSelected ? { text: MARK + text, style: 'selected' } : { text: NO_MARK + text };
  });
  return {
    lines: [{ text: NO_MARK + list.head, style: 'bold' }, ...lines],
    state: { ...state, places: { ...places, [view]: place } },
    status: [
      shownText(place.offset, lines.length, list.keys.length),
      ...(view === 'buffers' ? [orderText(state), 'Enter details  d release  c recall'] : []),
    ].join('  '),
    count: list.lines.length,
  };
}

function panelBody(state: TopState, answers: Answers, _: Rows, room: number, width: number): Body {
  const all = state.panel === 'help' ? helpLines() : detailLines(answers, state.opened, width);
  const scrolled = scrolledTo(state.scrolled, all.length, room);
  const shown = all.slice(scrolled, scrolled + room);
  const keys = state.panel === 'help' ? '' : '  d release  c recall';
  return {
    lines: shown.map((text) => ({ text })),
    state: { ...state, scrolled },
    status: `${shownText(scrolled, shown.length, all.length)}  Esc back${keys}`,
    count: all.length,
  };
}

function shownText(first: number, shown: number, all: number): string {
  if (all === 0) return '0 of 0';
  return `${first + 1}-${first + shown} of ${all}, ${all - shown} hidden`;
}

const orderText = ({ sort, name }: TopState) =>
  `by ${sort}${name === '' ? '' : `, with "${printable(name)}" in the name`}`;

/** What is asked, or has come of it, in place of the status; null where there is nothing. */
function saying({ typing, asked, message }: TopState, width: number): string[] | null {
  if (typing !== null) return [typingLine(printable(typing), width)];
  const text = asked === null ? message : `${asked.what} ${asked.about}? y/n`;
  return text === null ? null : wrapped(printable(text), width).slice(0, MAX_SAID);
}

/** Of a name that is too long its end is there, where letters are added. */
function typingLine(typing: string, width: number): string {
  const line = `name: ${typing}_`;
  const whole = `${line}  (Enter takes it, Esc does not)`;
  if (cells(whole) <= width) return whole;
  const letters = [...typing];
  while (letters.length > 0 && cells(`name: …${letters.join('')}_`) > width) letters.shift();
  return cells(line) <= width ? line : `name: …${letters.join('')}_`;
}

/** What is to be known of the answers. */
function noting({ panel }: TopState, { gone }: Answers, { note }: Rows, width: number): string[] {
  const text = gone ?? (panel === null ? note : null);
  return text === null ? [] : wrapped(printable(text), width).slice(0, MAX_NOTES);
}

function bufferOf(state: TopState, answers: Answers, width: number): Seen['buffer'] {
  const { buffers, details, names } = answers;
  const { key, at } = state.places.buffers;
  const found =
    state.panel === 'details'
      ? details?.id === state.opened
        ? details.buffer
        : null
      : (buffers.items.find(({ id }) => id === key) ?? buffers.items[at]);
  if (!found) return null;
  const { id, name, owner } = found;
  const called = name === null ? id : `${cut(printable(name), Math.floor(width / 4))} (${id})`;
  const whose = processText(owner, names);
  return { id, about: whose === '-' ? called : `${called} of ${printable(whose)}` };
}

function detailLines({ details, names }: Answers, opened: string | null, width: number): string[] {
  if (details === null || details.id !== opened) return ['asking…'];
  const { buffer, holders, refused } = details;
  return [
    ...(buffer === null ? [] : bufferLines(buffer, names, width)),
    ...(buffer !== null && holders !== null ? [''] : []),
    ...(holders === null ? [] : holderLines(holders, names, width)),
    ...(refused === null ? [] : ['', ...wrapped(printable(refused), width)]),
  ];
}

function helpLines(): string[] {
  const widest = Math.max(...HELP.map(([keys]) => keys.length));
  return HELP.map(([keys, what]) => `${keys.padEnd(widest)}  ${what}`);
}
