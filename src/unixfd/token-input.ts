/**
 * Frames that another program has drawn into buffers of its own, as lines with tokens (token-lines.ts): each token is redeemed,
 * the memory goes to who is served as it is, and the frame's number is told when nobody has it any more.
 *
 * Owns: what was redeemed, until `close`.
 */
import type { Readable } from 'node:stream';
import { BrokerError, type Client, type ClientBuffer, ConnectionError } from '../client/index.js';
import { CapsError, parseCaps, videoOf } from './codec/caps.js';
import { gstFormat } from './codec/layout.js';
import { videoMeta } from './codec/meta.js';
import { type Placed, place } from './codec/places.js';
import { type FrameLine, LineFault, MAX_LINE, parseLine } from './codec/token-lines.js';
import { NONE } from './codec/wire.js';
import { type Consumer, type Frame, type Stream, streamOf } from './frame.js';
import { type Kept, Redeemed } from './redeemed.js';

export interface TokenInputTerms {
  readonly client: Client;
  readonly consumer: Consumer;
  /** Resolves when there is somebody to have the first frame, which waits for it. */
  readonly ready: () => Promise<void>;
  /** The frame with this number may be written again. */
  readonly release: (number: number) => void;
  readonly say: (text: string) => void;
}

export class TokenInput {
  readonly #redeemed: Redeemed;
  readonly #out = new Set<number>();
  #stream: Stream | null = null;
  #begun = false;
  /** Why frames were given back; told once. */
  #refused: string | null = null;

  constructor(private readonly terms: TokenInputTerms) {
    this.#redeemed = new Redeemed(terms.client);
  }

  /** Until a line says that there is no more: true; false where the input ends without. Rejects with LineFault. */
  async play(input: Readable): Promise<boolean> {
    let number = 0;
    for await (const line of linesOf(input)) {
      number++;
      try {
        if (line.trim() !== '' && (await this.#take(line))) return true;
      } catch (error) {
        const isFault = error instanceof LineFault || error instanceof CapsError;
        throw isFault ? new LineFault(`line ${number}: ${error.message}`) : error;
      }
    }
    return false;
  }

  /** Returns whether it was the last. */
  async #take(text: string): Promise<boolean> {
    const line = parseLine(text);
    if (line.type === 'end') return true;
    if (line.type === 'caps') {
      const caps = parseCaps(line.caps);
      this.#stream = streamOf(caps, videoOf(caps));
      await this.terms.consumer.begin(this.#stream);
      return false;
    }
    if (this.#stream === null) throw new LineFault('a frame before its caps');
    if (this.#out.has(line.number)) {
      throw new LineFault(`frame ${line.number} has not been given back, and comes again`);
    }
    this.#out.add(line.number);
    if (!this.#begun) await this.terms.ready();
    this.#begun = true;
    const kept = await this.#redeem(line);
    if (kept === null) this.#giveBack(line.number);
    else await this.#serve(line, kept, this.#stream);
    return false;
  }

  #giveBack(number: number): void {
    this.#out.delete(number);
    this.terms.release(number);
  }

  /** Null where there is no such buffer, or none any more. */
  async #redeem({ number, token, buffer }: FrameLine): Promise<Kept | null> {
    let why = `the buffer ${buffer} is not kept, and the frame has no token`;
    try {
      const kept =
        token === null ? this.#redeemed.known(buffer ?? '') : await this.#redeemed.take(token);
      if (kept !== null) {
        this.#refused = null;
        return kept;
      }
    } catch (error) {
      if (!(error instanceof BrokerError || error instanceof ConnectionError)) throw error;
      why = error.message;
    }
    if (this.#refused !== why) this.terms.say(`frame ${number} is given back: ${why}`);
    this.#refused = why;
    return null;
  }

  async #serve(line: FrameLine, kept: Kept, stream: Stream): Promise<void> {
    const done = (): void => {
      this.#redeemed.giveBack(kept);
      this.#giveBack(line.number);
    };
    let frame: Frame;
    try {
      frame = frameOf(line, kept.buffer, stream, done);
    } catch (error) {
      this.#redeemed.giveBack(kept);
      throw error;
    }
    // With nobody there it is used up all the same, or its maker would have ever more tokens.
    if (this.terms.consumer.wanted) await this.terms.consumer.take(frame);
    else done();
  }

  /** What frames that somebody has lie in goes with them. */
  close(): void {
    this.#redeemed.close();
  }
}

/** Throws LineFault for what cannot be served as it is. */
function frameOf(line: FrameLine, buffer: ClientBuffer, stream: Stream, done: () => void): Frame {
  const { caps, layout, video } = stream;
  const { handleType, modifier } = buffer;
  const mayTell = caps.features.includes('memory:DMABuf');
  if ((modifier ?? 0n) !== video.modifier) {
    throw new LineFault(
      `${buffer.id} has the modifier ${hex(modifier ?? 0n)}, and the caps say ${hex(video.modifier)}`,
    );
  }
  if (handleType !== 'dma_buf' && (handleType !== 'memfd' || mayTell)) {
    throw new LineFault(`the memory of ${buffer.id} is of type ${handleType}: ${WANTED}`);
  }
  const terms = {
    ...{ layout, mayTell, linear: video.modifier === 0n },
    memories: buffer.memories.map(({ size }) => size),
  };
  const { pieces, told }: Placed = place(line.planes ?? planesOf(buffer, stream), terms);
  const memories = pieces.map(({ memory, offset, size }) => {
    const fd = buffer.planes.find((plane) => plane.memory === memory)?.fd;
    if (fd === undefined) throw new LineFault(`no plane of ${buffer.id} is in memory ${memory}`);
    return { fd, offset, size };
  });
  const metas = told === null ? [] : [videoMeta(video, gstFormat(video), told)];
  const { pts, duration, flags } = line;
  const times = { pts, dts: NONE, duration, offset: NONE, offsetEnd: NONE };
  return { buffer, memories, terms: { ...times, flags, metas }, planes: told, done };
}

const WANTED = 'dma_bufs are served, and memfds where the caps say nothing of memory:DMABuf';
const hex = (modifier: bigint): string => `0x${modifier.toString(16)}`;

/** As its image has them; of linear memory, as GStreamer has them. */
function planesOf(buffer: ClientBuffer, { layout, video }: Stream): Placing {
  const { format, width, height } = buffer;
  if (format === null) return layout.planes.map((plane) => ({ ...plane, memory: 0 }));
  if (format === layout.fourcc && width === video.width && height === video.height) {
    return buffer.planes;
  }
  throw new LineFault(
    `${buffer.id} is an image ${format} of ${width}x${height}, and the caps say ${layout.fourcc} of ` +
      `${video.width}x${video.height}: "planes" can say where the frame lies in it`,
  );
}

type Placing = Parameters<typeof place>[0];

/** What comes, line by line. Throws LineFault where one has no end. */
async function* linesOf(input: Readable): AsyncGenerator<string> {
  let rest = '';
  let count = 0;
  input.setEncoding('utf8');
  for await (const piece of input as AsyncIterable<string>) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      count++;
      yield line;
    }
    if (rest.length > MAX_LINE) {
      throw new LineFault(`line ${count + 1} has more than ${MAX_LINE} characters`);
    }
  }
  if (rest !== '') yield rest;
}
