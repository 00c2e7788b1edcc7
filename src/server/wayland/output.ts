/**
 * What waits to be sent to one client: bytes one behind the other, cut into packets, each for one sendmsg(2).
 * File descriptors go with the first byte of theirs, all of one buffer's together, and with those of other
 * buffers as far as a message may have so many: a client that is told of several buffers at once has them in one
 * message.
 *
 * Owns: a reference to the fds of each packet, until it is sent or the connection ends, and who is to be told when the
 * peer has it.
 */
import { type HeldFds, JoinedFds } from '../../broker/held-fds.js';
import { MAX_FDS } from '../../memory/limits.js';
import { MAX_MESSAGE_SIZE } from '../../protocol/wire.js';
import { Writer } from '../../protocol/writer.js';

/** Events travel together up to this; far below what one step takes (shim/dmabroker.c's OUT_BYTES). */
export const MAX_PACKET_BYTES = 32 * 1024;

/** Knows where it is to be noted, at once, that all of a packet has been sent (step.ts); 0: nowhere. */
export interface ToldAt {
  toldAt(): number;
}

export interface Packet {
  /** In bytes; what of them is sent is counted off. */
  length: number;
  held: HeldFds | JoinedFds | null;
  /** To be told when the peer has received it. */
  received: (() => void) | null;
  /** One at most for each buffer whose fds it has. */
  told: readonly ToldAt[];
}

const NOBODY: readonly ToldAt[] = [];

export class Output extends Writer {
  readonly packets: Packet[] = [];
  /** The step has so many of the first: they must not change until it is known what was sent of them. */
  sending = 0;
  /** Of what was sent and perhaps not read. */
  readonly #inFlight: (() => void)[] = [];
  /** Bytes that are in packets. */
  #packed = 0;

  /** They go with what holds them open. */
  override fd(): void {}

  /** Bytes that were written and are in no packet. */
  get loose(): number {
    return this.length - this.#packed;
  }

  /** What was written goes into a packet; returns that. */
  pack(held: HeldFds | null = null): Packet {
    const { loose } = this;
    this.#packed += loose;
    // What waits goes along, so that the fds need not wait until the peer has read it, if all of it fits in
    // what libwayland reads at once.
    let packet = this.#open(loose, held?.fds.length ?? 0);
    if (packet === null) {
      packet = { length: 0, held: null, received: null, told: NOBODY };
      this.packets.push(packet);
    }
    packet.length += loose;
    if (held === null) return packet;
    if (packet.held === null) packet.held = held.retain();
    else {
      if (!(packet.held instanceof JoinedFds)) packet.held = new JoinedFds(packet.held);
      packet.held.add(held);
    }
    return packet;
  }

  /**
   * The last packet, if it may grow by `more` bytes and so many fds. One with fds grows no longer than libwayland
   * reads at once; one whose fds have gone takes no others.
   */
  #open(more: number, fds: number): Packet | null {
    const { packets } = this;
    const last = packets[packets.length - 1];
    if (last === undefined || packets.length <= this.sending) return null;
    const had = last.held === null && last.told.length > 0;
    if (had && fds > 0) return null;
    const all = (last.held?.fds.length ?? 0) + fds;
    const most = had || all > 0 ? MAX_MESSAGE_SIZE : MAX_PACKET_BYTES;
    return all > MAX_FDS || last.length + more > most ? null : last;
  }

  /** `count` bytes of the first packet were sent, and its fds with the first of them. */
  sent(count: number): void {
    const [packet] = this.packets;
    if (packet === undefined) return;
    this.take(count);
    this.#packed -= count;
    packet.held?.release();
    packet.held = null;
    packet.length -= count;
    if (packet.received !== null) this.#inFlight.push(packet.received);
    packet.received = null;
    if (packet.length > 0) return;
    this.packets.shift();
    // Whoever waits for it keeps it for longer.
    packet.told = NOBODY;
  }

  /** Whether it matters when the peer has read what it was sent, or is sent now. */
  get awaitsReceipt(): boolean {
    return this.#inFlight.length > 0 || this.packets.some(({ received }) => received !== null);
  }

  /** The peer has read all that was sent. */
  received(): void {
    for (const received of this.#inFlight.splice(0)) received();
  }

  /** Nothing more is sent, and nothing will be read. */
  close(): void {
    for (const packet of this.packets.splice(0)) {
      packet.held?.release();
      packet.held = null;
      packet.received?.();
    }
    this.received();
    this.#packed = 0;
    this.clear();
  }
}
