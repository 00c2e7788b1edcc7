/**
 * The end of a file that has no name (inotify(7)): IN_DELETE_SELF comes when the last reference to it goes,
 * of whatever kind: descriptors, those opened with O_PATH and by another /proc among them, messages on
 * their way, mappings, mounts. It keeps no reference itself.
 *
 * Owns: the inotify instance.
 */
import { readFileSync } from 'node:fs';
import { isOutOfFds } from '../../memory/errors.js';
import { addressOf, callInt, callLong, lastErrno, symbol, transientString } from '../ffi.js';
import { EAGAIN, SystemError } from './errno.js';
import { close } from './fd.js';

const IN_DELETE_SELF = 0x400;
const IN_Q_OVERFLOW = 0x4000;
const IN_CLOEXEC = 0o2000000;
const IN_NONBLOCK = 0o4000;
/** struct inotify_event: int wd; u32 mask, cookie, len; the name, of len bytes. */
const EVENT = { size: 16, wd: 0, mask: 4, length: 12 };

const init = symbol('inotify_init1');
const addWatch = symbol('inotify_add_watch');
const removeWatch = symbol('inotify_rm_watch');
const readFn = symbol('read');
/** No event has a name: what is watched is a file, not a folder. */
const BUFFER_SIZE = 1024 * EVENT.size;

export class GoneWatch {
  readonly #fd: number;
  /** Watches whose file is there, as far as is known. */
  readonly #there = new Set<number>();
  #hasLostEvents = false;
  readonly #buffer = Buffer.alloc(BUFFER_SIZE);
  readonly #address = addressOf(this.#buffer);

  /** Throws where the user has no more instances (`max_user_instances`). */
  constructor() {
    this.#fd = callInt(init, IN_CLOEXEC | IN_NONBLOCK);
    if (this.#fd < 0) throw new SystemError('inotify_init1', lastErrno());
  }

  /**
   * A number for `gone`. The fd stays the caller's, who may close it. Throws where the user has no more
   * watches (`max_user_watches`).
   */
  watch(fd: number): number {
    const path = transientString(`/proc/self/fd/${fd}`);
    const wd = callInt(addWatch, this.#fd, path, IN_DELETE_SELF);
    if (wd < 0) throw new SystemError('inotify_add_watch', lastErrno(), `fd ${fd}`);
    this.#there.add(wd);
    return wd;
  }

  gone(wd: number): boolean {
    this.#read();
    return !this.#there.has(wd);
  }

  /** Lets go of a watch. */
  forget(wd: number): void {
    if (this.#there.delete(wd)) callInt(removeWatch, this.#fd, wd);
  }

  close(): void {
    close(this.#fd);
  }

  #read(): void {
    for (let size = BUFFER_SIZE; size === BUFFER_SIZE; ) {
      size = callLong(readFn, this.#fd, this.#address, BUFFER_SIZE);
      if (size < 0 && lastErrno() !== EAGAIN) throw new SystemError('read', lastErrno(), 'inotify');
      for (let at = 0; at < size; ) {
        const mask = this.#buffer.readUInt32LE(at + EVENT.mask);
        if ((mask & IN_Q_OVERFLOW) !== 0) this.#hasLostEvents = true;
        // IN_DELETE_SELF, or IN_IGNORED, which follows it.
        else this.#there.delete(this.#buffer.readInt32LE(at + EVENT.wd));
        at += EVENT.size + this.#buffer.readUInt32LE(at + EVENT.length);
      }
    }
    if (this.#hasLostEvents) this.#lookAgain();
  }

  /** Events were lost (`max_queued_events`): what is still watched is in fdinfo, in hexadecimal. */
  #lookAgain(): void {
    let text: string;
    try {
      text = readFileSync(`/proc/self/fdinfo/${this.#fd}`, 'utf8');
    } catch (error) {
      // Then when one is left to read it by.
      if (isOutOfFds(error)) return;
      throw error;
    }
    this.#hasLostEvents = false;
    const watched = new Set(
      [...text.matchAll(/^inotify wd:([0-9a-f]+) /gm)].map(([, wd = '']) =>
        Number.parseInt(wd, 16),
      ),
    );
    for (const wd of this.#there) if (!watched.has(wd)) this.#there.delete(wd);
  }
}
