/** A connection to the broker: allocate buffers, redeem tokens. */

import { dmabroker_manager_v1 } from '../protocol/dmabroker-v1.gen.js';
import { CLIENT_SOCKET, clientSocket } from '../protocol/paths.js';
import { adoptInto, type Remembered } from './adopt.js';
import { onceBack } from './away.js';
import { allocateBatch } from './batch.js';
import { BrokerError } from './broker-error.js';
import type { ClientBuffer } from './buffer.js';
import {
  type AllocateOptions,
  type CallOptions,
  checkAllocateOptions,
  checkOptions,
} from './call-options.js';
import { type Check, record, signal, text, whole } from './check.js';
import { Connection } from './connection.js';
import { handleTypeBits } from './enums.js';
import { type ClientEvent, eventsOf } from './events.js';
import { BufferKeeper } from './keeper.js';
import { type ClaimTerms, checkClaim, checkClaimed } from './lasting.js';
import { Listeners } from './listeners.js';
import { type BrokerDescription, type ClientDevice, type Line, openLine } from './manager.js';
import { brought, type Params, wanted } from './params.js';
import { type Planned, testRequest } from './planned.js';
import { checkReconnect, type ReconnectOptions, reconnectTerms } from './reconnect.js';
import {
  type AdoptedBuffer,
  checkAdopt,
  checkImport,
  checkRequest,
  type ImageRequest,
  type ImportedMemory,
  type LinearRequest,
} from './requests.js';
import { checkRedeem, type RedeemTerms } from './terms.js';
import { ConnectionError } from './wire-client.js';

export interface ConnectOptions extends CallOptions {
  /**
   * The daemon's client socket; by default `DMABROKER_SOCKET`, else the user's own daemon's in
   * `XDG_RUNTIME_DIR` where there is one, else the system's.
   */
  readonly socket?: string;
  /**
   * Whether, and for how long, the daemon is connected to again when its end has gone: it is by default, and
   * the client's buffers are adopted. With `false` the connection is over then.
   */
  readonly reconnect?: boolean | ReconnectOptions;
}

/** sun_path with its NUL (unix(7)). */
const MAX_PATH_BYTES = 107;
const checkConnect: Check = record<ConnectOptions>({
  socket: text(1, MAX_PATH_BYTES),
  reconnect: checkReconnect,
  signal,
});
/** Far longer than any token is; a message of the wire has 4,096 bytes. */
const checkToken: Check = text(1, 1024);
/** Where a daemon has not said how many it makes at once: far fewer than a connection's objects would allow. */
const MAX_UNTOLD = 1024n;

/** Connects and waits until the daemon has described itself. */
export async function connect(options: ConnectOptions = {}): Promise<Client> {
  checkConnect(options, 'options');
  options.signal?.throwIfAborted();
  const socket = options.socket ?? clientSocket(CLIENT_SOCKET);
  const line = await openLine(
    socket,
    options.signal === undefined ? {} : { signal: options.signal },
  );
  return new Client(new Connection(line, socket, reconnectTerms(options.reconnect)));
}

/** Describes what is wanted; what is returned sends the request that an object answers. */
type Ask = (line: Line) => (id: number) => void;

export class Client {
  readonly #events = new Listeners<[ClientEvent]>();
  readonly #connection: Connection;
  #unref: (() => void) | null = null;

  /** Made by `connect`. */
  constructor(connection: Connection) {
    this.#connection = connection;
    connection.lost.add((error) =>
      this.#events.tell({ type: 'connection_lost', buffer: null, error }),
    );
    connection.restored.add(() => this.#events.tell({ type: 'connection_restored', buffer: null }));
  }

  /** What the daemon said about itself when the connection was made last. */
  get description(): BrokerDescription {
    return this.#connection.latest.description;
  }

  /**
   * What proves later that a client is this one's successor: for `adopt`, after this process has ended. A
   * secret, and another one after each `connection_restored`.
   */
  get session(): string {
    return this.description.session;
  }

  /** The machine's Vulkan devices, the main one first; a request may name one. */
  get devices(): readonly ClientDevice[] {
    return this.description.devices;
  }

  /**
   * Allocates. Rejects with BrokerError (refused) or ConnectionError, and with TypeError or RangeError for
   * what is no request, before anything is sent.
   */
  async allocate(
    request: LinearRequest | ImageRequest,
    options: AllocateOptions = {},
  ): Promise<ClientBuffer> {
    checkRequest(request);
    this.#check(options, checkAllocateOptions);
    const ask: Ask = (line) => use(wanted(line, request), 'create');
    return this.#receive(ask, options, { end: 'release', remembered: request });
  }

  /**
   * Allocates several equal buffers in one request, for a swapchain, a codec or a ring: all of them, or none.
   * `description.limits.batch` is how many there may be (RangeError). Rejects as `allocate` does.
   */
  async allocateMany(
    request: LinearRequest | ImageRequest,
    count: number,
    options: AllocateOptions = {},
  ): Promise<ClientBuffer[]> {
    checkRequest(request);
    if (request.memory !== undefined) throw new TypeError('memory is of one buffer: allocate');
    whole(1, Number(this.description.limits.batch ?? MAX_UNTOLD))(count, 'count');
    this.#check(options, checkAllocateOptions);
    return this.#connection.call((line) => {
      const objects = Array.from({ length: count }, () =>
        new BufferKeeper(this.#connection, this.#events, request).object(line),
      );
      return allocateBatch(line, objects, request, options);
    }, options);
  }

  #check(options: CallOptions, check = checkOptions): void {
    check(options, 'options');
    options.signal?.throwIfAborted();
  }

  /** A dry run: what `allocate` would give. Rejects as it would; nothing is allocated. */
  async test(request: LinearRequest | ImageRequest, options: CallOptions = {}): Promise<Planned> {
    checkRequest(request);
    this.#check(options);
    return this.#connection.call((line) => {
      const ask = use(wanted(line, request), 'test');
      return testRequest(line.wire, request.kind, ask, options);
    }, options);
  }

  /**
   * Registers dma_bufs that were made elsewhere: from then on they can be shared like any buffer.
   * Rejects with BrokerError, whose refusal names the plane.
   */
  async import(memory: ImportedMemory, options: CallOptions = {}): Promise<ClientBuffer> {
    checkImport(memory);
    this.#check(options);
    const ask: Ask = (line) => use(brought(line, memory), 'import');
    return this.#receive(ask, options, { end: 'release', remembered: memory });
  }

  /**
   * Takes up a buffer that an earlier process of this user had, whose `client.session` it was and which is
   * not connected any more: one that was parked, or that did not end with its connection. Its daemon may have been
   * started anew: where that knows nothing of it, `memory` is imported, under another id. Rejects with
   * BrokerError.
   */
  async adopt(what: AdoptedBuffer, options: CallOptions = {}): Promise<ClientBuffer> {
    checkAdopt(what);
    this.#check(options);
    const { id, session, memory = null } = what;
    const keeper = new BufferKeeper(this.#connection, this.#events, memory ?? {});
    return this.#connection.call((line, before) => {
      // The connection before may have had it already.
      const sessions = [...(before === null ? [] : [before.description.session]), session];
      return adoptInto(() => keeper.object(line), { id, sessions, memory }, options);
    }, options);
  }

  /**
   * Gets a buffer that somebody shared, as `handleTypes` where it is memory of several; where the daemon was
   * restarted and nobody has brought its memory yet, when somebody has. Rejects with BrokerError (`invalid_token`,
   * `unsupported_handle_type`), and with ConnectionError where the token may have been used up by a connection that
   * ended before the buffer had come.
   */
  async redeem(token: string, terms: RedeemTerms & CallOptions = {}): Promise<ClientBuffer> {
    checkToken(token, 'token');
    checkRedeem(terms, 'options');
    terms.signal?.throwIfAborted();
    const { handleTypes } = terms;
    const types = handleTypes && handleTypeBits(handleTypes);
    const ask: Ask = (line) => (id) =>
      types === undefined
        ? line.manager.request('redeem', id, token)
        : line.manager.request('redeem_as', id, token, types);
    const refused = (error: unknown): void => {
      if (!(error instanceof BrokerError) || error.code !== 'invalid_token') return;
      const message = `the connection ended while the token was redeemed, and now: ${error.message}`;
      throw new ConnectionError(message);
    };
    const how = { end: 'destroy', remembered: {}, refused } as const;
    return onceBack(() => this.#receive(ask, terms, how), terms.signal);
  }

  /**
   * Gets a buffer by its lasting name, `name`, or `name@uid` of another user: now, or when there is one within
   * `wait` milliseconds. Rejects with BrokerError: `not_found`, `busy` (with the constraint `writer`: another one writes,
   * or `committed`: nothing was) or `permission_denied`.
   */
  async claim(name: string, terms: ClaimTerms & CallOptions = {}): Promise<ClientBuffer> {
    checkClaimed(name, 'name');
    checkClaim(terms, 'terms');
    terms.signal?.throwIfAborted();
    const { writer = false, committed = false, wait = 0 } = terms;
    const { claim } = dmabroker_manager_v1.enums;
    const how = (writer ? claim.writer : 0) | (committed ? claim.committed : 0);
    const until = performance.now() + wait;
    const left = () => (wait === 0 ? 0 : Math.max(0, Math.ceil(until - performance.now())));
    const ask: Ask = (line) => (id) => line.manager.request('claim', id, name, left(), how);
    return this.#receive(ask, terms, { end: 'destroy', remembered: {} });
  }

  /**
   * Creates a buffer object, sends the request that it answers, and waits for done or failed. `refused` may throw
   * something else where it was asked for before.
   */
  #receive(
    ask: Ask,
    options: AllocateOptions,
    how: {
      readonly end: 'destroy' | 'release';
      readonly remembered: Remembered;
      readonly refused?: (error: unknown) => void;
    },
  ): Promise<ClientBuffer> {
    const keeper = new BufferKeeper(this.#connection, this.#events, how.remembered);
    return this.#connection.call((line, before) => {
      const send = ask(line);
      const object = keeper.object(line);
      const received = object.receive(() => send(object.id), options, how.end);
      if (before === null || how.refused === undefined) return received;
      const { refused } = how;
      return received.catch((error: unknown) => {
        refused(error);
        throw error;
      });
    }, options);
  }

  /** Resolves when the daemon has taken every request before it. */
  async sync(options: CallOptions = {}): Promise<void> {
    this.#check(options);
    return this.#connection.call(({ wire }) => wire.sync(options), options);
  }

  /**
   * What happens to the client's buffers and its connection, from now on; it keeps the process alive while it
   * is iterated. Ends with `close`, or throws ConnectionError where the connection is over otherwise.
   */
  events(options: CallOptions = {}): AsyncGenerator<ClientEvent, void, undefined> {
    checkOptions(options, 'options');
    return eventsOf(this.#connection, this.#events, options);
  }

  /**
   * Has the connection keep the process alive, as a socket of Node does: for who waits for `onRecalled` and
   * the like alone. Else only what is awaited does.
   */
  ref(): this {
    this.#unref ??= this.#connection.hold();
    return this;
  }

  /** The opposite, which is the beginning. */
  unref(): this {
    this.#unref?.();
    this.#unref = null;
    return this;
  }

  /**
   * Calls back when the daemon's end of the connection has gone, and it is connected to again: calls wait
   * meanwhile. Returns what takes the listener off.
   */
  onDisconnected(listener: (error: ConnectionError) => void): () => void {
    return this.#connection.lost.add(listener);
  }

  /** Calls back when there is a connection again, and each buffer has heard what has become of it. */
  onReconnected(listener: () => void): () => void {
    return this.#connection.restored.add(listener);
  }

  /**
   * Called once when the connection is over, and not made again; returns what takes the listener off.
   */
  onClosed(listener: (error: ConnectionError) => void): () => void {
    return this.#connection.onClosed(listener);
  }

  /** Disconnects: buffers bound to the connection are released, fds received stay good. */
  close(): void {
    this.#connection.close();
  }
}

/** The parameters are used up. */
function use(params: Params, request: 'create' | 'test' | 'import'): (id: number) => void {
  return (id) => {
    params.request(request, id);
    params.request('destroy');
  };
}
