/**
 * Raw frames from a file or a pipe, and to one: byte for byte what GStreamer's filesink writes of such caps, and filesrc with
 * rawvideoparse reads.
 */
import { createReadStream, createWriteStream, fstatSync, openSync, statSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { isatty } from 'node:tty';
import { Usage } from '../cli/failure.js';
import { NONE } from './codec/wire.js';
import { Contents } from './contents.js';
import type { Consumer, Frame, Stream } from './frame.js';
import type { Ring } from './ring.js';

/** CLOCK_MONOTONIC, as GStreamer's system clock has it: frames say when they are to be shown by it. */
export const now = (): bigint => process.hrtime.bigint();

/**
 * Whoever waits for a pipe in a thread of libuv's keeps the process from ending; a socket's stream waits in the event loop,
 * and does so for pipes, too.
 */
const isPipe = (fd: number): boolean => fstatSync(fd).isFIFO() || fstatSync(fd).isSocket();

function opened(file: string, how: 'r' | 'w'): number {
  if (file === '-') {
    const fd = how === 'r' ? 0 : 1;
    if (isatty(fd))
      throw new Usage('a terminal is no place for raw frames: name a file, or use a pipe');
    return fd;
  }
  try {
    // To open one waits for its other end, and no signal is heard meanwhile.
    if (statSync(file, { throwIfNoEntry: false })?.isFIFO()) {
      throw new Usage(
        `${file} is a pipe: - with ${how === 'r' ? '<' : '>'}${file} is one that can be waited for`,
      );
    }
    return openSync(file, how);
  } catch (error) {
    if (error instanceof Usage) throw error;
    throw new Usage(error instanceof Error ? error.message : String(error));
  }
}

/** Throws Usage where it cannot be read. */
export function openInput(file: string): Readable {
  const fd = opened(file, 'r');
  if (isPipe(fd)) return new Socket({ fd, readable: true, writable: false });
  return createReadStream('', { fd, highWaterMark: 2 ** 20 });
}

/** Throws Usage where it cannot be written. */
export function openOutput(file: string): Writable {
  const fd = opened(file, 'w');
  if (isPipe(fd)) return new Socket({ fd, readable: false, writable: true });
  return createWriteStream('', { fd });
}

/** Pieces as they come, put together to frames. */
class Pieces {
  readonly #pieces: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(input: Readable) {
    this.#pieces = input[Symbol.asyncIterator]();
  }

  /** Returns how many bytes there were before the end. */
  async fill(to: Buffer): Promise<number> {
    for (let at = 0; ; ) {
      const count = this.#rest.copy(to, at);
      this.#rest = this.#rest.subarray(count);
      at += count;
      if (at === to.length) return at;
      const { value, done } = await this.#pieces.next();
      if (done === true) return at;
      this.#rest = value;
    }
  }
}

export interface Playing {
  readonly input: Readable;
  readonly stream: Stream;
  readonly ring: Ring;
  readonly consumer: Consumer;
  /** Resolves when somebody would have a frame. */
  readonly wanted: () => Promise<void>;
  readonly stopped: AbortSignal;
}

/**
 * Gives one frame after the other until there is no more, each not before its time where the caps have a rate. Returns the
 * bytes at the end that are no frame.
 */
export async function play(playing: Playing): Promise<number> {
  const { input, stream, ring, consumer, wanted, stopped } = playing;
  const { layout, video } = stream;
  const pieces = new Pieces(input);
  const content = Buffer.allocUnsafe(layout.size);
  // When the next one is to be shown.
  let due = 0n;
  for (let index = 0n; !stopped.aborted; index++) {
    await wanted();
    if (stopped.aborted) break;
    const length = await pieces.fill(content);
    if (length < layout.size) return length;
    const late = now();
    if (due < late) due = late;
    else await sleep(Number(due - late) / 1e6);
    const slot = await ring.take();
    slot.memory.write((bytes) => content.copy(bytes));
    const duration = video.duration ?? NONE;
    await consumer.take({
      buffer: slot.buffer,
      memories: slot.memories,
      planes: null,
      terms: {
        ...{ pts: due, dts: NONE, duration, offset: index, offsetEnd: index + 1n },
        ...{ flags: 0, metas: [] },
      },
      done: () => ring.giveBack(slot),
    });
    due += video.duration ?? 0n;
  }
  return 0;
}

const END_MS = 5000;

/** Writes frames; who writes them has each until it is written. */
export class RawOutput implements Consumer {
  readonly wanted = true;
  frames = 0;
  #ended = false;
  #stream: Stream | null = null;
  #content = Buffer.alloc(0);
  readonly #contents = new Contents();

  constructor(private readonly output: Writable) {
    // Whoever writes hears it.
    output.on('error', () => {});
  }

  async begin(stream: Stream): Promise<void> {
    if (stream.video.modifier !== 0n)
      throw new Usage('only linear frames can be written to a file');
    this.#stream = stream;
    this.#content = Buffer.alloc(stream.layout.size);
  }

  async take(frame: Frame): Promise<void> {
    if (this.#ended) return frame.done();
    try {
      if (this.#stream === null) throw new Error('a frame before its caps');
      await this.#contents.read(frame, this.#stream.layout, this.#content);
      await new Promise<void>((resolve, reject) => {
        this.output.write(this.#content, (error) => (error ? reject(error) : resolve()));
      });
      this.frames++;
    } finally {
      frame.done();
    }
  }

  async end(): Promise<void> {
    this.#ended = true;
    const ended = new Promise<void>((resolve) => {
      this.output.once('close', resolve);
      this.output.end(resolve);
    });
    // Who reads a pipe may never read on.
    await Promise.race([ended, sleep(END_MS)]);
  }
}
