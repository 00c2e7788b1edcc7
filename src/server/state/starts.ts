/**
 * How often the daemon was started: a number in its state folder. systemd's own count of restarts cannot
 * be read by the service.
 */
import { BrokerError } from '../../memory/errors.js';
import { isSystemError } from '../../native/libc/errno.js';
import type { StateFolder } from './folder.js';

const FILE = 'starts';

/** Adds one; null where the number cannot be kept. */
export async function countStart(folder: StateFolder): Promise<number | null> {
  try {
    const before = Number(folder.read(FILE) ?? 0);
    const starts = Number.isSafeInteger(before) && before >= 0 ? before + 1 : 1;
    await folder.replace(FILE, `${starts}\n`);
    return starts;
  } catch (error) {
    // The system's, of a file that cannot be read, or what came of them.
    if (error instanceof BrokerError || isSystemError(error)) return null;
    throw error;
  }
}
