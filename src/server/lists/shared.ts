/**
 * What records have alike is there once. Each comes from another thread as a copy of its own, down to the last word
 * of it, and most say of a thousand buffers the same: who has them, how they lie, where.
 */

type Plain = Record<string, unknown>;

const isPlain = (value: unknown): value is Plain => typeof value === 'object' && value !== null;

/**
 * The record, whose parts are those of `before` wherever they are the same; all of `before`, where it is the same
 * altogether. The record is the caller's alone, and `before` does not change any more.
 */
export function shared<T>(record: T, before: unknown): T {
  return share(record, before) as T;
}

function share(now: unknown, before: unknown): unknown {
  // Of two equal strings one is enough, too.
  if (now === before) return before;
  if (!isPlain(now) || !isPlain(before) || Array.isArray(now) !== Array.isArray(before)) return now;
  const keys = Object.keys(now);
  let isSame = keys.length === Object.keys(before).length;
  for (const key of keys) {
    const part = share(now[key], before[key]);
    now[key] = part;
    isSame &&= part === before[key] && key in before;
  }
  return isSame ? before : now;
}
