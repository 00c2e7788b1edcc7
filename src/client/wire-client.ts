/**
 * The client's side of the Wayland wire protocol: objects, requests out, events in.
 *
 * Owns: the socket, and received fds until an event's handler takes them.
 */
import { messageOf } from '../memory/errors.js';
import { MAX_FDS } from '../memory/limits.js';
import { close } from '../native/libc/fd.js';
import { connectUnix, RECEIVE_SIZE, receive, send, shutdown } from '../native/libc/socket.js';
import { type Watch, watch } from '../native/libc/watch.js';
import { Reader } from '../protocol/reader.js';
import { wl_callback, wl_display } from '../protocol/wayland.gen.js';
import {
  type Handlers,
  HEADER_SIZE,
  type Interface,
  type Message,
  type MessageOf,
  type Values,
  WireError,
} from '../protocol/wire.js';
import { Writer } from '../protocol/writer.js';
import type { CallOptions } from './call-options.js';
import { Listeners } from './listeners.js';
import { atEndOfTurn } from './turn.js';

/** The connection is gone: the daemon ended it, or it ended itself. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';

  constructor(
    message: string,
    /** The protocol error's code and interface, where the daemon named one. */
    readonly protocol: { readonly object: number; readonly code: number } | null = null,
  ) {
    super(message);
  }
}

/** The daemon's end of the connection has gone, and it has not said why: it may come back. */
export class HangUp extends ConnectionError {}

/** Whether the daemon has ended the connection for a reason of its own, which was no violation. */
export function isDaemonsEnd(error: ConnectionError): boolean {
  const { protocol } = error;
  if (protocol === null) return error instanceof HangUp;
  return protocol.object === DISPLAY_ID && protocol.code === wl_display.enums.error.implementation;
}

/** An object of the protocol, typed by its interface. */
export class ProtocolObject<I extends Interface = Interface> {
  /** Destroyed by us; kept until delete_id, since events may still be on their way. */
  dead = false;
  /** Called when the daemon has taken the destructor, and every request before it. */
  deleted: (() => void) | null = null;

  constructor(
    private readonly wire: WireClient,
    readonly id: number,
    readonly definition: I,
    readonly handlers: Handlers<I, 'events'>,
  ) {}

  /** Sends a request. Throws ConnectionError when the connection is over. */
  request<N extends I['requests'][number]['name']>(
    name: N,
    ...values: Values<MessageOf<I, 'requests', N>>
  ): void {
    const message = this.definition.request[name] as Message;
    if (message.destructor) this.dead = true;
    this.wire.send(message, this.id, values);
  }
}

/** What is sent by one sendmsg(2), its fds with the first byte. */
interface Packet {
  length: number;
  fds: readonly number[];
}

const RETRY_MS = 1;
const DISPLAY_ID = 1;
const reader = new Reader();
const NOTHING = Buffer.alloc(0);

export class WireClient {
  readonly #objects = new Map<number, ProtocolObject>();
  readonly #freeIds: number[] = [];
  readonly #watch: Watch;
  readonly #closed = new Listeners<[ConnectionError]>();
  readonly display: ProtocolObject<typeof wl_display>;
  #nextId = 2;
  #input: Buffer = NOTHING;
  #fds: number[] = [];
  #mayBeMore = false;
  readonly #output = new Writer();
  readonly #packets: Packet[] = [];
  /** How the calls that wait for an answer are told that none will come. */
  readonly #waiting = new Set<(error: Error) => void>();
  #retry: NodeJS.Timeout | null = null;
  #holds = 0;
  /** Why the connection is over; null while it is not. */
  #over: ConnectionError | null = null;

  private constructor(private readonly fd: number) {
    this.#watch = watch(fd, () => this.#readable());
    this.#watch.unref();
    this.display = this.#define(DISPLAY_ID, wl_display, {
      error: (object, code, message) => {
        this.#end(new ConnectionError(`protocol error: ${message}`, { object, code }));
      },
      delete_id: (id) => {
        const deleted = this.#objects.get(id)?.deleted;
        this.#objects.delete(id);
        this.#freeIds.push(id);
        deleted?.();
      },
    });
  }

  /**
   * Throws SystemError (ENOENT, ECONNREFUSED, EACCES) where nobody can be reached at the path, and EAGAIN where too many
   * wait there already: to wait is for somebody who does not have the program stand still.
   */
  static connect(path: string): WireClient {
    return new WireClient(connectUnix(path, { wait: false }));
  }

  /** Whether requests can still be sent. */
  get isOpen(): boolean {
    return this.#over === null;
  }

  /** Called once when the connection is over; returns what takes the listener off. */
  onClosed(listener: (error: ConnectionError) => void): () => void {
    return this.#closed.addOnce(listener, this.#over === null ? null : [this.#over]);
  }

  /** Keeps the process alive, until `#letGo`. */
  #hold(): void {
    if (this.#holds++ === 0) this.#watch.ref();
  }

  #letGo(): void {
    if (--this.#holds === 0 && this.#over === null) this.#watch.unref();
  }

  /**
   * Waits for events: rejects when the connection ends first or the signal is aborted, and keeps the
   * process alive, if it is `held`. `start` sends the request, and what it throws is the answer.
   */
  answer<T>(
    start: (resolve: (value: T) => void, reject: (error: Error) => void) => void,
    { signal }: CallOptions = {},
    held = true,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#over !== null) throw this.#over;
      signal?.throwIfAborted();
      const end = (): void => {
        if (!this.#waiting.delete(fail)) return;
        if (held) this.#letGo();
        signal?.removeEventListener('abort', aborted);
      };
      const succeed = (value: T): void => {
        end();
        resolve(value);
      };
      const fail = (error: Error): void => {
        end();
        reject(error);
      };
      const aborted = (): void => fail(signal?.reason);
      this.#waiting.add(fail);
      if (held) this.#hold();
      signal?.addEventListener('abort', aborted, { once: true });
      try {
        start(succeed, fail);
      } catch (error) {
        fail(error as Error);
      }
    });
  }

  /** A new object, to be named in the request that creates it. */
  create<I extends Interface>(definition: I, handlers: Handlers<I, 'events'>): ProtocolObject<I> {
    return this.#define(this.#freeIds.pop() ?? this.#nextId++, definition, handlers);
  }

  #define<I extends Interface>(id: number, definition: I, handlers: Handlers<I, 'events'>) {
    const object = new ProtocolObject(this, id, definition, handlers);
    this.#objects.set(id, object as unknown as ProtocolObject);
    return object;
  }

  /**
   * Sends a request: at the end of this turn, so that all of it go together, in one sendmsg(2) as a rule; one with fds
   * at once, since the caller may close them as soon as this returns.
   */
  send(message: Message, object: number, values: readonly unknown[]): void {
    if (this.#over !== null) throw this.#over;
    const before = this.#output.length;
    (message.write as (...message: unknown[]) => void)(this.#output, object, ...values);
    const more = this.#output.length - before;
    const fds = this.#output.takeFds();
    const last = this.#packets.at(-1);
    if (last === undefined || last.fds.length + fds.length > MAX_FDS) {
      this.#packets.push({ length: more, fds });
    } else {
      last.length += more;
      if (fds.length > 0) last.fds = [...last.fds, ...fds];
    }
    if (fds.length > 0) this.#flush();
    else if (this.#packets.length === 1 && before === 0) atEndOfTurn(this.#flush);
  }

  readonly #flush = (): void => {
    try {
      while (this.#over === null) {
        const [packet] = this.#packets;
        if (packet === undefined) return;
        const pending = this.#output.pending();
        const bytes = this.#packets.length === 1 ? pending : pending.subarray(0, packet.length);
        const sent = send(this.fd, bytes, packet.fds);
        if (sent === null) {
          this.#retry ??= setTimeout(this.#again, RETRY_MS);
          return;
        }
        // The fds went with the first byte.
        packet.fds = [];
        packet.length -= sent;
        if (packet.length === 0) this.#packets.shift();
        this.#output.take(sent);
      }
    } catch (error) {
      // The daemon may have said why before it hung up.
      this.#readAll();
      // It has not: the request itself cannot be sent, with a closed fd for one.
      if (this.#over === null) this.#end(new ConnectionError(messageOf(error)));
    }
  };

  readonly #again = (): void => {
    this.#retry = null;
    this.#flush();
  };

  /** To the end of the stream, if that has come; else what comes next is told by the watch. */
  #readAll(): void {
    while (this.#over === null && this.#readSome());
  }

  /**
   * What the watch tells of. A message without fds that leaves room is the last that there is (unix(7): one with fds ends
   * what is received at once), so that it need not be asked again.
   */
  #readable(): void {
    do {
      if (!this.#readSome()) return;
    } while (this.#over === null && this.#mayBeMore);
  }

  /** Whether there was anything. */
  #readSome(): boolean {
    try {
      const received = this.#receive();
      if (received === null) return false;
      this.#mayBeMore = received.fds.length > 0 || received.bytes.length === RECEIVE_SIZE;
      if (received.fds.length > 0) this.#fds.push(...received.fds);
      if (received.lost) throw new Error('file descriptors were lost on the way');
      this.#input =
        this.#input.length === 0 ? received.bytes : Buffer.concat([this.#input, received.bytes]);
      this.#dispatchAll();
    } catch (error) {
      this.#end(error instanceof HangUp ? error : new ConnectionError(messageOf(error)));
    }
    return true;
  }

  #receive(): ReturnType<typeof receive> {
    let received: ReturnType<typeof receive>;
    try {
      received = receive(this.fd);
    } catch (error) {
      throw new HangUp(messageOf(error));
    }
    if (received?.bytes.length === 0 && !received.lost) {
      for (const fd of received.fds) close(fd);
      throw new HangUp('the daemon closed the connection');
    }
    return received;
  }

  #dispatchAll(): void {
    const input = this.#input;
    let at = 0;
    while (this.#over === null && reader.header(input, at, input.length)) {
      const { object, opcode, size } = reader;
      this.#dispatch(object, opcode, reader.begin(input, at + HEADER_SIZE, at + size, this.#fds));
      at += size;
    }
    this.#input = at === input.length ? NOTHING : input.subarray(at);
  }

  #dispatch(object: number, opcode: number, body: Reader): void {
    const known = this.#objects.get(object);
    const message: Message | undefined = known?.definition.events[opcode];
    if (known === undefined || message === undefined) {
      throw new Error(`an event that no object takes: ${opcode} of ${object}`);
    }
    if (!known.dead) {
      // Where it is no event of the protocol, the fds are closed with the connection.
      try {
        message.read(body, known.handlers as never);
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        throw new WireError(`${message.name}: ${error.message}`);
      }
      return;
    }
    const fds = message.args.filter(({ type }) => type === 'fd').length;
    for (const fd of this.#fds.splice(0, fds)) close(fd);
  }

  /** Resolves when the daemon has taken every request before it. */
  sync(options?: CallOptions, held?: boolean): Promise<void> {
    const ask = (resolve: () => void): void => {
      const callback = this.create(wl_callback, { done: () => resolve() });
      this.display.request('sync', callback.id);
    };
    return this.answer(ask, options, held);
  }

  #end(error: ConnectionError): void {
    if (this.#over !== null) return;
    this.#over = error;
    shutdown(this.fd);
    this.#watch.close();
    close(this.fd);
    for (const fd of this.#fds.splice(0)) close(fd);
    this.#objects.clear();
    this.#closed.tell(error);
    this.#closed.clear();
    for (const fail of [...this.#waiting]) fail(error);
  }

  /** Ends the connection, when what was asked for is sent; fds that were received stay with whoever has them. */
  close(): void {
    this.#flush();
    this.#end(new ConnectionError('the connection was closed'));
  }
}
