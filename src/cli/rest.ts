/**
 * HTTP over the daemon's Unix socket, with node:http alone: the command line is to start quickly.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { buffer, text } from 'node:stream/consumers';
import type { Problem } from '../server/control.js';
import { Refused, Unreachable } from './failure.js';

/** Milliseconds without a byte from the daemon; it gives itself 30 s for an answer. */
const TIMEOUT_MS = 40_000;

/** Records that the daemon answers with at most, at once. */
const MAX_PAGE = 1000;

/** The daemon's REST API on a socket. */
export class Rest {
  constructor(readonly socketPath: string) {}

  /** GET; resolves with the answer's JSON. */
  get<T>(path: string): Promise<T> {
    return this.#call('GET', path) as Promise<T>;
  }

  /** GET of a list: its pages one after the other, with at most `limit` records in all. */
  async list<T>(path: string, query: URLSearchParams, limit: number): Promise<T[]> {
    const all: T[] = [];
    query.set('limit', String(Math.min(limit, MAX_PAGE)));
    for (let next: string | undefined = `${path}?${query}`; next !== undefined; ) {
      const answer = await this.#send('GET', next, undefined);
      all.push(...((await this.#read(answer)) as T[]));
      [, next] = /^<([^>]*)>; rel="next"$/.exec(String(answer.headers.link)) ?? [];
      if (all.length >= limit) return all.slice(0, limit);
    }
    return all;
  }

  /** POST of a JSON body, or of none; resolves with the answer's JSON. */
  post<T>(path: string, body?: unknown): Promise<T> {
    const content = body === undefined ? undefined : JSON.stringify(body);
    return this.#call('POST', path, content) as Promise<T>;
  }

  /** GET of something that is no JSON. */
  async bytes(path: string): Promise<Buffer> {
    const answer = await this.#send('GET', path, undefined);
    const content = await buffer(answer).catch((error) => this.#unreachable(error));
    if (answer.statusCode === 200) return content;
    throw this.#refusal(content.toString());
  }

  /** PUT of a JSON body; resolves with the answer's JSON. */
  put<T>(path: string, body: unknown): Promise<T> {
    return this.#call('PUT', path, JSON.stringify(body)) as Promise<T>;
  }

  /** PATCH with a JSON body; resolves with the answer's JSON. */
  patch<T>(path: string, body: unknown): Promise<T> {
    return this.#call('PATCH', path, JSON.stringify(body)) as Promise<T>;
  }

  /** DELETE; resolves with the answer's JSON, or undefined where it has none. */
  delete<T = undefined>(path: string): Promise<T> {
    return this.#call('DELETE', path) as Promise<T>;
  }

  /** GET of server-sent events, after the one with an id; the text as it comes. */
  async stream(path: string, lastId: string | null): Promise<AsyncIterable<string>> {
    const answer = await this.#send('GET', path, undefined, {
      accept: 'text/event-stream',
      ...(lastId === null ? {} : { 'last-event-id': lastId }),
    });
    if (answer.statusCode === 200) return this.#texts(answer.setEncoding('utf8'));
    const document = this.#parse(await text(answer).catch((error) => this.#unreachable(error)));
    if (!isProblem(document)) throw this.#stranger();
    throw new Refused(document);
  }

  async *#texts(answer: AsyncIterable<string>): AsyncIterable<string> {
    try {
      yield* answer;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#unreachable(error);
    }
  }

  async #call(method: string, path: string, body?: string): Promise<unknown> {
    return this.#read(await this.#send(method, path, body));
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

  #send(
    method: string,
    path: string,
    body?: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const request = httpRequest({
        socketPath: this.socketPath,
        method,
        path,
        agent: false,
        timeout: TIMEOUT_MS,
        headers: {
          host: 'localhost',
          ...headers,
          ...(body === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
        },
      });
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

  #parse(content: string): unknown {
    try {
      return JSON.parse(content);
    } catch {
      throw this.#stranger();
    }
  }

  #stranger(): Unreachable {
    return new Unreachable(`what answers on ${this.socketPath} is no dmabroker`);
  }

  #unreachable(error: Error & { code?: string }): never {
    throw new Unreachable(
      `cannot reach the daemon: ${reason(error, this.socketPath)}\n` +
        'Is dmabrokerd running? --socket or DMABROKER_REST_SOCKET names another socket.',
    );
  }
}

function reason(error: Error & { code?: string }, path: string): string {
  switch (error.code) {
    case 'ENOENT':
      return `${path} does not exist`;
    case 'ECONNREFUSED':
    case 'ENOTSOCK':
      return `nobody listens on ${path}`;
    case 'EACCES':
      return `you may not connect to ${path}`;
    case 'ECONNRESET':
      return `${path} closed the connection without an answer`;
    default:
      return `${path}: ${error.message}`;
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
