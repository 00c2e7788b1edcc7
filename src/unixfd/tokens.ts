/**
 * Hands frames to another program by tokens: a line of JSON for each on standard output (token-lines.ts reads them), and a line
 * with its number on standard input when that program needs it no more. A token that it has not used by then is ended: a buffer
 * may have so many of them.
 */
import { createInterface } from 'node:readline';
import type { Share } from '../client/index.js';
import type { PlanePlace } from '../memory/plane.js';
import { capsText } from './codec/caps.js';
import { planesIn } from './codec/planes.js';
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
  readonly #out = new Map<number, { readonly frame: Frame; readonly share: Share }>();
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
    const out = this.#out.get(number);
    if (out === undefined) {
      this.terms.say(`${JSON.stringify(line)} is the number of no frame that is out`);
      return;
    }
    this.#out.delete(number);
    // Of a connection that is over REST alone ends it.
    out.share.revoke().catch(() => {});
    out.frame.done();
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
    let share: Share;
    try {
      share = await frame.buffer.shareRevocably({ uses: 1 });
    } catch (error) {
      frame.done();
      throw error;
    }
    const number = ++this.#frames;
    this.#out.set(number, { frame, share });
    const { pts, duration, flags } = frame.terms;
    await this.#print({
      ...{ frame: number, token: share.token, buffer: frame.buffer.id },
      ...{ pts: String(pts), duration: String(duration), ...(flags !== 0 && { flags }) },
      planes: this.#stream === null ? [] : planesOf(frame, this.#stream),
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

/** Where they lie in the memories of the buffer; the first one is not named. */
function planesOf({ buffer, memories, planes }: Frame, { layout }: Stream): Partial<PlanePlace>[] {
  return planesIn(memories, layout, planes).map(({ memory, offset, stride }) => {
    const fd = memories[memory]?.fd;
    const lies = buffer.planes.find((plane) => plane.fd === fd)?.memory ?? 0;
    return { ...(lies !== 0 && { memory: lies }), offset, stride };
  });
}
