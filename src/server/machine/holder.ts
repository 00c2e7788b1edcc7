/**
 * Who has the state folder, and which sockets are theirs, as written into its lock.
 *
 * A process that was killed keeps its locks and its sockets while one thread of it waits in the kernel, and that
 * may be for as long as a client likes: the close of a FUSE file ends when its server answers. Such a process
 * never does anything again, so that whoever comes next may take its place. Only where that is certain: the
 * process is seen in /proc, is the very one (by its start), and is ending.
 *
 * Owns nothing.
 */
import { lstatSync } from 'node:fs';
import { isSystemError } from '../../native/libc/errno.js';
import { isEnding, startTime } from './proc.js';

/** One a line: the holder, then what it listens on. */
export const holderLine = (pid = process.pid): string => `process ${pid} ${startTime(pid)}\n`;

/** Throws where there is no file at the path. */
export const socketLine = (path: string): string => `socket ${socketIdentity(path)}\n`;

/** A bound socket keeps its inode, so that nothing else has this name while the socket is there. */
export function socketIdentity(path: string): string {
  const { dev, ino } = lstatSync(path, { bigint: true });
  return `${dev}:${ino}`;
}

/** The sockets of a holder that is ending; null where it is not, or nobody knows. */
export function abandonedBy(
  text: string,
  proc: { isEnding: typeof isEnding; startTime: typeof startTime } = { isEnding, startTime },
): ReadonlySet<string> | null {
  const [, number, start] = /^process (\d+) (\d+)$/m.exec(text) ?? [];
  const pid = Number(number);
  if (start === undefined || !Number.isSafeInteger(pid)) return null;
  try {
    if (proc.startTime(pid) !== start || !proc.isEnding(pid)) return null;
  } catch (error) {
    // Not to be seen: of another pid namespace, perhaps, and well.
    if (isSystemError(error)) return null;
    throw error;
  }
  return new Set([...text.matchAll(/^socket (\d+:\d+)$/gm)].map(([, identity = '']) => identity));
}
