/**
 * What the daemon has said on one connection: read as the protocol's tables say, and kept as far as
 * requests can use it.
 *
 * Owns: the fds that came, until somebody takes them.
 */

import { wl_display } from '../../src/protocol/wayland.gen.js';
import { HEADER_SIZE, type Interface } from '../../src/protocol/wire.js';
import { unlisted } from '../support/refusal-words.js';
import { decode, decodeHeader } from '../support/wire.js';

/** Tokens are everybody's: those of one connection are redeemed by another. */
const MAX_TOKENS = 64;

/** Beside `failed`: what an object that was asked for is answered with. */
const ANSWERS = ['done', 'token'];

/** The code and the text of the error that ended a connection. */
export interface Ended {
  readonly code: number;
  readonly text: string;
}

/** What wl_registry.global says. */
export interface GlobalOffer {
  readonly name: number;
  readonly interface: string;
  readonly version: number;
}

export class Heard {
  /** By id: what the object was, as far as the daemon may still speak of it, oldest first. */
  readonly #objects = new Map<number, Interface[]>([[1, [wl_display]]]);
  /** Buffers that are there. */
  readonly ready = new Set<number>();
  /** Objects that are to be answered. */
  readonly pending = new Set<number>();
  readonly globals: GlobalOffer[] = [];
  /** Handle types that some source has. */
  readonly handleTypes = new Set<number>();
  /** How often each event came, by name. */
  readonly counts = new Map<string, number>();
  /** fds that no event has taken yet; they come before it. */
  readonly #waiting: number[] = [];
  /** Those that events have brought, for whoever wants them. */
  readonly fds: number[] = [];
  ended: Ended | null = null;
  #input: Buffer = Buffer.alloc(0);
  /** Nothing can be told of it any more: a request that was broken may have made another object. */
  astray = false;

  constructor(readonly tokens: string[]) {}

  /** A request has made an object. */
  made(id: number, definition: Interface): void {
    const known = this.#objects.get(id);
    if (known === undefined) this.#objects.set(id, [definition]);
    else known.push(definition);
    this.forget(id);
    const answers = definition.events.map(({ name }) => name);
    const answered = answers.includes('failed') && answers.some((name) => ANSWERS.includes(name));
    // Work is answered when it is asked for.
    if (answered && definition.name !== 'dmabroker_work_v1') this.pending.add(id);
  }

  /** A request of an object that is there is to be answered. */
  asked(id: number): void {
    this.pending.add(id);
  }

  /** A request has ended an object. */
  forget(id: number): void {
    this.ready.delete(id);
    this.pending.delete(id);
  }

  /** Throws where the daemon said what its protocol does not have, but for one that is astray. */
  take(bytes: Buffer, fds: readonly number[]): void {
    this.#waiting.push(...fds);
    if (this.astray) {
      this.fds.push(...this.#waiting.splice(0));
      return;
    }
    this.#input = Buffer.concat([this.#input, bytes]);
    let at = 0;
    try {
      while (this.#input.length - at >= HEADER_SIZE) {
        const { object, opcode, size } = decodeHeader(this.#input, at);
        if (this.#input.length - at < size) break;
        this.#event(object, opcode, this.#input.subarray(at + HEADER_SIZE, at + size));
        at += size;
      }
    } finally {
      this.#input = Buffer.from(this.#input.subarray(at));
    }
  }

  /** Nothing more comes: what was not taken is the caller's, too. */
  over(): void {
    this.fds.push(...this.#waiting.splice(0));
  }

  #event(object: number, opcode: number, body: Buffer): void {
    const definitions = this.#objects.get(object) ?? [];
    const [definition] = definitions;
    const message = definition?.events[opcode];
    if (definition === undefined || message === undefined) {
      throw new Error(`event ${opcode} of object ${object}, a ${definition?.name ?? 'nothing'}`);
    }
    const before = [...this.#waiting];
    const values = decode(message, body, this.#waiting) as unknown[];
    this.fds.push(...before.slice(0, before.length - this.#waiting.length));
    const name = `${definition.name}.${message.name}`;
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    // What it says of an object whose id was given away since is nobody's any more.
    if (definitions.length === 1) this.#note(name, object, values);
    if (name === 'wl_display.delete_id') this.#objects.get(values[0] as number)?.shift();
  }

  #note(name: string, object: number, values: unknown[]): void {
    const [first, second, third] = values;
    const event = name.split('.').at(-1) ?? '';
    if (/^dmabroker_.*\.(failed|lease_refused|commit_refused)$/.test(name)) {
      const strange = unlisted(JSON.parse(third as string));
      if (strange.length > 0) throw new Error(`${third}: not in docs/errors.md: ${strange}`);
    }
    if (event === 'failed' || ANSWERS.includes(event)) this.pending.delete(object);
    switch (name) {
      case 'wl_display.error':
        this.ended = { code: second as number, text: third as string };
        break;
      case 'wl_registry.global':
        this.globals.push({
          name: first as number,
          interface: second as string,
          version: third as number,
        });
        break;
      case 'dmabroker_manager_v1.source':
        if (third === 1) this.handleTypes.add(second as number);
        break;
      case 'dmabroker_buffer_v1.done':
        this.ready.add(object);
        break;
      case 'dmabroker_share_v1.token':
        this.tokens.push(first as string);
        if (this.tokens.length > MAX_TOKENS) this.tokens.shift();
        break;
    }
  }
}
