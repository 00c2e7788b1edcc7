/**
 * The main thread's side of the preview thread, which is started when the first picture is asked for.
 *
 * Owns: the thread; a content's fd until the thread has it.
 */
import { Worker } from 'node:worker_threads';
import { BrokerError } from '../../memory/errors.js';
import { close } from '../../native/libc/fd.js';
import type {
  Content,
  PreviewPing,
  PreviewReply,
  PreviewRequest,
  PreviewTerms,
} from '../words/preview.js';
import { asError } from './data-plane.js';
import { keepYoungBeside, PREVIEW_LIMITS } from './young.js';

/** Pictures under way, each with a copy of its image: 256 MiB at most (MAX_READ_SIZE). */
export const MAX_PREVIEWS = 2;

/** To a ping. */
const NO_PICTURE = new Uint8Array();
/** Of these, for one user. */
export const MAX_PREVIEWS_PER_USER = 1;

interface Waiting {
  resolve(png: Uint8Array): void;
  reject(error: Error): void;
}

export class Previews {
  #worker: Worker | null = null;
  readonly #waiting = new Map<number, Waiting>();
  /** For whom they are. */
  readonly #taken: string[] = [];
  #seq = 0;

  /** `threads`: the folder of main.js, beside which the threads' files stand. */
  constructor(private readonly threads: URL) {}

  /**
   * A PNG of what `read` gets, for `user`; it is called only where there is room. Rejects with
   * `limit_exceeded` where as many are under way as may be, and with whatever `read` rejects with. `done`
   * is told the ticket of what was read, when it is needed no longer.
   */
  async render(
    user: string,
    read: () => Promise<Content>,
    terms: PreviewTerms,
    done: (ticket: number) => void = () => {},
  ): Promise<Uint8Array> {
    this.#check(this.#taken.length, MAX_PREVIEWS);
    const own = this.#taken.filter((each) => each === user).length;
    this.#check(own, MAX_PREVIEWS_PER_USER);
    this.#taken.push(user);
    let ticket: number | null = null;
    try {
      const content = await read();
      ticket = content.ticket;
      return await this.#ask(content, terms);
    } finally {
      if (ticket !== null) done(ticket);
      this.#taken.splice(this.#taken.indexOf(user), 1);
    }
  }

  #check(taken: number, max: number): void {
    if (taken < max) return;
    const message = `${taken} previews are being made already, of at most ${max}`;
    throw new BrokerError('limit_exceeded', message, {
      constraint: 'previews',
      possible: { max },
    });
  }

  #ask(content: Content, terms: PreviewTerms): Promise<Uint8Array> {
    let worker: Worker;
    try {
      worker = this.#start();
    } catch (error) {
      close(content.fd);
      throw error;
    }
    const request: PreviewRequest = { seq: ++this.#seq, content, terms };
    return new Promise((resolve, reject) => {
      this.#waiting.set(request.seq, { resolve, reject });
      worker.postMessage(request);
    });
  }

  /** Resolves when the thread answers, at once where there is none. */
  async ping(): Promise<void> {
    const worker = this.#worker;
    if (worker === null) return;
    const seq = ++this.#seq;
    await new Promise<void>((resolve) => {
      // One that has ended is none either.
      this.#waiting.set(seq, { resolve: () => resolve(), reject: () => resolve() });
      worker.postMessage({ seq } satisfies PreviewPing);
    });
  }

  #start(): Worker {
    if (this.#worker !== null) return this.#worker;
    const worker = new Worker(new URL('preview/main.js', this.threads), {
      resourceLimits: PREVIEW_LIMITS,
      trackUnmanagedFds: false,
    });
    keepYoungBeside(worker);
    worker.unref();
    worker.on('message', (reply: PreviewReply) => {
      const waiting = this.#waiting.get(reply.seq);
      this.#waiting.delete(reply.seq);
      if ('error' in reply) waiting?.reject(asError(reply.error));
      else waiting?.resolve('png' in reply ? reply.png : NO_PICTURE);
    });
    // It has nothing that could not be made anew: the next picture starts another.
    worker.on('error', (error) => this.#ended(error));
    worker.on('exit', () => this.#ended(new Error('the preview thread ended')));
    this.#worker = worker;
    return worker;
  }

  #ended(error: Error): void {
    this.#worker = null;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }
}
