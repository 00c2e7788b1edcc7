/** HTTP to the daemon, with node:http alone: the command line is to start quickly. */
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { buffer, text } from 'node:stream/consumers';
import type { Problem } from '../rest/contract.js';
import { Refused, Unreachable, whyUnreachable } from './failure.js';
import { withProgress } from './progress.js';
import type { Target } from './target.js';

/** Milliseconds without a byte from the daemon; it gives itself 30 s for an answer. */
const TIMEOUT_MS = 40_000;

/** Records that the daemon answers with at most, at once. */
const MAX_PAGE = 1000;

/** Records, and whether there are more than were asked for. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly more: boolean;
}

/** The daemon's REST API. */
export class Rest {
  /** @param quietUntil what is on the screen instead of how long an answer takes; its end ends what is asked */
  constructor(
    readonly target: Target,
    private readonly quietUntil?: AbortSignal,
  ) {}

  /** The same for as long as something else is on the screen. */
  quiet(until: AbortSignal): Rest {
    return new Rest(this.target, until);
  }

  /** These resolve with the answer's JSON, or undefined where it has none. */
  readonly get = <T>(path: string) => this.#ask<T>('GET', path);
  /** `longer`: milliseconds that the answer may take beside. */
  readonly post = <T>(path: string, body?: unknown, longer = 0) =>
    this.#ask<T>('POST', path, body, longer);
  readonly put = <T>(path: string, body: unknown) => this.#ask<T>('PUT', path, body);
  readonly patch = <T>(path: string, body: unknown) => this.#ask<T>('PATCH', path, body);
  readonly delete = <T = undefined>(path: string) => this.#ask<T>('DELETE', path);

  /** GET of a whole list. */
  async list<T>(path: string): Promise<readonly T[]> {
    return (await this.page<T>(path)).items;
  }

  /** GET of a list's records, its pages one after the other, up to `limit`; and whether there are more. */
  async page<T>(
    path: string,
    query = new URLSearchParams(),
    limit = Number.POSITIVE_INFINITY,
  ): Promise<Page<T>> {
    const all: T[] = [];
    query.set('limit', String(Math.min(limit, MAX_PAGE)));
    for (
      let next: string | undefined = `${path}${path.includes('?') ? '&' : '?'}${query}`;
      next !== undefined;
    ) {
      const answer: IncomingMessage = await this.#waiting(this.#send('GET', next));
      all.push(...((await this.#read(answer)) as T[]));
      [, next] = /^<([^>]*)>; rel="next"$/.exec(String(answer.headers.link)) ?? [];
      if (all.length >= limit) {
        return { items: all.slice(0, limit), more: all.length > limit || next !== undefined };
      }
    }
    return { items: all, more: false };
  }

  /** GET of something that is no JSON. */
  bytes(path: string): Promise<Buffer> {
    return this.#waiting(this.#bytes(path));
  }

  async #bytes(path: string): Promise<Buffer> {
    const answer = await this.#send('GET', path);
    const content = await buffer(answer).catch((error) => this.#unreachable(error));
    if (answer.statusCode === 200) return content;
    throw this.#refusal(content.toString());
  }

  /** GET of server-sent events, after the one with an id; the text as it comes. */
  async stream(path: string, lastId: string | null): Promise<AsyncIterable<string>> {
    const answer = await this.#send('GET', path, undefined, {
      accept: 'text/event-stream',
      ...(lastId === null ? {} : { 'last-event-id': lastId }),
    });
    if (answer.statusCode === 200) return this.#texts(answer.setEncoding('utf8'));
    throw this.#refusal(await text(answer).catch((error) => this.#unreachable(error)));
  }

  async *#texts(answer: AsyncIterable<string>): AsyncIterable<string> {
    try {
      yield* answer;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#unreachable(error);
    }
  }

  #ask<T>(method: string, path: string, body?: unknown, longer = 0): Promise<T> {
    const content = body === undefined ? undefined : JSON.stringify(body);
    const answer = this.#send(method, path, content, {}, longer).then((answer) =>
      this.#read(answer),
    );
    return this.#waiting(answer) as Promise<T>;
  }

  async #read(answer: IncomingMessage): Promise<unknown> {
    const content = await text(answer).catch((error) => this.#unreachable(error));
    const status = answer.statusCode ?? 0;
    if (status === 204) return undefined;
    if (status >= 200 && status < 300) return this.#parse(content);
    throw this.#refusal(content);
  }

  #refusal(content: string): Error {
    const document = this.#parse(content);
    return isProblem(document) ? new Refused(document) : this.#stranger();
  }

  async #send(
    method: string,
    path: string,
    body?: string,
    headers: Readonly<Record<string, string>> = {},
    longer = 0,
  ): Promise<IncomingMessage> {
    const { place, tls, headers: own } = this.target;
    // Loaded only where it is needed: it costs a tenth of a command's time.
    const send = tls ? (await import('node:https')).request : httpRequest;
    const options: RequestOptions = {
      ...place,
      method,
      path,
      agent: false,
      timeout: TIMEOUT_MS + longer,
      ...(this.quietUntil === undefined ? {} : { signal: this.quietUntil }),
      headers: {
        ...own,
        ...headers,
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
      },
    };
    return new Promise((resolve, reject) => {
      const request = send(options);
      request.once('response', resolve);
      request.once('timeout', () => request.destroy(new Error('it does not answer')));
      request.once('error', (error) => {
        try {
          this.#unreachable(error);
        } catch (failure) {
          reject(failure);
        }
      });
      request.end(body);
    });
  }

  #waiting<T>(answer: Promise<T>): Promise<T> {
    if (this.quietUntil !== undefined) return answer;
    return withProgress((seconds) => `waiting for the daemon: ${seconds} s`, answer);
  }

  #parse(content: string): unknown {
    try {
      return JSON.parse(content);
    } catch {
      throw this.#stranger();
    }
  }

  #stranger(): Unreachable {
    return new Unreachable(`what answers on ${this.target.name} is no dmabroker`);
  }

  #unreachable(error: Error & { code?: string }): never {
    // Node's HTTP parser: it is another protocol.
    if (error.code?.startsWith('HPE_')) throw this.#stranger();
    throw new Unreachable(
      `cannot reach the daemon: ${whyUnreachable(error, this.target.name)}\n` +
        `Is dmabrokerd running? ${this.target.hint}`,
    );
  }
}

function isProblem(document: unknown): document is Problem {
  return (
    typeof document === 'object' &&
    document !== null &&
    typeof (document as Partial<Problem>).code === 'string' &&
    typeof (document as Partial<Problem>).detail === 'string'
  );
}
