/**
 * One client's connection as the protocol sees it: bytes and fds come in, are cut into messages
 * and dispatched to the objects; events go out as packets. It does no I/O itself (connections.ts does),
 * so it can be tested with bytes alone.
 *
 * Owns: the client's object table, fds that were received and not yet claimed by a request (their
 * charge is foreign-fds.ts's), and the packets that wait to be sent (with a reference to their fds).
 */

import type { Client } from '../../broker/buffer.js';
import type { Allowance } from '../../broker/fair-pool.js';
import type { HeldFds } from '../../broker/held-fds.js';
import { messageOf } from '../../memory/errors.js';
import { MAX_FDS, MAX_OBJECTS_PER_CLIENT } from '../../memory/limits.js';
import { wl_display } from '../../protocol/wayland.gen.js';
import {
  decode,
  decodeHeader,
  type Handlers,
  HEADER_SIZE,
  type Interface,
  MAX_MESSAGE_SIZE,
  WireError,
} from '../../protocol/wire.js';
import type { ForeignFds } from './foreign-fds.js';
import { ProtocolError, Resource } from './resource.js';
import { cut, MAX_TEXT } from './text.js';

/** Bytes for one sendmsg; fds go with the first byte, all of one buffer's together. */
export interface Packet {
  bytes: Buffer;
  held: HeldFds | null;
  /** To be told when the peer has received it. */
  received?: () => void;
  /** Where it is to be noted, at once, that all of it has been sent (step.ts); 0: nowhere. */
  told?: () => number;
}

/** wl_display, which is there from the start. */
const DISPLAY_ID = 1;

/** Client-allocated object ids end here (wl_map's WL_SERVER_ID_START). */
const SERVER_ID_START = 0xff000000;

/** A client that does not read is dropped when more than this waits for it (as compositors do). */
export const MAX_QUEUED_BYTES = 1024 * 1024;

/** Requests of a client that may wait for earlier answers before it is not read for a while. */
export const MAX_WAITING_REQUESTS = 1024;

/** Events travel together up to this; far below what one step takes (shim/dmabroker.c's OUT_BYTES). */
export const MAX_PACKET_BYTES = 32 * 1024;

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
  readonly #packets: Packet[] = [];
  #input: Buffer = Buffer.alloc(0);
  #session: string | null = null;
  #fds: number[] = [];
  /** fds that were unclaimed when the input had been used up once already. */
  #staleFds = 0;
  #queuedBytes = 0;
  /** Of what was sent and perhaps not read. */
  readonly #inFlight: (() => void)[] = [];
  /** The messages of the packet that is being put together, if one is. */
  #collected: Buffer[] | null = null;
  /** Requests that wait for the answer to an earlier one (order.ts). */
  #waitingRequests = 0;
  /** fds that its params objects hold for imports (params.ts); they are limited as a whole. */
  waitingPlanes = 0;
  /** No further input is taken; the connection ends when its packets are sent. */
  closing = false;
  /** The step has the first packet: it must not change until it is known what was sent of it. */
  sending = false;
  /** Why it ended, for the log; null when the client left by itself. */
  failure: string | null = null;

  constructor(
    readonly client: Client,
    /** What the client has sent; each belongs to whoever takes it from the connection. */
    readonly foreign: ForeignFds,
    private readonly allowed: Allowances,
    /** Called when there is something to send, or the connection is to end. */
    private readonly touched: () => void,
  ) {}

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
    requests: Handlers<I, 'requests'>,
    onDestroy: () => void = () => {},
  ): Resource<I> {
    const { invalid_object, no_memory } = wl_display.enums.error;
    if (id === 0 || id >= SERVER_ID_START || this.#objects.has(id)) {
      throw new ProtocolError(1, invalid_object, `invalid new id ${id}`);
    }
    if (this.#objects.size >= MAX_OBJECTS_PER_CLIENT) {
      throw new ProtocolError(1, no_memory, `more than ${MAX_OBJECTS_PER_CLIENT} objects`);
    }
    // The display goes with the connection, whose number is limited.
    if (id !== DISPLAY_ID && !this.allowed.objects.take(1)) {
      throw new ProtocolError(1, no_memory, 'the user has too many objects');
    }
    const resource = new Resource(this, id, definition, version, requests, onDestroy);
    this.#objects.set(id, resource as unknown as Resource);
    return resource;
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
    known.onDestroy();
    this.display?.event('delete_id', known.id);
  }

  get display(): Resource<typeof wl_display> | undefined {
    return this.#objects.get(DISPLAY_ID) as Resource<typeof wl_display> | undefined;
  }

  /** Requests more, or fewer, wait for the answers to earlier ones. */
  readonly waits = (more: number): void => {
    const behind = this.behind;
    this.#waitingRequests += more;
    if (behind !== this.behind) this.touched();
  };

  /** So many wait that it is not to be read for now. */
  get behind(): boolean {
    return this.#waitingRequests >= MAX_WAITING_REQUESTS;
  }

  // ---- input -----------------------------------------------------------------------------------

  /**
   * Takes what was received, fds included, and dispatches every complete message. `lost`: more fds came
   * than the daemon had descriptors left for.
   */
  receive(bytes: Buffer, fds: readonly number[], lost: boolean): void {
    this.#fds.push(...fds);
    const fit = fds.map((fd) => this.foreign.arrived(fd)).every(Boolean);
    if (this.closing) return;
    try {
      this.#checkFds(fds, fit, lost);
      this.#input = this.#input.length === 0 ? bytes : Buffer.concat([this.#input, bytes]);
      this.#dispatchAll();
      // A full buffer may be cut from a longer flush, whose fds came with its first byte.
      if (bytes.length < MAX_MESSAGE_SIZE) this.#checkSurplus();
    } catch (error) {
      this.#fail(error);
    }
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

  #dispatchAll(): void {
    let at = 0;
    const { length } = this.#input;
    while (!this.closing && length - at >= HEADER_SIZE) {
      const { object, opcode, size } = decodeHeader(this.#input, at);
      if (length - at < size) break;
      this.#dispatch(object, opcode, this.#input.subarray(at + HEADER_SIZE, at + size));
      at += size;
    }
    // A copy: what was received is a view that the next step overwrites.
    this.#input = Buffer.from(this.#input.subarray(at));
  }

  #dispatch(object: number, opcode: number, body: Buffer): void {
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
    let values: unknown[];
    try {
      values = decode(message, body, this.#fds) as unknown[];
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      throw new ProtocolError(1, invalid_method, `${name}@${object}.${error.message}`);
    }
    const handlers = resource.requests as Record<string, (...values: unknown[]) => void>;
    handlers[message.name]?.(...values);
    if (message.destructor) this.destroy(resource);
  }

  /**
   * libwayland may send fds a little ahead of the request that they belong to, never more than one
   * flush. What is still unclaimed after the next one is not the protocol's.
   */
  #checkSurplus(): void {
    if (this.#input.length > 0) return;
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
    if (violation) this.display?.event('error', object, code, cut(text, MAX_TEXT.error));
    else this.display?.event('error', 1, implementation, 'the daemon failed on this request');
    this.#end();
  }

  #end(): void {
    this.closing = true;
    this.touched();
  }

  /** Tells a client that it may not be here, and ends the connection. */
  refuse(reason: string): void {
    const { implementation } = wl_display.enums.error;
    this.failure = reason;
    this.display?.event('error', 1, implementation, cut(reason, MAX_TEXT.error));
    this.#end();
  }

  /** Ends the connection because of `reason`, after what is queued has been sent. */
  drop(reason: string): void {
    this.failure ??= reason;
    this.#end();
  }

  // ---- output ----------------------------------------------------------------------------------

  /** Appends a message to what goes out next. Nothing follows an error. */
  write(bytes: Buffer): void {
    if (this.closing) return;
    this.#queuedBytes += bytes.length;
    const fits = this.allowed.queue.take(bytes.length);
    if (!fits) this.allowed.queue.overdraw(bytes.length);
    this.touched();
    if (this.#collected !== null) this.#collected.push(bytes);
    else {
      const last = this.#open(bytes.length, MAX_PACKET_BYTES);
      if (last === undefined) this.#packets.push({ bytes, held: null });
      else last.bytes = Buffer.concat([last.bytes, bytes]);
    }
    const most = fits ? MAX_QUEUED_BYTES : MAX_PACKET_BYTES;
    if (this.#queuedBytes > most) this.drop('it does not read what it is sent');
  }

  /** The last packet, if it may grow by `more` bytes to at most `max`; one with fds, or that had some, never does. */
  #open(more: number, max: number): Packet | undefined {
    const last = this.#packets.at(-1);
    if (last === undefined || last.held !== null || last.told || last.bytes.length + more > max)
      return undefined;
    return this.sending && this.#packets.length === 1 ? undefined : last;
  }

  /**
   * Runs `events` and sends what they write in one message, together with the fds of `held`. What
   * waits before them goes along, so that the fds need not wait until the peer has read it, if all
   * of it fits in what libwayland reads at once. `received` is called once: when the peer has the message,
   * or never will. Returns the message; null where nothing is sent any more.
   */
  packet(held: HeldFds, events: () => void, received?: () => void): Packet | null {
    if (this.closing) {
      received?.();
      return null;
    }
    this.#collected = [];
    events();
    const bytes = Buffer.concat(this.#collected);
    this.#collected = null;
    const last = this.#open(bytes.length, MAX_MESSAGE_SIZE);
    const packet = last ?? { bytes: Buffer.alloc(0), held: null };
    packet.bytes = Buffer.concat([packet.bytes, bytes]);
    packet.held = held.retain();
    if (received !== undefined) packet.received = received;
    if (last === undefined) this.#packets.push(packet);
    return packet;
  }

  /** Whether nothing of a packet has been sent yet: its fds go with its first byte. */
  isUnsent(packet: Packet): boolean {
    return packet.held !== null && this.#packets.includes(packet);
  }

  /** Bytes that wait to be sent. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  get nextPacket(): Packet | undefined {
    return this.#packets[0];
  }

  get packets(): number {
    return this.#packets.length;
  }

  /** `count` bytes of the next packet were sent, and its fds with the first of them. */
  sent(count: number): void {
    const packet = this.#packets[0];
    if (packet === undefined) return;
    this.#queuedBytes -= count;
    this.allowed.queue.give(count);
    packet.held?.release();
    packet.held = null;
    if (packet.received !== undefined) this.#inFlight.push(packet.received);
    delete packet.received;
    if (count < packet.bytes.length) packet.bytes = packet.bytes.subarray(count);
    else this.#packets.shift();
  }

  /** Whether it matters when the peer has read what it was sent, or is sent now. */
  get awaitsReceipt(): boolean {
    return this.#inFlight.length > 0 || this.#packets[0]?.received !== undefined;
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
      resource.onDestroy();
      this.allowed.carried.give(resource.carried);
      if (resource.id !== DISPLAY_ID) this.allowed.objects.give(1);
    }
    this.#objects.clear();
    for (const fd of this.#fds.splice(0)) this.foreign.close(fd);
    for (const packet of this.#packets.splice(0)) {
      packet.held?.release();
      packet.received?.();
    }
    this.received();
    this.allowed.queue.give(this.#queuedBytes);
    this.#queuedBytes = 0;
  }
}
