/**
 * Hands frames to another program by tokens: a line of JSON for each on standard output, and a line with its number on
 * standard input when that program needs it no more.
 */
import { createInterface } from 'node:readline';
import { capsText } from './codec/caps.js';
import type { Consumer, Frame, Stream } from './frame.js';

export interface TokenTerms {
  /** Frames that may be out at once; the next waits. */
  readonly unreleased: number;
  /** Nobody will release any more. */
  readonly ended: () => void;
  /** Nobody is waited for any more. */
  readonly stopped: AbortSignal;
  readonly say: (text: string) => void;
}

export class TokenOutput implements Consumer {
  readonly wanted = true;
  readonly #out = new Map<number, Frame>();
  readonly #output = process.stdout;
  readonly #input = process.stdin;
  #stream: Stream | null = null;
  #frames = 0;
  #changed = () => {};

  constructor(private readonly terms: TokenTerms) {
    this.#output.on('error', () => terms.ended());
    terms.stopped.addEventListener('abort', () => this.#changed());
    const lines = createInterface({ input: this.#input });
    lines.on('line', (line) => this.#release(line.trim()));
    lines.on('close', () => terms.ended());
  }

  #release(line: string): void {
    const number = /^\d{1,15}$/.test(line) ? Number(line) : -1;
    const frame = this.#out.get(number);
    if (frame === undefined) {
      this.terms.say(`${JSON.stringify(line)} is the number of no frame that is out`);
      return;
    }
    this.#out.delete(number);
    frame.done();
    this.#changed();
  }

  async begin(stream: Stream): Promise<void> {
    this.#stream = stream;
    const { width, height } = stream.video;
    await this.#print({ caps: capsText(stream.caps), format: stream.layout.fourcc, width, height });
  }

  async take(frame: Frame): Promise<void> {
    while (this.#out.size >= this.terms.unreleased && !this.terms.stopped.aborted) {
      await this.#change();
    }
    let token: string;
    try {
      token = await frame.buffer.share({ uses: 1 });
    } catch (error) {
      frame.done();
      throw error;
    }
    const number = ++this.#frames;
    this.#out.set(number, frame);
    const { pts, duration } = frame.terms;
    await this.#print({
      ...{ frame: number, token, buffer: frame.buffer.id },
      ...{ pts: String(pts), duration: String(duration) },
      planes: frame.planes ?? this.#stream?.layout.planes,
    });
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#changed = resolve;
    });
  }

  #print(line: unknown): Promise<void> {
    return new Promise((resolve) => {
      this.#output.write(`${JSON.stringify(line)}\n`, () => resolve());
    });
  }

  async end(): Promise<void> {
    await this.#print({ end: true });
    while (this.#out.size > 0 && !this.terms.stopped.aborted) await this.#change();
  }
}
