/**
 * Counts this process's open file descriptors before and after a file's tests, as libwayland's test
 * runner does: a server that leaks one per request does not live long.
 */
import { readdirSync, readlinkSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import type { Test } from 'tap';

const GRACE_MS = 2_000;

/** Runs a file's tests and checks that they left no file descriptor open. */
export async function withoutLeaks(t: Test, name: string, run: (t: Test) => Promise<void>) {
  const before = open();
  await t.test(name, run);
  const end = Date.now() + GRACE_MS;
  const left = () => [...open()].filter(([fd, target]) => before.get(fd) !== target);
  // Closed sockets leave the table a turn of the event loop later.
  while (left().length > 0 && Date.now() < end) await setTimeout(20);
  t.same(left(), [], 'no file descriptor is left open');
}

/** The open descriptors and what they are. */
function open(): Map<string, string> {
  const found = new Map<string, string>();
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      // libuv opens it with the first listening socket and keeps it (its reserve for EMFILE).
      if (target !== '/dev/null') found.set(fd, target);
    } catch {
      // The one that reading the folder took.
    }
  }
  return found;
}
