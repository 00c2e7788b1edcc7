/**
 * What GStreamer's unixfdsink and unixfdsrc say to each other over a Unix stream socket (1.26; gstunixfd.h of
 * gst-plugins-bad): messages and their bytes, and what of the other side's is refused.
 *
 * A message is a header, `u32 type, u32 length`, and so many bytes, in the machine's byte order. The file descriptors
 * of NEW_BUFFER come with its header. Types that are not known are passed over, as GStreamer does.
 *
 * Owns: the file descriptors that have come and that no message has yet.
 */
import { endianness } from 'node:os';

const NEW_BUFFER = 0;
const RELEASE_BUFFER = 1;
const CAPS = 2;
const EOS = 3;

const HEADER_BYTES = 8;
/** NewBufferPayload without its memories. */
const BUFFER_BYTES = 56;
const MEMORY_BYTES = 16;
const RELEASE_BYTES = 8;

/** GST_BUFFER_MEM_MAX: a buffer of GStreamer's has no more. */
export const MAX_MEMORIES = 16;
/** Caps are a few hundred bytes, and so is what is said of a buffer. */
export const MAX_PAYLOAD = 64 * 1024;

/** GST_CLOCK_TIME_NONE, and what stands for no offset. */
export const NONE = 0xffff_ffff_ffff_ffffn;

/** The other side has said what nobody may: its connection ends, and no other. */
export class PeerFault extends Error {
  override readonly name = 'PeerFault';
}

/** `fd`: any file, a memfd for one; `dma_buf`. */
export type MemoryKind = 'fd' | 'dma_buf';
const KINDS: readonly MemoryKind[] = ['fd', 'dma_buf'];

/** Where in its file a memory lies; both are whole numbers. */
export interface Extent {
  readonly size: number;
  readonly offset: number;
}

/** What is said of a frame beside its memory: nanoseconds of CLOCK_MONOTONIC, GstBufferFlags, metas as they are. */
export interface FrameTerms {
  readonly pts: bigint;
  readonly dts: bigint;
  readonly duration: bigint;
  readonly offset: bigint;
  readonly offsetEnd: bigint;
  readonly flags: number;
  /** Serialized GstMetas, one after the other (meta.ts). */
  readonly metas: readonly Buffer[];
}

export interface NewBuffer extends FrameTerms {
  readonly id: bigint;
  readonly kind: MemoryKind;
  readonly memories: readonly Extent[];
}

export type Message =
  | { readonly type: 'caps'; readonly text: string }
  /** The fds are the receiver's, one for each memory; the metas are cut by meta.ts. */
  | {
      readonly type: 'buffer';
      readonly buffer: Omit<NewBuffer, 'metas'>;
      readonly fds: readonly number[];
      readonly metaBytes: Buffer;
      readonly metaCount: number;
    }
  | { readonly type: 'release'; readonly id: bigint }
  | { readonly type: 'eos' };

if (endianness() !== 'LE') throw new Error('dmabroker-unixfd is for little-endian machines');

function message(type: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(type, 0);
  header.writeUInt32LE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

export const capsMessage = (text: string): Buffer => message(CAPS, Buffer.from(`${text}\0`));
export const eosMessage = (): Buffer => message(EOS, Buffer.alloc(0));

export function releaseMessage(id: bigint): Buffer {
  const payload = Buffer.alloc(RELEASE_BYTES);
  payload.writeBigUInt64LE(id);
  return message(RELEASE_BUFFER, payload);
}

/** Its fds, one for each memory, are sent with it. */
export function bufferMessage(buffer: NewBuffer): Buffer {
  const { memories, metas } = buffer;
  const payload = Buffer.alloc(BUFFER_BYTES + memories.length * MEMORY_BYTES);
  const words = [buffer.id, buffer.pts, buffer.dts, buffer.duration];
  for (const [at, word] of [...words, buffer.offset, buffer.offsetEnd].entries()) {
    payload.writeBigUInt64LE(word, 8 * at);
  }
  payload.writeUInt32LE(buffer.flags, 48);
  payload.writeUInt8(KINDS.indexOf(buffer.kind), 52);
  payload.writeUInt8(memories.length, 53);
  payload.writeUInt16LE(metas.length, 54);
  for (const [index, { size, offset }] of memories.entries()) {
    const at = BUFFER_BYTES + index * MEMORY_BYTES;
    payload.writeBigUInt64LE(BigInt(size), at);
    payload.writeBigUInt64LE(BigInt(offset), at + 8);
  }
  return message(NEW_BUFFER, Buffer.concat([payload, ...metas]));
}

/** Takes bytes and fds as they come, and gives messages; whatever it throws is a PeerFault. */
export class Reader {
  #bytes: Buffer = Buffer.alloc(0);
  readonly #fds: number[] = [];
  /** Bytes of a message of no known type that are still to come. */
  #passing = 0;

  constructor(private readonly closeFd: (fd: number) => void) {}

  /** The fds are the reader's. */
  *push(bytes: Buffer, fds: readonly number[]): Generator<Message> {
    this.#fds.push(...fds);
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
    for (;;) {
      const passed = Math.min(this.#passing, this.#bytes.length);
      this.#passing -= passed;
      this.#bytes = this.#bytes.subarray(passed);
      if (this.#bytes.length < HEADER_BYTES) {
        return this.#onTheWay(this.#bytes.length === 0 ? null : NEW_BUFFER);
      }
      const type = this.#bytes.readUInt32LE(0);
      const length = this.#bytes.readUInt32LE(4);
      if (length > MAX_PAYLOAD) {
        throw new PeerFault(`a message of ${length} bytes; ${MAX_PAYLOAD} are read at most`);
      }
      if (type > EOS) {
        this.#bytes = this.#bytes.subarray(HEADER_BYTES);
        this.#passing = length;
        continue;
      }
      if (this.#bytes.length < HEADER_BYTES + length) return this.#onTheWay(type);
      const payload = this.#bytes.subarray(HEADER_BYTES, HEADER_BYTES + length);
      this.#bytes = this.#bytes.subarray(HEADER_BYTES + length);
      yield this.#message(type, payload);
    }
  }

  /**
   * There may be fds of a buffer that is not whole yet, and of no other message. (What was sent before it without fds can
   * come together with it, unix_stream_read_generic.)
   */
  #onTheWay(type: number | null): void {
    const most = type === NEW_BUFFER ? MAX_MEMORIES : 0;
    if (this.#fds.length > most) throw new PeerFault('file descriptors beside those of a buffer');
  }

  #message(type: number, payload: Buffer): Message {
    if (type === NEW_BUFFER) return this.#buffer(payload);
    if (type === CAPS) {
      if (payload.at(-1) !== 0) throw new PeerFault('caps without an end');
      return { type: 'caps', text: payload.toString('utf8', 0, payload.indexOf(0)) };
    }
    if (type === EOS) return { type: 'eos' };
    if (payload.length < RELEASE_BYTES) throw new PeerFault(`a release of ${payload.length} bytes`);
    return { type: 'release', id: payload.readBigUInt64LE(0) };
  }

  #buffer(payload: Buffer): Message {
    if (payload.length < BUFFER_BYTES) throw new PeerFault(`a buffer of ${payload.length} bytes`);
    const count = payload.readUInt8(53);
    const kind = KINDS[payload.readUInt8(52)];
    if (kind === undefined) throw new PeerFault(`memory of type ${payload.readUInt8(52)}`);
    if (count > MAX_MEMORIES) throw new PeerFault(`a buffer of ${count} memories`);
    const end = BUFFER_BYTES + count * MEMORY_BYTES;
    if (payload.length < end) throw new PeerFault(`${count} memories in ${payload.length} bytes`);
    if (this.#fds.length < count) {
      throw new PeerFault(`${this.#fds.length} file descriptors for ${count} memories`);
    }
    const word = (index: number) => payload.readBigUInt64LE(8 * index);
    const memories = Array.from({ length: count }, (_, index) =>
      extent(word(7 + 2 * index), word(8 + 2 * index)),
    );
    // Only now: what has thrown leaves them to `close`. Those of the next one can be there already.
    const fds = this.#fds.splice(0, count);
    return {
      type: 'buffer',
      buffer: {
        ...{ id: word(0), pts: word(1), dts: word(2), duration: word(3) },
        ...{ offset: word(4), offsetEnd: word(5), flags: payload.readUInt32LE(48) },
        ...{ kind, memories },
      },
      fds,
      metaBytes: payload.subarray(end),
      metaCount: payload.readUInt16LE(54),
    };
  }

  /** Nothing more comes. */
  close(): void {
    for (const fd of this.#fds.splice(0)) this.closeFd(fd);
  }
}

function extent(size: bigint, offset: bigint): Extent {
  if (size + offset > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new PeerFault(`a memory of ${size} bytes at ${offset}`);
  }
  return { size: Number(size), offset: Number(offset) };
}
