/**
 * What is to be done at the end of this turn of the event loop, when every promise that was settled in it has been
 * heard; or when the process ends before, since what was asked for in its last turn has been asked for.
 */

/** Each once. */
const due = new Set<() => void>();
let listens = false;

function doAll(): void {
  for (const each of due) {
    due.delete(each);
    each();
  }
}

export function atEndOfTurn(body: () => void): void {
  if (due.size === 0) process.nextTick(doAll);
  due.add(body);
  if (listens) return;
  listens = true;
  process.on('exit', doAll);
}
