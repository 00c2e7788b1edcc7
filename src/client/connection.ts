/**
 * A client's connection for as long as the client has it: one to the daemon after another, since the daemon may
 * be restarted. Calls that are made meanwhile wait, and those whose answer has not come are made again.
 *
 * Owns: the connection that there is, and the attempts at the next one.
 */
import { messageOf } from '../memory/errors.js';
import type { CallOptions } from './call-options.js';
import { Listeners } from './listeners.js';
import type { Line } from './manager.js';
import { Backoff, lineAgain, type ReconnectOptions } from './reconnect.js';
import { ConnectionError, isDaemonsEnd } from './wire-client.js';

/** What takes its place on each new connection before any call is made there. */
export interface Returning {
  /** Rejects with ConnectionError where the new one has ended, too. */
  comeBack(line: Line): Promise<void>;
}

interface Waiting {
  readonly turn: number;
  begin(line: Line): void;
  reject(error: Error): void;
}

/** A call on its way. */
interface Begun<T> {
  readonly line: Line;
  readonly answer: Promise<T>;
}

/** A call that ends the daemon each time is not made for ever. */
const MAX_TRIES = 3;
/** So many come back at once: a daemon imports so many for a connection, and others are of the same user. */
const AT_ONCE = 8;
/** A timer of Node's that is never due keeps the process alive. */
const NEVER_MS = 2 ** 30;

export class Connection {
  /** Whoever has to be told on a new connection what it had. */
  readonly returning = new Set<Returning>();
  /** The daemon's end has gone; it is being connected to again. */
  readonly lost = new Listeners<[ConnectionError]>();
  /** What there was has been taken up. */
  readonly restored = new Listeners();
  readonly #closed = new Listeners<[ConnectionError]>();
  readonly #waiting = new Set<Waiting>();
  readonly #backoff = new Backoff();
  readonly #closing = new AbortController();
  /** Null while there is none. */
  #line: Line | null;
  /** On the way to be that. */
  #next: Line | null = null;
  /** The last one that there was. */
  #latest: Line;
  #over: ConnectionError | null = null;
  #turns = 0;
  #holds = 0;
  /** What keeps the process alive, while it is ref'ed. */
  readonly #alive = setInterval(() => {}, NEVER_MS).unref();

  constructor(
    first: Line,
    private readonly socket: string,
    /** Null: the connection is over when the first one is. */
    private readonly terms: ReconnectOptions | null,
  ) {
    this.#line = first;
    this.#latest = first;
    first.wire.onClosed((error) => this.#ended(error));
  }

  /** What there is, or was when it was lost. */
  get latest(): Line {
    return this.#latest;
  }

  /** Null while there is none. */
  get line(): Line | null {
    return this.#line;
  }

  /** Whether it is over because the caller has closed it. */
  get closedHere(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Called once when the connection is over; returns what takes the listener off. */
  onClosed(listener: (error: ConnectionError) => void): () => void {
    return this.#closed.addOnce(listener, this.#over === null ? null : [this.#over]);
  }

  /** Keeps the process alive; returns what lets it end again. */
  hold(): () => void {
    this.#hold();
    let held = true;
    return () => {
      if (held) this.#letGo();
      held = false;
    };
  }

  #hold(): void {
    if (this.#holds++ === 0 && this.#over === null) this.#alive.ref();
  }

  #letGo(): void {
    if (--this.#holds === 0) this.#alive.unref();
  }

  /**
   * Makes a call: at once where there is a connection, else when there is. Where that ends before the answer it
   * is made again; `before` is the connection on which it was made then, and may have been done. Keeps the
   * process alive meanwhile.
   */
  async call<T>(
    make: (line: Line, before: Line | null) => Promise<T>,
    options: CallOptions = {},
  ): Promise<T> {
    this.#hold();
    const turn = ++this.#turns;
    let before: Line | null = null;
    try {
      for (let tries = 1; ; tries++) {
        let line = this.#line;
        let begun: Begun<T> | null = null;
        if (line === null) {
          begun = await this.#whenRestored(turn, make, before, options);
          line = begun.line;
        }
        try {
          return await (begun === null ? make(line, before) : begun.answer);
        } catch (error) {
          const mayAgain = error instanceof ConnectionError && !line.wire.isOpen;
          if (mayAgain && this.#over !== null) throw this.#over;
          if (!mayAgain || tries === MAX_TRIES) throw error;
          before = line;
        }
      }
    } finally {
      this.#letGo();
    }
  }

  async #whenRestored<T>(
    turn: number,
    make: (line: Line, before: Line | null) => Promise<T>,
    before: Line | null,
    { signal }: CallOptions,
  ): Promise<Begun<T>> {
    if (this.#over !== null) throw this.#over;
    signal?.throwIfAborted();
    const ends: (() => void)[] = [];
    try {
      return await new Promise<Begun<T>>((resolve, reject) => {
        const ask = async (line: Line): Promise<T> => make(line, before);
        const begin = (line: Line): void => resolve({ line, answer: ask(line) });
        const waiting = { turn, begin, reject };
        this.#waiting.add(waiting);
        const aborted = () => {
          // What is begun has somebody who hears its answer.
          this.#waiting.delete(waiting);
          reject(signal?.reason);
        };
        signal?.addEventListener('abort', aborted, { once: true });
        ends.push(
          () => this.#waiting.delete(waiting),
          () => signal?.removeEventListener('abort', aborted),
        );
      });
    } finally {
      for (const end of ends) end();
    }
  }

  /** The connection that there was has ended. */
  #ended(error: ConnectionError): void {
    this.#line = null;
    if (this.#over !== null) return;
    const { terms } = this;
    if (terms === null || terms.signal?.aborted || !isDaemonsEnd(error)) {
      this.#end(error);
      return;
    }
    this.#backoff.ended();
    this.lost.tell(error);
    this.#return(terms, error).catch((why) => this.#end(why));
  }

  async #return(terms: ReconnectOptions, lost: ConnectionError): Promise<void> {
    const { socket } = this;
    let ended = lost;
    while (this.#over === null) {
      const how = { socket, terms, backoff: this.#backoff, ended, closed: this.#closing.signal };
      const line = await lineAgain(how);
      const again = await this.#takePlace(line);
      if (again === null) return;
      ended = again;
    }
  }

  /** Everything comes back on it; then the calls. Returns why that has ended, if the daemon has ended it. */
  async #takePlace(line: Line): Promise<ConnectionError | null> {
    this.#next = line;
    try {
      if (this.#over !== null) throw this.#over;
      // All have ended before anything else is begun with them.
      const waiting = [...this.returning].values();
      const some = async (): Promise<void> => {
        for (const each of waiting) await each.comeBack(line);
      };
      const back = await Promise.allSettled(Array.from({ length: AT_ONCE }, some));
      for (const each of back) if (each.status === 'rejected') throw each.reason;
    } catch (error) {
      line.wire.close();
      if (error instanceof ConnectionError && isDaemonsEnd(error)) return error;
      throw error;
    } finally {
      this.#next = null;
    }
    this.#backoff.made();
    this.#line = line;
    this.#latest = line;
    line.wire.onClosed((error) => this.#ended(error));
    // In the order in which they were made, and before those that a listener makes.
    const waiting = [...this.#waiting].sort((a, b) => a.turn - b.turn);
    this.#waiting.clear();
    for (const { begin } of waiting) begin(line);
    if (this.#line === line) this.restored.tell();
    return null;
  }

  #end(why: unknown): void {
    if (this.#over !== null) return;
    const error = why instanceof ConnectionError ? why : new ConnectionError(messageOf(why));
    this.#over = error;
    clearInterval(this.#alive);
    for (const { reject } of this.#waiting) reject(error);
    this.#closed.tell(error);
    this.#closed.clear();
  }

  /** Ends it; fds that were received stay with whoever has them. */
  close(): void {
    if (this.#over !== null) return;
    const error = new ConnectionError('the connection was closed');
    const open = this.#line ?? this.#next;
    this.#closing.abort();
    this.#end(error);
    open?.wire.close();
  }
}
