/**
 * What the daemon and the process that keeps fds for it (server/keeper) say to each other over a Unix stream socket:
 * lines of ASCII, and an fd for each name.
 *
 *     daemon → keeper
 *       hello 1          first, the version
 *       put NAME         1 fd: it is kept under that name, in place of another of the name
 *       drop NAME        it is let go of
 *       settle           what was not put over this connection is let go of
 *       take             all that is kept is wanted
 *     keeper → daemon
 *       hello 1 MAX PID  the version, how many fds it keeps, who it is
 *       have NAME…       1 fd for each name: what is kept, and stays there
 *       done             that was all
 *
 * What was sent is kept, whatever becomes of the sender: it is read to the end. An upgrade starts the daemon anew and
 * not the keeper, so that a later daemon has to speak the versions of before.
 */
import { MAX_FDS } from '../../memory/limits.js';

/** Where it listens (dmabroker-keeper.socket). Root alone may make a file there. */
export const KEEPER_SOCKET = '/run/dmabroker-keeper.sock';
export const KEEPER_VERSION = 1;

/** MAX_FDS names of a line, and more. */
const MAX_LINE = 4096;
const NAME = /^[a-z0-9-]{1,64}$/;

export class WrongLine extends Error {
  override readonly name = 'WrongLine';
}

/** The name that a word is. */
export function nameOf(word: string | undefined): string {
  if (word === undefined || !NAME.test(word)) throw new WrongLine('a name is missing, or none');
  // A copy: a part of a string keeps all of that (V8).
  return Buffer.from(word, 'latin1').toString('latin1');
}

/** Lines as they come in, each with the fds that it takes. Owns the fds that no line has taken. */
export class Lines {
  #rest = '';
  readonly #fds: number[] = [];

  /** The words of the lines that are whole now. What they do not take is too much. */
  *add(bytes: Buffer, fds: readonly number[]): Generator<readonly string[]> {
    this.#fds.push(...fds);
    const lines = (this.#rest + bytes.toString('latin1')).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) yield line.split(' ');
    if (this.#rest.length > MAX_LINE) throw new WrongLine('a line does not end');
    if (this.#fds.length > (this.#rest === '' ? 0 : MAX_FDS)) {
      throw new WrongLine('there are fds without a name');
    }
  }

  /** The next fd; the caller's. */
  fd(): number {
    const fd = this.#fds.shift();
    if (fd === undefined) throw new WrongLine('an fd is missing');
    return fd;
  }

  /** What no line took; the caller's. */
  left(): number[] {
    return this.#fds.splice(0);
  }
}
