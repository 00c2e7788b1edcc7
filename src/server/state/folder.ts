/**
 * The state folder: what the daemon keeps over a restart is in files here, and one daemon has it at a
 * time. Owns the lock's fd.
 *
 * Where the folder cannot be written (a read-only system, no home) the daemon runs nonetheless: it is
 * told to whoever wants something kept.
 */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { BrokerError, messageOf } from '../../broker/errors.js';
import { isSystemError } from '../../native/libc/errno.js';
import { lock } from '../../native/libc/flock.js';
import { makeFolder } from '../make-folder.js';
import { type Files, replaceFile, Unsettled } from './replace.js';

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const LOCK_FILE = 'lock';

/** In words of the administrator's, who is to do something about it. */
const CAUSES: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left on the device',
  EDQUOT: "the disk quota of the daemon's user is used up",
  EFBIG: 'the file would be larger than the daemon may make one',
  EROFS: 'the file system is read-only',
  EACCES: "the daemon's user may not write there",
  EPERM: "the daemon's user may not write there",
  EIO: 'the device has failed',
};

/** systemd.exec(5)'s StateDirectory=, else root's, else the user's own (XDG base directories). */
export function defaultStateFolder(
  env: NodeJS.ProcessEnv = process.env,
  uid = process.getuid?.(),
): string {
  const unit = env.STATE_DIRECTORY?.split(':')[0];
  if (unit) return unit;
  if (uid === 0) return '/var/lib/dmabroker';
  const home = env.XDG_STATE_HOME;
  const state = home !== undefined && isAbsolute(home) ? home : join(homedir(), '.local/state');
  return join(state, 'dmabroker');
}

export class StateFolder {
  #lock: number | null = null;
  /** Why nothing can be kept, as of the last time; null where it can. */
  problem: string | null = null;

  private constructor(
    readonly path: string,
    private readonly files: Files | undefined,
  ) {}

  /** Throws, with a sentence for people, where another daemon has it. */
  static open(path: string, files?: Files): StateFolder {
    const folder = new StateFolder(path, files);
    try {
      folder.#own();
    } catch (error) {
      if (!isSystemError(error)) throw error;
      folder.problem = sentence(path, error);
    }
    return folder;
  }

  /** Makes and locks it, if that is not done yet. */
  #own(): void {
    if (this.#lock !== null) return;
    makeFolder(this.path, FOLDER_MODE);
    // Never removed: a lock on a file that another daemon has just removed would lock nothing.
    const fd = openSync(join(this.path, LOCK_FILE), 'a', FILE_MODE);
    let locked = false;
    try {
      locked = lock(fd);
    } finally {
      if (!locked) closeSync(fd);
    }
    if (!locked) {
      throw new Error(`another daemon uses ${this.path}: --state-dir names another folder`);
    }
    this.#lock = fd;
  }

  /** A file's content; null where there is none. */
  read(name: string): string | null {
    try {
      return readFileSync(join(this.path, name), 'utf8');
    } catch (error) {
      if (isSystemError(error) && error.code === 'ENOENT') return null;
      throw error;
    }
  }

  /**
   * Replaces a file. Resolves when that is durable; rejects with `not_stored` where the file is what it
   * was. Of one file, one change at a time.
   */
  async replace(name: string, content: string): Promise<void> {
    const file = join(this.path, name);
    try {
      this.#own();
      const before = this.read(name);
      await this.#replaceOrRestore(file, content, before);
      this.problem = null;
    } catch (error) {
      if (error instanceof Unsettled) {
        this.problem = `${file} may differ from what is in force: ${messageOf(error.cause)}`;
        throw new BrokerError('not_stored', this.problem, { constraint: 'EIO' });
      }
      if (!isSystemError(error)) throw error;
      this.problem = sentence(file, error);
      const text = `${this.problem}; nothing has changed`;
      throw new BrokerError('not_stored', text, {
        constraint: error.code as `E${Uppercase<string>}`,
      });
    }
  }

  /** What nobody knows whether it will stay is not to be there: it would differ from what is in force. */
  async #replaceOrRestore(file: string, content: string, before: string | null): Promise<void> {
    try {
      await replaceFile(file, content, this.files);
    } catch (error) {
      if (!(error instanceof Unsettled)) throw error;
      try {
        if (before === null) await unlink(file);
        else await replaceFile(file, before, this.files);
      } catch {
        throw error;
      }
      throw error.cause;
    }
  }

  /** Another daemon may have it from here on. */
  close(): void {
    if (this.#lock !== null) closeSync(this.#lock);
    this.#lock = null;
  }
}

function sentence(path: string, { code, message }: Error & { code: string }): string {
  return `${path} cannot be written: ${CAUSES[code] ?? message} (${code})`;
}
