/**
 * One connection to the daemon. A wrong line ends it, and changes nothing that is kept.
 *
 * Owns: the connection.
 */
import { MAX_FDS } from '../../memory/limits.js';
import { isSystemError } from '../../native/libc/errno.js';
import { close } from '../../native/libc/fd.js';
import { POLLIN, POLLOUT } from '../../native/libc/poll.js';
import { receive, send } from '../../native/libc/socket.js';
import { KEEPER_VERSION, Lines, nameOf, WrongLine } from '../words/keeper-lines.js';
import type { Shelf } from './shelf.js';

interface Message {
  readonly bytes: Buffer;
  readonly fds: readonly number[];
}

export class Talk {
  readonly #lines = new Lines();
  /** What is to be sent before more is read. */
  #output: Iterator<Message> | null = null;
  #next: Message | null = null;
  #greeted = false;
  #ended = false;

  constructor(
    readonly fd: number,
    private readonly shelf: Shelf,
  ) {}

  get ended(): boolean {
    return this.#ended;
  }

  /** What it waits for (poll(2)). */
  get events(): number {
    return this.#output === null ? POLLIN : POLLOUT;
  }

  /** Goes on; returns why it has ended, where that was the other's fault. */
  run(): string | null {
    try {
      while (!this.#ended && this.#write() && this.#read());
      return null;
    } catch (error) {
      this.close();
      if (error instanceof WrongLine) return error.message;
      // It has gone.
      if (isSystemError(error)) return null;
      throw error;
    }
  }

  /** Another has its place: what was sent until now is of use, and nobody wants an answer. */
  end(): string | null {
    this.#output = null;
    this.#next = null;
    const wrong = this.run();
    this.close();
    return wrong;
  }

  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const fd of this.#lines.left()) close(fd);
    close(this.fd);
  }

  /** Returns whether there may be more. */
  #read(): boolean {
    const received = receive(this.fd);
    if (received === null) return false;
    const { bytes, fds, lost } = received;
    if (bytes.length === 0) {
      this.close();
      return false;
    }
    for (const words of this.#lines.add(bytes, fds)) this.#understand(words);
    if (lost) throw new WrongLine('it has sent more fds than can be kept');
    return true;
  }

  #understand([verb, ...words]: readonly string[]): void {
    if (verb === 'hello' && !this.#greeted) {
      this.#greeted = true;
      this.shelf.begin();
      this.#say(`hello ${KEEPER_VERSION} ${this.shelf.max} ${process.pid}`);
      if (words[0] !== `${KEEPER_VERSION}`) throw new WrongLine('it speaks another version');
      return;
    }
    if (!this.#greeted) throw new WrongLine('it does not greet');
    if (verb === 'put') this.shelf.put(nameOf(words[0]), this.#lines.fd());
    else if (verb === 'drop') this.shelf.drop(nameOf(words[0]));
    else if (verb === 'settle') this.shelf.settle();
    else if (verb === 'take' && this.#output === null) this.#output = this.#all();
    else throw new WrongLine('it says what is not understood');
  }

  /** The first words: there is room for them. */
  #say(line: string): void {
    this.#send({ bytes: Buffer.from(`${line}\n`), fds: [] });
  }

  /** To whom has gone nothing need be said; what it has said is still to be read. */
  #send({ bytes, fds }: Message): number | null {
    try {
      return send(this.fd, bytes, fds);
    } catch (error) {
      if (!isSystemError(error) || error.code !== 'EPIPE') throw error;
      return bytes.length;
    }
  }

  *#all(): Generator<Message> {
    for (const piece of this.shelf.pieces(MAX_FDS)) {
      const names = piece.map(([name]) => name);
      yield { bytes: Buffer.from(`have ${names.join(' ')}\n`), fds: piece.map(([, fd]) => fd) };
    }
    yield { bytes: Buffer.from('done\n'), fds: [] };
  }

  /** Returns whether all was sent. */
  #write(): boolean {
    while (this.#output !== null) {
      if (this.#next === null) {
        const { value, done } = this.#output.next();
        if (done === true) this.#output = null;
        else this.#next = value;
        continue;
      }
      const { bytes } = this.#next;
      const sent = this.#send(this.#next);
      if (sent === null) return false;
      this.#next = sent < bytes.length ? { bytes: bytes.subarray(sent), fds: [] } : null;
    }
    return true;
  }
}
