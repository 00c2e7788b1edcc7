/**
 * Writes what came from the daemon to a file that somebody named.
 */
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { MappedMemory } from '../client/mapped-memory.js';
import { Usage } from './failure.js';
import { bytes } from './output.js';
import { withProgress } from './progress.js';

/** Between two chunks, progress is shown and a signal is heard. */
const CHUNK_BYTES = 16 * 2 ** 20;

/** Replaces the file's content. Throws Usage where it cannot be written. */
export function saveBytes(file: string, content: Uint8Array): void {
  try {
    writeFileSync(file, content);
  } catch (error) {
    throw unwritable(file, error);
  }
}

/** Replaces the file's content by a memory's, which stays the caller's. Throws as `saveBytes`. */
export async function saveMemory(file: string, memory: MappedMemory): Promise<void> {
  const size = memory.bytes.length;
  let done = 0;
  const copy = async () => {
    const fd = openSync(file, 'w');
    try {
      while (done < size) {
        // What is written can be less than a chunk (write(2)).
        done += memory.read((all) => writeSync(fd, all, done, Math.min(CHUNK_BYTES, size - done)));
        await setImmediate();
      }
    } finally {
      closeSync(fd);
    }
  };
  try {
    await withProgress(() => `saving: ${bytes(done)} of ${bytes(size)}`, copy());
  } catch (error) {
    throw unwritable(file, error);
  }
}

function unwritable(file: string, error: unknown): Error {
  if (error instanceof Error && 'syscall' in error) {
    return new Usage(`${file} cannot be written: ${error.message}`);
  }
  return error instanceof Error ? error : new Error(String(error));
}
