/**
 * What has happened to a buffer: the last events about it, in words, kept with it for as long as it is
 * listed. An entry is a copy: it keeps no client and no token alive.
 */

import type { Clock, Monotonic } from '../memory/clock.js';
import { MAX_HISTORY } from '../memory/limits.js';
import { type BufferEvent, type BufferEventType, EVENTS } from './events.js';
import { type Actor, actorOf } from './who.js';

/** In the words of the events, so that one name stands for one thing wherever it is shown. */
export interface HistoryEntry {
  readonly at: Monotonic;
  readonly type: BufferEventType;
  /** The process that did it; null: the daemon by itself. */
  readonly who: Actor | null;
  readonly reason: string | null;
}

export class History {
  readonly #entries: HistoryEntry[] = [];
  #forgotten = 0;

  add(event: BufferEvent, clock: Clock): void {
    const { doer, reason } = EVENTS[event.type];
    const who = actorOf(doer(event));
    this.#entries.push({ at: clock.now(), type: event.type, who, reason: reason(event, clock) });
    if (this.#entries.length <= MAX_HISTORY) return;
    this.#entries.shift();
    this.#forgotten++;
  }

  /** So many were kept by a daemon before this one, which they went with. */
  static ofFormer(forgotten: number): History {
    const history = new History();
    history.#forgotten = forgotten;
    return history;
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
