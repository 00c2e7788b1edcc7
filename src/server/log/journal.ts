/**
 * How urgent a line is, told to the journal: where standard error is its stream, a line that begins with `<3>` is an
 * error for `journalctl -p err` (sd-daemon(3), systemd.exec(5)). Anybody else gets the line as it is.
 */
import { fstatSync } from 'node:fs';

/** pino's levels, from the most urgent on, and syslog(3)'s. */
const PRIORITIES = [
  [60, 2],
  [50, 3],
  [40, 4],
  [30, 6],
] as const;
const DEBUG = 7;

/** Puts the priority of pino's level before a line. */
export type Prefixed = (line: string, level: number) => string;

export const ERROR = 50;

/** `JOURNAL_STREAM` names the device and inode of the stream; a descriptor may be another by now. */
export function prefixFor(fd: number, stream = process.env.JOURNAL_STREAM): Prefixed {
  if (!isStream(fd, stream)) return (line) => line;
  return (line, level) => `<${PRIORITIES.find(([least]) => level >= least)?.[1] ?? DEBUG}>${line}`;
}

function isStream(fd: number, stream: string | undefined): boolean {
  if (!stream) return false;
  try {
    const { dev, ino } = fstatSync(fd);
    return stream === `${dev}:${ino}`;
  } catch {
    // A service may have no standard error.
    return false;
  }
}
