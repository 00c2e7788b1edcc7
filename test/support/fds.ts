/** The file descriptors of this process, counted before and after, as libwayland's tests do. */
import { readdirSync, readlinkSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { Test } from 'tap';

const GRACE_MS = 5_000;
/** Of the validation layer (vm/validation-layer.ts): one stays of each instance. */
const LAYERS_LOG = /\/(dmabroker-)?validation-\w+\/log$/;

/** This process's open descriptors: number and what it is. */
function open(): Map<string, string> {
  const found = new Map<string, string>();
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      // libuv keeps it from the first listening socket on, as its reserve for EMFILE.
      if (target !== '/dev/null' && !LAYERS_LOG.test(target)) found.set(fd, target);
    } catch {
      // The one that reading the folder took.
    }
  }
  return found;
}

/** How many fds a process has of files that are called so. */
export function fdsOf(pid: number | string, name: RegExp): number {
  const folder = `/proc/${pid}/fd`;
  const called = (fd: string) => {
    try {
      return readlinkSync(`${folder}/${fd}`);
    } catch {
      return ''; // It was closed just now.
    }
  };
  return readdirSync(folder).filter((fd) => name.test(called(fd))).length;
}

/** Runs a file's tests and checks that they left no file descriptor open. */
export async function withoutLeaks(
  t: Test,
  name: string,
  run: (t: Test) => Promise<void>,
): Promise<void> {
  const before = open();
  await t.test(name, run);
  const left = () => [...open()].filter(([fd, target]) => before.get(fd) !== target);
  // Some ends take a turn of the event loop, or another thread's time (watch.ts).
  for (const end = Date.now() + GRACE_MS; left().length > 0 && Date.now() < end; ) {
    await setImmediate();
  }
  t.same(left(), [], 'no file descriptor is left open');
}
