/**
 * One client's connection as the protocol sees it: bytes and fds come in, are cut into messages
 * and dispatched to the objects; events go out as packets (output.ts). It does no I/O itself (connections.ts
 * does), so it can be tested with bytes alone.
 *
 * Owns: the client's object table, fds that were received and not yet claimed by a request (their
 * charge is foreign-fds.ts's), and what waits to be sent.
 */

import type { Client, Owner } from '../../broker/buffer.js';
import type { Allowance } from '../../broker/fair-pool.js';
import type { HeldFds } from '../../broker/held-fds.js';
import { messageOf } from '../../memory/errors.js';
import { MAX_ANSWER_BYTES, MAX_FDS, MAX_OBJECTS_PER_CLIENT } from '../../memory/limits.js';
import { Reader } from '../../protocol/reader.js';
import { wl_display } from '../../protocol/wayland.gen.js';
import {
  HEADER_SIZE,
  type Interface,
  MAX_MESSAGE_SIZE,
  type Message,
  type Values,
  WireError,
} from '../../protocol/wire.js';
import type { Part } from './fair-requests.js';
import type { ForeignFds } from './foreign-fds.js';
import type { Waits } from './order.js';
import { MAX_PACKET_BYTES, Output, type Packet } from './output.js';
import { ProtocolError, type Requests, Resource } from './resource.js';
import { cut, MAX_TEXT } from './text.js';

/** wl_display, which is there from the start. */
const DISPLAY_ID = 1;

/** Client-allocated object ids end here (wl_map's WL_SERVER_ID_START). */
const SERVER_ID_START = 0xff000000;

/** A client that does not read is dropped when more than this waits for it (as compositors do). */
export const MAX_QUEUED_BYTES = 1024 * 1024;

/** Requests of a client that may wait for earlier answers before it is not read for a while. */
export const MAX_WAITING_REQUESTS = 1024;

/** And for a `create_batch` that it has not sent, or for a claim that waits for somebody else: it is to be read for that, so that one more is its end. */
export const MAX_UNASKED_REQUESTS = 1024;

/** What waits is charged in such pieces; the first one is the connection's own, which is charged as such. */
const CHARGED_BYTES = 4096;

const NO_BYTES = Buffer.alloc(0);
const { error: ERROR, delete_id: DELETE_ID } = wl_display.event;

/** There is one: what is read of a message is read before anything is done with it. */
const reader = new Reader();

/** What its user may have on all connections together. */
export interface Allowances {
  readonly objects: Allowance;
  /** Bytes that objects carry. */
  readonly carried: Allowance;
  /** Bytes that wait to be sent. */
  readonly queue: Allowance;
}

export class Connection {
  readonly #objects = new Map<number, Resource>();
  /** What waits to be sent; written to directly within `packet` alone. */
  readonly output = new Output();
  /** The start of a message, until the rest comes; messages, until it is their turn. */
  #input = NO_BYTES;
  /** What came last was shorter than it might have been. */
  #short = false;
  /** There are whole messages that wait for their turn (fair-requests.ts): it is not read, and they are heard by `goOn`. */
  paused = false;
  /** Its socket has not taken all that it was given. */
  stalled = false;
  /** Its peer has hung up: what it had asked for before is heard, and not answered. */
  deaf = false;
  #session: string | null = null;
  #fds: number[] = [];
  /** fds that were unclaimed when the input had been used up once already. */
  #staleFds = 0;
  /** Of the bytes that wait, those that are charged. */
  #charged = 0;
  /** Of what was sent and perhaps not read. */
  readonly #inFlight: (() => void)[] = [];
  /** A packet is being put together. */
  #collecting = false;
  /** Requests that wait for the answer to an earlier one (order.ts). */
  #waitingRequests = 0;
  /** Requests that wait for one which the client is yet to send. */
  #unaskedRequests = 0;
  /** fds that its params objects hold for imports (params.ts); they are limited as a whole. */
  waitingPlanes = 0;
  /** No further input is taken; the connection ends when its packets are sent. */
  closing = false;
  /** Why it ended, for the log; null when the client left by itself. */
  failure: string | null = null;

  /** The client, as who owns what it asks for. */
  readonly owner: Owner;

  constructor(
    readonly client: Client,
    /** What the client has sent; each belongs to whoever takes it from the connection. */
    readonly foreign: ForeignFds,
    private readonly allowed: Allowances,
    /** Called when there is something to send, or the connection is to end. */
    private readonly touched: () => void,
  ) {
    this.owner = { client, peer: client.peer };
  }

  /** What is told of its session: the same each time. */
  session(open: () => string): string {
    this.#session ??= open();
    return this.#session;
  }

  // ---- objects ---------------------------------------------------------------------------------

  /** Adds an object for an id that the client chose. */
  create<I extends Interface>(
    id: number,
    definition: I,
    version: number,
    requests: Requests<I>,
  ): Resource<I> {
    this.checkNew(id);
    if (id !== DISPLAY_ID) this.allowed.objects.take(1);
    const resource = new Resource(this, id, definition, version, requests);
    this.#objects.set(id, resource as unknown as Resource);
    return resource;
  }

  /** A violation where there may be no object of this id, or no object more. */
  checkNew(id: number): void {
    const { invalid_object, no_memory } = wl_display.enums.error;
    if (id === 0 || id >= SERVER_ID_START || this.#objects.has(id)) {
      throw new ProtocolError(1, invalid_object, `invalid new id ${id}`);
    }
    if (this.#objects.size >= MAX_OBJECTS_PER_CLIENT) {
      throw new ProtocolError(1, no_memory, `more than ${MAX_OBJECTS_PER_CLIENT} objects`);
    }
    // The display goes with the connection, whose number is limited.
    if (id !== DISPLAY_ID && !this.allowed.objects.has(1)) {
      throw new ProtocolError(1, no_memory, 'the user has too many objects');
    }
  }

  /** The object that a request names; a violation where there is none of that interface. */
  find<I extends Interface>(id: number, definition: I): Resource<I> {
    const found = this.#objects.get(id);
    if (found?.definition.name !== definition.name) {
      const { invalid_object } = wl_display.enums.error;
      throw new ProtocolError(1, invalid_object, `object ${id} is no ${definition.name}`);
    }
    return found as unknown as Resource<I>;
  }

  /** For `Resource.carry`. */
  carry(bytes: number): void {
    if (this.allowed.carried.take(bytes)) return;
    const { no_memory } = wl_display.enums.error;
    throw new ProtocolError(1, no_memory, "the user's objects carry too much");
  }

  /** Removes an object and tells the client that its id is free again. */
  destroy(resource: { readonly id: number }): void {
    const known = this.#objects.get(resource.id);
    if (known === undefined || known.id === DISPLAY_ID) return;
    this.#objects.delete(known.id);
    this.allowed.objects.give(1);
    this.allowed.carried.give(known.carried);
    known.alive = false;
    known.requests.gone?.();
    this.free(known.id);
  }

  /** Tells the client that it may use an id again. */
  free(id: number): void {
    this.write(DELETE_ID, DISPLAY_ID, id);
  }

  /** Requests more, or fewer, wait. */
  readonly waits: Waits = {
    answer: (more) => {
      const behind = this.behind;
      this.#waitingRequests += more;
      if (behind !== this.behind) this.touched();
    },
    request: (more) => {
      if (this.#unaskedRequests + more > MAX_UNASKED_REQUESTS) {
        const { no_memory } = wl_display.enums.error;
        const text = `more than ${MAX_UNASKED_REQUESTS} requests wait for a create_batch that was not sent, or for a claim`;
        throw new ProtocolError(DISPLAY_ID, no_memory, text);
      }
      this.#unaskedRequests += more;
    },
  };

  /** So many wait for answers that it is not to be read for now. */
  get behind(): boolean {
    return this.#waitingRequests >= MAX_WAITING_REQUESTS;
  }

  // ---- input -----------------------------------------------------------------------------------

  /**
   * Takes what was received between `at` and `end`, fds included, and dispatches every complete message.
   * `lost`: more fds came than the daemon had descriptors left for. `part` says of each message whether it is heard now.
   */
  receive(
    bytes: Buffer,
    at: number,
    end: number,
    fds: readonly number[],
    lost: boolean,
    part: Part,
  ): void {
    const fit = fds.length === 0 || this.#arrived(fds);
    if (this.closing) return;
    try {
      if (fds.length > 0 || lost) this.#checkFds(fds, fit, lost);
      // A full buffer may be cut from a longer flush, whose fds came with its first byte.
      this.#short = end - at < MAX_MESSAGE_SIZE;
      if (this.#input.length === 0) this.#dispatchAll(bytes, at, end, part);
      else {
        const whole = Buffer.concat([this.#input, bytes.subarray(at, end)]);
        this.#dispatchAll(whole, 0, whole.length, part);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Goes on with messages that wait for their turn. */
  goOn(part: Part): void {
    if (this.closing) return;
    try {
      this.#dispatchAll(this.#input, 0, this.#input.length, part);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Returns false where its user has more than its part now. */
  #arrived(fds: readonly number[]): boolean {
    this.#fds.push(...fds);
    return fds.map((fd) => this.foreign.arrived(fd)).every(Boolean);
  }

  /**
   * What has come cannot be sent back, and a stream of which fds are missing cannot be gone on with: all
   * of this ends the connection. It is the user's own, whose other connections are not touched.
   */
  #checkFds(fds: readonly number[], fit: boolean, lost: boolean): void {
    const { no_memory } = wl_display.enums.error;
    if (fds.some((fd) => this.foreign.kindOf(fd) === 'socket')) {
      // Held here, the other end of a connection would never see that its process has gone.
      throw new WireError('a socket: no request takes one');
    }
    if (this.#fds.length > MAX_FDS) throw new WireError(`more than ${MAX_FDS} file descriptors`);
    if (lost) {
      const text = 'the daemon is out of file descriptors, and some that you have sent are lost';
      throw new ProtocolError(DISPLAY_ID, no_memory, text);
    }
    if (!fit) {
      const text = 'the user has too many file descriptors with the daemon';
      throw new ProtocolError(DISPLAY_ID, no_memory, text);
    }
  }

  #dispatchAll(bytes: Buffer, at: number, end: number, part: Part): void {
    let from = at;
    let paused = false;
    while (!this.closing && reader.header(bytes, from, end)) {
      paused = (this.full && !this.deaf) || !part.goesOn();
      if (paused) break;
      const { object, opcode, size } = reader;
      this.#dispatch(
        object,
        opcode,
        reader.begin(bytes, from + HEADER_SIZE, from + size, this.#fds),
      );
      from += size;
    }
    // A copy: what was received is overwritten by the next step.
    this.#input = from === end ? NO_BYTES : Buffer.from(bytes.subarray(from, end));
    if (paused !== this.paused) this.touched();
    this.paused = paused;
    if (!paused && this.#short) this.#checkSurplus();
  }

  #dispatch(object: number, opcode: number, body: Reader): void {
    const { invalid_object, invalid_method } = wl_display.enums.error;
    const resource = this.#objects.get(object);
    if (resource === undefined) {
      throw new ProtocolError(1, invalid_object, `invalid object ${object}`);
    }
    const { name, requests } = resource.definition;
    const message = requests[opcode];
    if (message === undefined || message.since > resource.version) {
      throw new ProtocolError(1, invalid_method, `invalid method ${opcode} of ${name}@${object}`);
    }
    try {
      message.read(body, resource.requests as never);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      const text = `${name}@${object}.${message.name}: ${error.message}`;
      throw new ProtocolError(1, invalid_method, text);
    }
    if (message.destructor) this.destroy(resource);
  }

  /**
   * libwayland may send fds a little ahead of the request that they belong to, never more than one
   * flush. What is still unclaimed after the next one is not the protocol's.
   */
  #checkSurplus(): void {
    if (this.#input.length > 0 || (this.#fds.length === 0 && this.#staleFds === 0)) return;
    if (this.#staleFds > 0 && this.#fds.length >= this.#staleFds) {
      throw new WireError('file descriptors that no request takes');
    }
    this.#staleFds = this.#fds.length;
  }

  /** Answers a violation with wl_display.error; anything else is the daemon's own failure. */
  #fail(error: unknown): void {
    const { invalid_method, implementation } = wl_display.enums.error;
    const violation = error instanceof ProtocolError || error instanceof WireError;
    const object = error instanceof ProtocolError ? error.object : 1;
    const code = error instanceof ProtocolError ? error.code : invalid_method;
    const text = messageOf(error);
    this.failure = violation ? text : error instanceof Error ? (error.stack ?? text) : text;
    if (violation) this.write(ERROR, DISPLAY_ID, object, code, cut(text, MAX_TEXT.error));
    else this.write(ERROR, DISPLAY_ID, 1, implementation, 'the daemon failed on this request');
    this.#end();
  }

  #end(): void {
    this.closing = true;
    this.paused = false;
    this.touched();
  }

  /** Tells a client that it may not be here, and ends the connection. */
  refuse(reason: string): void {
    const { implementation } = wl_display.enums.error;
    this.failure = reason;
    this.write(ERROR, DISPLAY_ID, 1, implementation, cut(reason, MAX_TEXT.error));
    this.#end();
  }

  /** Ends the connection because of `reason`, after what is queued has been sent. */
  drop(reason: string): void {
    this.failure ??= reason;
    this.#end();
  }

  // ---- output ----------------------------------------------------------------------------------

  /** Appends an event to what goes out next. Nothing follows an error. */
  write<M extends Message>(message: M, object: number, ...values: Values<M>): void {
    if (this.closing || this.deaf) return;
    const write = message.write as (...message: unknown[]) => void;
    write(this.output, object, ...values);
    if (this.#collecting) return;
    this.output.pack();
    this.#queued();
  }

  /**
   * Runs `events` and sends what they write in one message, together with the fds of `held`. `received` is
   * called once: when the peer has the message, or never will. Returns the message; null where nothing is sent
   * any more.
   */
  packet(held: HeldFds | null, events: () => void, received?: () => void): Packet | null {
    if (this.closing || this.deaf) {
      received?.();
      return null;
    }
    this.#collecting = true;
    try {
      events();
    } finally {
      this.#collecting = false;
    }
    const packet = this.output.pack(held);
    if (received !== undefined) {
      const before = packet.received;
      packet.received = () => {
        before?.();
        received();
      };
    }
    this.#queued();
    return packet;
  }

  /** Something more waits to be sent. */
  #queued(): void {
    this.touched();
    if (this.output.length <= this.#charged + CHARGED_BYTES) return;
    const most = this.#charge() ? MAX_QUEUED_BYTES : MAX_PACKET_BYTES;
    // What was written in this turn it could not read yet.
    if (this.stalled && this.queuedBytes > most) this.drop('it does not read what it is sent');
  }

  /** Has its user charged for what waits. Returns false where that is more than its part, and charged all the same. */
  #charge(): boolean {
    const { queue } = this.allowed;
    const pieces = Math.ceil(this.output.length / CHARGED_BYTES) - 1;
    const more = Math.max(0, pieces) * CHARGED_BYTES - this.#charged;
    this.#charged += more;
    if (more <= 0) queue.give(-more);
    else if (!queue.take(more)) {
      queue.overdraw(more);
      return false;
    }
    return true;
  }

  /** So much waits to be sent that no request is heard before. */
  get full(): boolean {
    return this.queuedBytes > MAX_ANSWER_BYTES;
  }

  /**
   * Whether what waits is not to be sent yet: what was asked at once is answered at once, so that it makes no difference
   * how long its requests have waited for their turns (a buffer whose answer was not sent has no reader, say).
   */
  get withheld(): boolean {
    return this.paused && !this.full;
  }

  /** Whether nothing of a packet has been sent yet: its fds go with its first byte. */
  isUnsent(packet: Packet): boolean {
    return packet.held !== null;
  }

  /** Bytes that wait to be sent. */
  get queuedBytes(): number {
    return this.output.length;
  }

  /** `count` bytes of the next packet were sent, and its fds with the first of them. */
  sent(count: number): void {
    const [packet] = this.output.packets;
    if (packet === undefined) return;
    this.output.sent(count);
    if (this.#charged > 0) this.#charge();
    if (packet.received === null) return;
    this.#inFlight.push(packet.received);
    packet.received = null;
  }

  /** Whether it matters when the peer has read what it was sent, or is sent now. */
  get awaitsReceipt(): boolean {
    return (
      this.#inFlight.length > 0 || this.output.packets.some(({ received }) => received !== null)
    );
  }

  /** The peer has read all that was sent. */
  received(): void {
    for (const received of this.#inFlight.splice(0)) received();
  }

  /** The client is gone: every object ends, nothing more is sent, fds are closed. */
  close(): void {
    this.closing = true;
    for (const resource of this.#objects.values()) {
      resource.alive = false;
      resource.requests.gone?.();
      this.allowed.carried.give(resource.carried);
      if (resource.id !== DISPLAY_ID) this.allowed.objects.give(1);
    }
    this.#objects.clear();
    for (const fd of this.#fds.splice(0)) this.foreign.close(fd);
    this.output.close();
    this.received();
    this.allowed.queue.give(this.#charged);
    this.#charged = 0;
  }
}
