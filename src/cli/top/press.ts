/** What each key of `top` does: to the state, and what else is to be done. */
import type { Key } from '../keys.js';
import { type Asked, moved, scrolledTo, type TopState, VIEWS } from './state.js';

/** For people: the keys, and what they are for. */
export const HELP: readonly (readonly [keys: string, what: string])[] = [
  ['Up Down, k j', 'select the record above or below'],
  ['PgUp PgDn', 'a screen further up or down'],
  ['Home End', 'the first, the last'],
  ['Tab, 1 to 4', 'buffers, processes, users, control groups'],
  ['Enter', 'all about the buffer, and who has its memory; Enter or Esc goes back'],
  ['d', 'release the buffer; asks for a y'],
  ['c', 'recall it: its owner is asked to release it; asks for a y'],
  ['s a i', 'sort buffers by size, age, id'],
  ['r', 'in the other order'],
  ['/', 'only buffers with a text in their name; empty: all'],
  ['Ctrl-L', 'draw the screen anew'],
  ['Ctrl-Z', 'stop; fg goes on'],
  ['? h', 'this help; Enter or Esc goes back'],
  ['q, Ctrl-C', 'the end'],
];

/** What the keys are about, as it is on the screen. */
export interface Seen {
  /** Of the list's records. */
  readonly keys: readonly string[];
  /** How many lines the list or the panel has room for. */
  readonly room: number;
  /** How many lines the panel has. */
  readonly lines: number;
  /** The buffer that is selected or open, and how it is told of. */
  readonly buffer: Pick<Asked, 'id' | 'about'> | null;
}

export type Effect =
  | { readonly do: 'quit' | 'suspend' | 'look' | 'redraw' }
  | { readonly do: 'act'; readonly asked: Asked };

export interface Pressed {
  readonly state: TopState;
  readonly effect: Effect | null;
}

/** The key of each order; `-`: the largest or youngest first. */
const SORTS: Readonly<Record<string, string>> = { s: '-size', a: 'created_at', i: 'id' };

/** How far each key goes, in screens and in lines. */
const STEPS: Readonly<Record<Key, readonly [screens: number, lines: number]>> = {
  up: [0, -1],
  k: [0, -1],
  down: [0, 1],
  j: [0, 1],
  pageup: [-1, 0],
  pagedown: [1, 0],
  home: [0, Number.NEGATIVE_INFINITY],
  end: [0, Number.POSITIVE_INFINITY],
};

const only = (state: TopState): Pressed => ({ state, effect: null });
const looking = (state: TopState): Pressed => ({ state, effect: { do: 'look' } });

export function pressed(before: TopState, key: Key, seen: Seen): Pressed {
  const state = { ...before, message: null };
  if (key === 'ctrl-c') return { state, effect: { do: 'quit' } };
  if (key === 'ctrl-z') return { state, effect: { do: 'suspend' } };
  if (key === 'ctrl-l') return { state, effect: { do: 'redraw' } };
  if (state.typing !== null) return typed(state, state.typing, key);
  if (state.asked !== null) return answered(state, state.asked, key);
  if (key === 'q' || key === 'Q') return { state, effect: { do: 'quit' } };
  if (key === '?' || key === 'h') return only({ ...state, panel: 'help', scrolled: 0 });
  const step = STEPS[key];
  if (step !== undefined) {
    const [screens, lines] = step;
    return only(stepped(state, screens * Math.max(1, seen.room - 1) + lines, seen));
  }
  const view = key === 'tab' || key === 'backtab' ? beside(state, key) : VIEWS[Number(key) - 1];
  if (view !== undefined) return looking({ ...state, view, panel: null, opened: null });
  return onBuffers(state, key, seen);
}

function onBuffers(state: TopState, key: Key, { buffer }: Seen): Pressed {
  const { panel, view, sort } = state;
  if (panel !== null && (key === 'escape' || key === 'enter')) {
    return looking({ ...state, panel: null, opened: null });
  }
  if (view !== 'buffers' || panel === 'help') return only(state);
  const what = key === 'd' ? 'release' : 'recall';
  if ((key === 'd' || key === 'c') && buffer !== null) {
    return only({ ...state, asked: { what, ...buffer } });
  }
  if (panel !== null) return only(state);
  if (key === 'enter' && buffer !== null) {
    return looking({ ...state, panel: 'details', opened: buffer.id, scrolled: 0 });
  }
  if (key === '/') return only({ ...state, typing: state.name });
  if (key === 'r') {
    return looking({ ...state, sort: sort.startsWith('-') ? sort.slice(1) : `-${sort}` });
  }
  const chosen = SORTS[key];
  return chosen === undefined ? only(state) : looking({ ...state, sort: chosen });
}

function typed(state: TopState, typing: string, key: Key): Pressed {
  if (key === 'enter') return looking({ ...state, name: typing, typing: null });
  if (key === 'escape') return only({ ...state, typing: null });
  if (key === 'backspace') return only({ ...state, typing: [...typing].slice(0, -1).join('') });
  // A name of a key is no letter.
  return [...key].length > 1 ? only(state) : only({ ...state, typing: typing + key });
}

/** Whatever is no y is a no. */
function answered(state: TopState, asked: Asked, key: Key): Pressed {
  const after = { ...state, asked: null };
  if (key === 'y' || key === 'Y') return { state: after, effect: { do: 'act', asked } };
  return only({ ...after, message: `not done: ${asked.what} ${asked.id}` });
}

function stepped(state: TopState, by: number, { keys, room, lines }: Seen): TopState {
  if (state.panel !== null) {
    return { ...state, scrolled: scrolledTo(state.scrolled + by, lines, room) };
  }
  const { view, places } = state;
  return { ...state, places: { ...places, [view]: moved(places[view], by, keys, room) } };
}

function beside({ view }: TopState, key: 'tab' | 'backtab' | Key) {
  return VIEWS.at((VIEWS.indexOf(view) + (key === 'tab' ? 1 : -1)) % VIEWS.length);
}
