/**
 * One connection to REST, chosen by chance: tame (right HTTP, whose answers are held against openapi.yaml one by
 * one), or broken, whose answers are still HTTP with a status of the catalogue and a problem document.
 */

import fc from 'fast-check';
import { catalogue } from '../../src/memory/errors.js';
import { KEEP_ALIVE_TIMEOUT_MS } from '../../src/server/http/limits.js';
import { document, mismatch, violation } from '../server/http/support/conforms.js';
import { generators } from '../server/http/support/operations.js';
import { type Generated, type Model, textOf, usual } from '../server/http/support/requests.js';
import type { Random } from '../support/random.js';
import { unlisted } from '../support/refusal-words.js';
import type { Fds } from './fds.js';
import { broken } from './http-broken.js';
import { Answers, BadAnswer, bytesOf, type HttpAnswer, type HttpRequest } from './http-message.js';
import { cut } from './mutate.js';
import { RawSocket } from './raw-socket.js';
import { Fault } from './session.js';

const LONGEST = 40;
const PIPELINED = 4;
const LOOK_MS = 100;
/** What waits so long waits for ever: 30 s. */
const PATIENCE = 300;
/** Where nothing was sent for so long, the daemon may be closing the connection: its limit less what a busy machine adds. */
const IDLE_MS = KEEP_ALIVE_TIMEOUT_MS / 2;
const PROBLEM = 'application/problem+json';

const described = Object.values(document.paths).flatMap((item) =>
  Object.values(item).flatMap(({ responses }) => Object.keys(responses ?? {}).map(Number)),
);
const STATUSES = new Set([...described, ...Object.values(catalogue).map(({ status }) => status)]);
/** A defect of the daemon's; there is no memory (507) where much was asked for. */
const isDefect = (status: number) => status >= 500 && status !== 507;

interface Asked {
  readonly generated: Generated;
  readonly url: string;
}

export class HttpSession {
  readonly kind: 'tame' | 'broken';
  readonly sent = new Map<string, number>();
  readonly heard = { counts: new Map<string, number>() };
  messages = 0;
  readonly #socket: RawSocket;
  readonly #answers = new Answers();
  /** Not answered yet, oldest first. */
  readonly #asked: Asked[] = [];
  readonly #length: number;
  #closing = false;
  /** When something was last heard. */
  #heardAt = Date.now();

  constructor(
    private readonly random: Random,
    path: string,
    private readonly model: Model,
    private readonly fds: Fds,
  ) {
    this.kind = random.below(3) === 0 ? 'tame' : 'broken';
    this.#length = 1 + random.below(LONGEST);
    this.#socket = new RawSocket(path);
  }

  /** Sends some requests; returns false when its life is over. */
  step(): boolean {
    if (this.#socket.over || this.#closing || this.messages >= this.#length) {
      this.end();
      return false;
    }
    const count = 1 + this.random.below(PIPELINED);
    if (this.kind === 'tame') this.#ask(count);
    else this.#break(count);
    return true;
  }

  end(): void {
    this.#socket.close();
  }

  #request(): [Asked, HttpRequest] {
    const { random, model } = this;
    const sample = <T>(arbitrary: fc.Arbitrary<T>) =>
      fc.sample(arbitrary, { numRuns: 1, seed: random.below(2 ** 31) })[0] as T;
    const one = generators[random.below(generators.length)] ?? usual;
    const generated = harmless(sample(random.below(2) === 0 ? usual : one));
    const url = model.urlOf(generated);
    const { method, header, body } = generated;
    const headers = Object.entries(header).map(
      ([name, value]) => [name, sendable(textOf(value) ?? '')] as const,
    );
    const json = body === undefined ? [] : [['content-type', 'application/json'] as const];
    const request = {
      method,
      target: url,
      version: 'HTTP/1.1',
      headers: [['host', 'localhost'] as const, ...json, ...headers],
      body: body === undefined ? null : Buffer.from(JSON.stringify(body)),
      chunk: random.below(3) === 0 ? 1 + random.below(64) : null,
    };
    const name = `${method} ${generated.template}`;
    this.sent.set(name, (this.sent.get(name) ?? 0) + 1);
    this.messages++;
    return [{ generated, url }, request];
  }

  /** Requests that are right HTTP, sent together; each is answered. */
  #ask(count: number): void {
    const wasIdle = Date.now() - this.#heardAt > IDLE_MS;
    const all: Buffer[] = [];
    for (let i = 0; i < count; i++) {
      const [asked, request] = this.#request();
      this.#asked.push(asked);
      this.#answers.methods.push(request.method);
      all.push(bytesOf(request));
    }
    this.#send(Buffer.concat(all));
    for (let looks = 0; this.#asked.length > 0; looks++) {
      if (looks > PATIENCE) throw new Fault(`no answer to ${this.#names()}`);
      this.#read(LOOK_MS);
      if (!this.#socket.over) continue;
      this.#read(0);
      // What was refused unread is the last that is answered.
      const unread = wasIdle && this.#asked.length === count;
      if (this.#asked.length > 0 && !this.#closing && !unread) {
        throw new Fault(`hung up on ${this.#names()}`);
      }
      return;
    }
  }

  /** Requests of which some are broken, and whatever is answered. */
  #break(count: number): void {
    const { random } = this;
    for (let i = 0; i < count && !this.#socket.over; i++) {
      const [, request] = this.#request();
      const isBroken = random.below(2) === 0 || request.method === 'HEAD';
      this.#send(isBroken ? broken(random, request) : bytesOf(request));
      this.#read(random.below(3));
    }
  }

  #send(bytes: Buffer): void {
    const { random, fds } = this;
    const wish = { choice: random.below(1 << 30), tame: false };
    const piece = { bytes, fds: random.below(20) === 0 ? [wish] : [] };
    for (const each of random.below(4) === 0 ? cut(random, piece) : [piece]) {
      const made = each.fds.map((one) => fds.make(one, [this.#socket.fd], []));
      this.#socket.send(each.bytes, made);
      fds.close();
    }
  }

  #read(milliseconds: number): void {
    for (const { bytes } of this.#socket.take(milliseconds)) {
      for (const answer of this.#taken(bytes)) this.#judge(answer);
    }
  }

  #taken(bytes: Buffer): HttpAnswer[] {
    try {
      return this.#answers.take(bytes);
    } catch (error) {
      if (error instanceof BadAnswer) throw new Fault(error.message);
      throw error;
    }
  }

  #judge(answer: HttpAnswer): void {
    this.#heardAt = Date.now();
    const { status, headers } = answer;
    const kind = String(status);
    this.heard.counts.set(kind, (this.heard.counts.get(kind) ?? 0) + 1);
    if (headers.connection === 'close') this.#closing = true;
    const asked = this.#asked.shift();
    const about = asked ? `${asked.generated.method} ${asked.url}` : 'something broken';
    const found = isDefect(status) ? answer.text : this.#mistake(asked, answer);
    if (found !== undefined) throw new Fault(`${about} is answered with ${status}: ${found}`);
    if (asked !== undefined) this.model.note(asked.generated, asked.url, answer);
  }

  #mistake(asked: Asked | undefined, answer: HttpAnswer): string | undefined {
    const { status, headers, json } = answer;
    if (asked !== undefined) return violation(asked.generated.method, asked.url, answer);
    if (!STATUSES.has(status)) return 'a status that nobody describes';
    if (status < 400) return undefined;
    const [type] = (headers['content-type'] ?? '').split(';');
    if (type !== PROBLEM) return `content type ${type}`;
    const { refusal = {} } = json as { refusal?: Record<string, unknown> };
    const strange = unlisted(refusal, true);
    if (strange.length > 0) return `${strange} is not in docs/errors.md`;
    return mismatch('/components/schemas/Problem', json);
  }

  #names(): string {
    return this.#asked.map(({ generated, url }) => `${generated.method} ${url}`).join(', ');
  }
}

/** What the one who watches needs: its own connections, and to be told of errors. */
function harmless(generated: Generated): Generated {
  const { template, path, body } = generated;
  if (template === '/v1/clients/{id}') {
    const id = String(textOf(path.id) ?? '').replace(/^c/, 'c9999');
    return { ...generated, path: { ...path, id } };
  }
  const logs = template === '/v1/log-level' && typeof body === 'object' && body !== null;
  return logs && 'level' in body ? { ...generated, body: { ...body, level: 'debug' } } : generated;
}

/** Of a header's value: what does not break the line. */
const sendable = (value: string) => value.replace(/[^\x20-\x7e]/g, '?').trim();
