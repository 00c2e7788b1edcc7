/**
 * What has happened to a buffer: the last events about it, in words, kept with it for as long as it is
 * listed. An entry is a copy: it keeps no client and no token alive.
 */

import { type Clock, dateText, type Monotonic } from '../memory/clock.js';
import { MAX_HISTORY } from '../memory/limits.js';
import type { BufferEvent } from './events.js';
import type { TokenInfo } from './tokens.js';
import { type Actor, actorOf, type Doer } from './who.js';

/** In the words of the events, so that one name stands for one thing wherever it is shown. */
export interface HistoryEntry {
  readonly at: Monotonic;
  readonly type: BufferEvent['type'];
  /** The process that did it; null: the daemon by itself. */
  readonly who: Actor | null;
  readonly reason: string | null;
}

export class History {
  readonly #entries: HistoryEntry[] = [];
  #forgotten = 0;

  add(event: BufferEvent, clock: Clock): void {
    const who = actorOf(doerOf(event));
    const reason = reasonOf(event, clock);
    this.#entries.push({ at: clock.now(), type: event.type, who, reason });
    if (this.#entries.length <= MAX_HISTORY) return;
    this.#entries.shift();
    this.#forgotten++;
  }

  copy(): History {
    const copy = new History();
    copy.#entries.push(...this.#entries);
    copy.#forgotten = this.#forgotten;
    return copy;
  }

  /** Oldest first. */
  get entries(): readonly HistoryEntry[] {
    return this.#entries;
  }

  /** How many there were before these. */
  get forgotten(): number {
    return this.#forgotten;
  }
}

/** What there is to say of an event beside its type. */
export function reasonOf(event: BufferEvent, clock: Clock): string | null {
  switch (event.type) {
    case 'buffer.shared':
      return describe(event.token, clock);
    case 'buffer.unshared':
    case 'buffer.redeemed':
      return event.token;
    case 'buffer.renewed':
      return `${event.seconds} s`;
    case 'buffer.renamed':
      return event.buffer.name;
    case 'buffer.reissued':
      return `generation ${event.buffer.generation}`;
    case 'buffer.recalled':
    case 'buffer.released':
      return event.reason;
    case 'buffer.gone': {
      const { formerOf, generation } = event.buffer;
      return formerOf === null ? null : `generation ${generation} of ${formerOf}`;
    }
    default:
      return null;
  }
}

function describe({ id, usesLeft, uid, expires, mayRenew }: TokenInfo, clock: Clock): string {
  const terms = [
    `${id}: ${usesLeft} ${usesLeft === 1 ? 'use' : 'uses'}`,
    uid === null ? 'any user' : `user ${uid}`,
    ...(expires === null ? [] : [`until ${dateText(clock, expires)}`]),
    ...(mayRenew ? ['may renew'] : []),
  ];
  return terms.join(', ');
}

/** Who did it; null: the daemon by itself. */
export function doerOf(event: BufferEvent): Doer | null {
  switch (event.type) {
    case 'buffer.created':
      return event.buffer.owner;
    case 'buffer.redeemed':
      return { client: event.client, peer: event.client.peer };
    case 'buffer.lost':
    case 'buffer.gone':
      return null;
    default:
      return event.by;
  }
}
