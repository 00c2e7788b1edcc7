/** The list of each view of `top`: a line for each record, and what tells one from the others. */
import { BUFFERS, CGROUPS, PROCESSES, USERS } from '../columns.js';
import type { Names } from '../names.js';
import { type Columns, tableTexts } from '../table.js';
import type { Answers, Listed } from './answers.js';
import type { View } from './state.js';

export interface Rows {
  readonly keys: readonly string[];
  readonly head: string;
  /** One for each key; without keys, what is said instead. */
  readonly lines: readonly string[];
  readonly note: string | null;
}

const ASKING: Rows = { keys: [], head: '', lines: ['asking…'], note: null };

export function rowsOf(view: View, answers: Answers, width: number): Rows {
  const { buffers, processes, users, cgroups, names } = answers;
  switch (view) {
    case 'buffers':
      return rows(buffers, BUFFERS, ({ id }) => id, 'no buffers', width, names);
    case 'processes': {
      const none = 'no process that can be seen has any';
      return rows(processes, PROCESSES, ({ pid }) => `${pid}`, none, width, names);
    }
    case 'users':
      return rows(users, USERS, ({ uid }) => `${uid}`, 'no users', width, names);
    case 'cgroups':
      // A path may be of several users.
      return rows(
        cgroups,
        CGROUPS,
        ({ path, uid }) => `${uid} ${path}`,
        'no control groups',
        width,
        names,
      );
  }
}

/** Made once for each answer and width: keys only move in them. */
const made = new WeakMap<object, { readonly width: number; readonly rows: Rows }>();

function rows<T>(
  listed: Listed<T> | null,
  columns: Columns<T>,
  key: (record: T) => string,
  none: string,
  width: number,
  names: Names,
): Rows {
  if (listed === null) return ASKING;
  const before = made.get(listed);
  if (before?.width === width) return before.rows;
  const { items, note } = listed;
  const [first = '', ...others] = tableTexts(columns, items, none, width, names);
  const keys = items.map(key);
  const found: Rows =
    keys.length === 0
      ? { keys, head: '', lines: [first], note }
      : { keys, head: first, lines: others, note };
  made.set(listed, { width, rows: found });
  return found;
}
