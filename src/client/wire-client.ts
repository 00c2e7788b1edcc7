/**
 * The client's side of the Wayland wire protocol: objects, requests out, events in.
 *
 * Owns: the socket, and received fds until an event's handler takes them.
 */
import { messageOf } from '../memory/errors.js';
import { close } from '../native/libc/fd.js';
import { connectUnix, receive, send, shutdown } from '../native/libc/socket.js';
import { type Watch, watch } from '../native/libc/watch.js';
import { wl_callback, wl_display } from '../protocol/wayland.gen.js';
import {
  decode,
  decodeHeader,
  type Encoded,
  encode,
  type Handlers,
  HEADER_SIZE,
  type Interface,
  type Message,
  type MessageOf,
  type Values,
} from '../protocol/wire.js';
import type { CallOptions } from './call-options.js';
import { Listeners } from './listeners.js';

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
    const message = this.definition.requests.find((request) => request.name === name) as Message;
    if (message.destructor) this.dead = true;
    this.wire.send(encode(message, this.id, values as Values<Message>));
  }
}

const RETRY_MS = 1;
const DISPLAY_ID = 1;

export class WireClient {
  readonly #objects = new Map<number, ProtocolObject>();
  readonly #freeIds: number[] = [];
  readonly #watch: Watch;
  readonly #closed = new Listeners<[ConnectionError]>();
  readonly display: ProtocolObject<typeof wl_display>;
  #nextId = 2;
  #input: Buffer = Buffer.alloc(0);
  #fds: number[] = [];
  #output: Encoded[] = [];
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
        this.#objects.delete(id);
        this.#freeIds.push(id);
      },
    });
  }

  /**
   * Throws SystemError (ENOENT, ECONNREFUSED, EACCES) where nobody can be reached at the path, and with
   * `wait: false` (EAGAIN) where too many wait there already.
   */
  static connect(path: string, how: { readonly wait?: boolean } = {}): WireClient {
    return new WireClient(connectUnix(path, how));
  }

  /** Whether requests can still be sent. */
  get isOpen(): boolean {
    return this.#over === null;
  }

  /** Called once when the connection is over; returns what takes the listener off. */
  onClosed(listener: (error: ConnectionError) => void): () => void {
    return this.#closed.addOnce(listener, this.#over === null ? null : [this.#over]);
  }

  /** Keeps the process alive; returns what lets it end again. */
  hold(): () => void {
    if (this.#holds++ === 0) this.#watch.ref();
    let held = true;
    return () => {
      if (held && --this.#holds === 0 && this.#over === null) this.#watch.unref();
      held = false;
    };
  }

  /**
   * Waits for events: rejects when the connection ends first or the signal is aborted, and keeps the
   * process alive, if it is `held`.
   */
  async answer<T>(
    start: (resolve: (value: T) => void, reject: (error: Error) => void) => void,
    { signal }: CallOptions = {},
    held = true,
  ): Promise<T> {
    if (this.#over !== null) throw this.#over;
    signal?.throwIfAborted();
    const ends = held ? [this.hold()] : [];
    try {
      return await new Promise<T>((resolve, reject) => {
        ends.push(this.onClosed(reject));
        const aborted = () => reject(signal?.reason);
        signal?.addEventListener('abort', aborted, { once: true });
        ends.push(() => signal?.removeEventListener('abort', aborted));
        start(resolve, reject);
      });
    } finally {
      for (const end of ends) end();
    }
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

  /** Queues an encoded request. Its fds stay the caller's, and open until it has been sent. */
  send(request: Encoded): void {
    if (this.#over !== null) throw this.#over;
    this.#output.push(request);
    if (this.#output.length === 1) this.#flush();
  }

  #flush = (): void => {
    try {
      while (this.#over === null) {
        const [request] = this.#output;
        if (request === undefined) return;
        const { bytes, fds } = request;
        const sent = send(this.fd, bytes, fds);
        if (sent === null) {
          setTimeout(this.#flush, RETRY_MS);
          return;
        }
        // The fds went with the first byte.
        if (sent < bytes.length) this.#output[0] = { bytes: bytes.subarray(sent), fds: [] };
        else this.#output.shift();
      }
    } catch (error) {
      // The daemon may have said why before it hung up.
      this.#readable();
      // It has not: the request itself cannot be sent, with a closed fd for one.
      if (this.#over === null) this.#end(new ConnectionError(messageOf(error)));
    }
  };

  #readable(): void {
    while (this.#over === null) {
      try {
        const received = this.#receive();
        if (received === null) return;
        this.#fds.push(...received.fds);
        if (received.lost) throw new Error('file descriptors were lost on the way');
        this.#input = Buffer.concat([this.#input, received.bytes]);
        this.#dispatchAll();
      } catch (error) {
        this.#end(error instanceof HangUp ? error : new ConnectionError(messageOf(error)));
      }
    }
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
    let at = 0;
    while (this.#over === null && this.#input.length - at >= HEADER_SIZE) {
      const { object, opcode, size } = decodeHeader(this.#input, at);
      if (this.#input.length - at < size) break;
      this.#dispatch(object, opcode, this.#input.subarray(at + HEADER_SIZE, at + size));
      at += size;
    }
    this.#input = this.#input.subarray(at);
  }

  #dispatch(object: number, opcode: number, body: Buffer): void {
    const known = this.#objects.get(object);
    const message: Message | undefined = known?.definition.events[opcode];
    if (known === undefined || message === undefined) {
      throw new Error(`an event that no object takes: ${opcode} of ${object}`);
    }
    // Where this throws, the fds are closed with the connection.
    const values = decode(message, body, this.#fds) as unknown[];
    const handlers = known.handlers as Record<string, (...values: unknown[]) => void>;
    if (!known.dead) handlers[message.name]?.(...values);
    else
      for (const fd of values.filter((_, i) => message.args[i]?.type === 'fd')) close(fd as number);
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
  }

  /** Ends the connection; fds that were received stay with whoever has them. */
  close(): void {
    this.#end(new ConnectionError('the connection was closed'));
  }
}
