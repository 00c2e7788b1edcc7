/**
 * How often the daemon was started: a number in its state folder, where it has one
 * (StateDirectory= of the unit). systemd's own count of restarts cannot be read by the service.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Adds one; returns null where there is no folder or the number cannot be kept. */
export function countStart(folder: string | undefined): number | null {
  if (folder === undefined || folder === '') return null;
  const file = join(folder, 'starts');
  const starts = before(file) + 1;
  try {
    writeFileSync(`${file}.new`, `${starts}\n`);
    renameSync(`${file}.new`, file);
  } catch (error) {
    if (error instanceof Error && 'code' in error) return null;
    throw error;
  }
  return starts;
}

function before(file: string): number {
  try {
    const found = Number(readFileSync(file, 'utf8'));
    return Number.isSafeInteger(found) && found >= 0 ? found : 0;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return 0;
    throw error;
  }
}
