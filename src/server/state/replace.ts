/**
 * The one way to replace a file that the daemon keeps: whole and on the disk, or not at all, whenever the
 * power goes or the disk is full.
 */
import { open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isSystemError } from '../../native/libc/errno.js';

/** What is done to files; a test brings its own. */
export interface Files {
  readonly open: typeof open;
  readonly rename: typeof rename;
  readonly unlink: typeof unlink;
}

const FILE_MODE = 0o600;

/** The disk may have either content: the new one is there, but perhaps not after a power cut. */
export class Unsettled extends Error {
  override readonly name = 'Unsettled';
}

/**
 * Resolves when the new content is there to stay. Rejects with a system error where the file is what it
 * was, and with Unsettled where nobody knows.
 */
export async function replaceFile(
  path: string,
  content: string,
  files: Files = { open, rename, unlink },
): Promise<void> {
  // In the same folder: rename(2) does not leave a file system.
  const temporary = `${path}.new`;
  try {
    await writeNew(temporary, content, files);
    await files.rename(temporary, path);
  } catch (error) {
    // It may be what fills the disk. Where there is none, there is nothing to remove.
    await files.unlink(temporary).catch(() => {});
    throw error;
  }
  try {
    await syncFolder(dirname(path), files);
  } catch (error) {
    throw new Unsettled(`${path} was written, and may be lost with a power cut`, { cause: error });
  }
}

async function writeNew(path: string, content: string, files: Files): Promise<void> {
  // Made anew: what is left of a daemon that was killed may be there, and what is no file of its at all (a FIFO
  // would be waited for, a link written through).
  await files.unlink(path).catch((error: unknown) => {
    if (!isSystemError(error) || error.code !== 'ENOENT') throw error;
  });
  const file = await files.open(path, 'wx', FILE_MODE);
  try {
    // It goes on where write(2) has taken only a part.
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The name is the folder's: without this a power cut may bring the old file back. */
async function syncFolder(path: string, files: Files): Promise<void> {
  const folder = await files.open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
