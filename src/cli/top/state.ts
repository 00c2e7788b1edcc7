/**
 * What somebody at the screen of `top` has chosen: which list, which of its records, how buffers are sorted and
 * which are shown, and what is to be done to one after a `y`.
 */

/** In the order of the keys 1 to 4. */
export const VIEWS = ['buffers', 'processes', 'users', 'cgroups'] as const;
export type View = (typeof VIEWS)[number];

/** Where somebody is in a list. */
export interface Place {
  /** The record that is selected, wherever it goes; null: the first one, whichever that is. */
  readonly key: string | null;
  /** Where that was; what stands there now is selected when it is gone. */
  readonly at: number;
  /** The first record that is on the screen. */
  readonly offset: number;
}

/** What waits for a y. */
export interface Asked {
  readonly what: 'release' | 'recall';
  readonly id: string;
  /** The buffer and whose it is, in words. */
  readonly about: string;
}

export interface TopState {
  readonly view: View;
  readonly places: Readonly<Record<View, Place>>;
  /** What is shown in place of the list. */
  readonly panel: 'details' | 'help' | null;
  /** The buffer of `details`. */
  readonly opened: string | null;
  /** The first line of the panel that is on the screen. */
  readonly scrolled: number;
  /** As REST has it. */
  readonly sort: string;
  /** What names must have in them; all of them have the empty one. */
  readonly name: string;
  /** The name that is being typed; null where none is. */
  readonly typing: string | null;
  readonly asked: Asked | null;
  /** What has come of the last action, until a key is pressed. */
  readonly message: string | null;
}

const START: Place = { key: null, at: 0, offset: 0 };

export function startState(sort: string, name: string): TopState {
  return {
    view: 'buffers',
    places: { buffers: START, processes: START, users: START, cgroups: START },
    panel: null,
    opened: null,
    scrolled: 0,
    sort,
    name,
    typing: null,
    asked: null,
    message: null,
  };
}

const clamped = (value: number, most: number) => Math.max(0, Math.min(value, most));

/** The place in records as they are now, of which `room` are on the screen. */
export function settled({ key, at, offset }: Place, keys: readonly string[], room: number): Place {
  const found = key === null ? 0 : keys.indexOf(key);
  const now = clamped(found < 0 ? at : found, keys.length - 1);
  const first = clamped(Math.min(Math.max(offset, now - room + 1), now), keys.length - room);
  return { key: key === null ? null : (keys[now] ?? key), at: now, offset: first };
}

/** So many records further, if there are. */
export function moved(place: Place, by: number, keys: readonly string[], room: number): Place {
  const at = clamped(place.at + by, keys.length - 1);
  return settled({ ...place, key: keys[at] ?? null, at }, keys, room);
}

/** The first line of so many that are on the screen. */
export const scrolledTo = (line: number, lines: number, room: number): number =>
  clamped(line, lines - room);
