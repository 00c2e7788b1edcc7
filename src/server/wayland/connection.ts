/**
 * One client's connection as the protocol sees it: bytes and fds come in, are cut into messages
 * and dispatched to the objects; events go out as packets (output.ts). It does no I/O itself (connections.ts
 * does), so it can be tested with bytes alone.
 *
 * Owns: the client's objects (objects.ts), fds that no request has taken yet (unclaimed-fds.ts), and what waits to
 * be sent.
 */

import type { Client, Owner } from '../../broker/buffer.js';
import type { Allowance } from '../../broker/fair-pool.js';
import type { HeldFds } from '../../broker/held-fds.js';
import { messageOf } from '../../memory/errors.js';
import { MAX_ANSWER_BYTES } from '../../memory/limits.js';
import { Reader } from '../../protocol/reader.js';
import { wl_display } from '../../protocol/wayland.gen.js';
import {
  HEADER_SIZE,
  MAX_MESSAGE_SIZE,
  type Message,
  type Values,
  WireError,
} from '../../protocol/wire.js';
import type { Part } from './fair-requests.js';
import type { ForeignFds } from './foreign-fds.js';
import { DISPLAY_ID, type ObjectAllowances, Objects } from './objects.js';
import { WaitingRequests } from './order.js';
import { MAX_PACKET_BYTES, Output, type Packet } from './output.js';
import { type Outgoing, ProtocolError } from './resource.js';
import { cut, MAX_TEXT } from './text.js';
import { UnclaimedFds } from './unclaimed-fds.js';

/** A client that does not read is dropped when more than this waits for it (as compositors do). */
export const MAX_QUEUED_BYTES = 1024 * 1024;

/** What waits is charged in such pieces; the first one is the connection's own, which is charged as such. */
const CHARGED_BYTES = 4096;

const NO_BYTES = Buffer.alloc(0);
const { error: ERROR } = wl_display.event;

/** There is one: what is read of a message is read before anything is done with it. */
const reader = new Reader();

/** What its user may have on all connections together. */
export interface Allowances extends ObjectAllowances {
  /** Bytes that wait to be sent. */
  readonly queue: Allowance;
}

export class Connection implements Outgoing {
  readonly objects: Objects;
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
  readonly #fds: UnclaimedFds;
  /** Of the bytes that wait, those that are charged. */
  #charged = 0;
  /** A packet is being put together. */
  #collecting = false;
  readonly waits = new WaitingRequests(() => this.touched());
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
    this.objects = new Objects(this, allowed);
    this.#fds = new UnclaimedFds(foreign);
  }

  /** What is told of its session: the same each time. */
  session(open: () => string): string {
    this.#session ??= open();
    return this.#session;
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
    const fit = fds.length === 0 || this.#fds.arrived(fds);
    if (this.closing) return;
    try {
      if (fds.length > 0 || lost) this.#fds.check(fds, fit, lost);
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
        reader.begin(bytes, from + HEADER_SIZE, from + size, this.#fds.all),
      );
      from += size;
    }
    // A copy: what was received is overwritten by the next step.
    this.#input = from === end ? NO_BYTES : Buffer.from(bytes.subarray(from, end));
    if (paused !== this.paused) this.touched();
    this.paused = paused;
    if (!paused && this.#short && this.#input.length === 0) this.#fds.checkSurplus();
  }

  #dispatch(object: number, opcode: number, body: Reader): void {
    const { invalid_object, invalid_method } = wl_display.enums.error;
    const resource = this.objects.get(object);
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
    if (message.destructor) this.objects.destroy(resource);
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
    this.output.sent(count);
    if (this.#charged > 0) this.#charge();
  }

  /** The client is gone: every object ends, nothing more is sent, fds are closed. */
  close(): void {
    this.closing = true;
    this.objects.close();
    this.#fds.close();
    this.output.close();
    this.allowed.queue.give(this.#charged);
    this.#charged = 0;
  }
}
