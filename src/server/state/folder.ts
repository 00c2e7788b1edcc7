/**
 * The state folder: what the daemon keeps over a restart is in files here, and one daemon has it at a
 * time. Owns the lock's fd.
 *
 * Where the folder cannot be written (a read-only system, no home) the daemon runs nonetheless: it is
 * told to whoever wants something kept.
 */
import { closeSync, constants, ftruncateSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { BrokerError, messageOf } from '../../memory/errors.js';
import { isSystemError } from '../../native/libc/errno.js';
import { lock } from '../../native/libc/flock.js';
import { abandonedBy, holderLine } from '../machine/holder.js';
import { makeFolder } from '../machine/make-folder.js';
import { openPlain, readPlain } from '../machine/plain-file.js';
import { type Files, replaceFile, Unsettled } from './replace.js';

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const LOCK_FILE = 'lock';
const LOCK_FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT;

/** In words of the administrator's, who is to do something about it. */
const CAUSES: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left on the device',
  EDQUOT: "the disk quota of the daemon's user is used up",
  EFBIG: 'the file is larger than the daemon may make or reads one',
  EINVAL: 'something that is no regular file is in its place',
  EISDIR: 'something that is no regular file is in its place',
  ENXIO: 'something that is no regular file is in its place',
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
  /** Sockets of the daemon whose place this one has taken, since its process never ended (holder.ts); null: there is none. */
  abandoned: ReadonlySet<string> | null = null;

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
    // One at a time, so that whoever takes the place of one that was killed does not take another's.
    const turn = openSync(this.path, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      this.#lock = this.#takeLock(tryTurn(turn, () => this.#taken()));
    } finally {
      closeSync(turn);
    }
    this.note(holderLine());
  }

  #takeLock(mayReplace: boolean): number {
    const file = join(this.path, LOCK_FILE);
    const fd = openPlain(file, LOCK_FLAGS, FILE_MODE);
    let locked = false;
    try {
      locked = lock(fd);
      // What it says is of a daemon that has ended.
      if (locked) ftruncateSync(fd);
    } finally {
      if (!locked) closeSync(fd);
    }
    if (locked) return fd;
    const sockets = mayReplace ? abandonedBy(readPlain(file)) : null;
    if (sockets === null) throw this.#taken();
    // Its lock is on a file that is none of the folder's any more.
    unlinkSync(file);
    this.abandoned = sockets;
    return this.#takeLock(false);
  }

  #taken(): Error {
    return new Error(`another daemon uses ${this.path}: --state-dir names another folder`);
  }

  /** For whoever may have to take this process's place. What finds no room there is not known, then. */
  readonly note = (line: string): void => {
    if (this.#lock === null) return;
    try {
      writeSync(this.#lock, line);
    } catch (error) {
      if (!isSystemError(error)) throw error;
    }
  };

  /** A file's content; null where there is none. */
  read(name: string): string | null {
    try {
      return readPlain(join(this.path, name));
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

/** Whether it is this one's turn; false where the file system (NFS) has no locks of folders. */
function tryTurn(folder: number, taken: () => Error): boolean {
  try {
    if (!lock(folder)) throw taken();
    return true;
  } catch (error) {
    if (isSystemError(error)) return false;
    throw error;
  }
}

function sentence(path: string, { code, message }: Error & { code: string }): string {
  return `${path} cannot be written: ${CAUSES[code] ?? message} (${code})`;
}
