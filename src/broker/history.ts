/**
 * What has happened to a buffer: the last events about it, kept with it for as long as it is listed. An
 * entry is a copy: it keeps no client and no token alive. Its words are made when it is shown.
 */

import { type Clock, LONG_AGO, type Monotonic } from '../memory/clock.js';
import { MAX_HISTORY } from '../memory/limits.js';
import { type BufferEvent, type BufferEventType, EVENTS } from './events.js';
import { doerOf } from './told.js';
import type { Actor } from './who.js';

/** In the words of the events, so that one name stands for one thing wherever it is shown. */
export interface HistoryEntry {
  readonly at: Monotonic;
  readonly type: BufferEventType;
  /** The process that did it; null: the daemon by itself. */
  readonly who: Actor | null;
  readonly reason: string | null;
}

/** One that is forgotten becomes the next one. They are a ring: a list has room for 16 more as soon as it grows. */
interface Noted {
  at: Monotonic;
  type: BufferEventType;
  who: Actor | null;
  fact: unknown;
  /** The one after it; of the newest, the oldest. */
  next: Noted | null;
}

export class History {
  #newest: Noted | null = null;
  #kept = 0;
  #forgotten = 0;
  #clock: Clock | null = null;

  add(event: BufferEvent, clock: Clock): void {
    this.#clock = clock;
    const noted = this.#room();
    noted.at = clock.now();
    noted.type = event.type;
    noted.who = doerOf(event);
    noted.fact = EVENTS[event.type].fact(event);
  }

  #room(): Noted {
    const newest = this.#newest;
    const oldest = newest?.next ?? null;
    if (oldest !== null && this.#kept === MAX_HISTORY) {
      this.#forgotten++;
      this.#newest = oldest;
      return oldest;
    }
    return this.#append({
      at: LONG_AGO,
      type: 'buffer.created',
      who: null,
      fact: null,
      next: oldest,
    });
  }

  /** `made.next` is the oldest there is. */
  #append(made: Noted): Noted {
    if (this.#newest === null) made.next = made;
    else this.#newest.next = made;
    this.#newest = made;
    this.#kept++;
    return made;
  }

  /** Oldest first. */
  *#noted(): Generator<Noted> {
    let each = this.#newest?.next ?? null;
    for (let left = this.#kept; left > 0 && each !== null; left--) {
      yield each;
      each = each.next;
    }
  }

  /** So many were kept by a daemon before this one, which they went with. */
  static ofFormer(forgotten: number): History {
    const history = new History();
    history.#forgotten = forgotten;
    return history;
  }

  copy(): History {
    const copy = new History();
    for (const noted of this.#noted()) {
      copy.#append({ ...noted, next: copy.#newest?.next ?? null });
    }
    copy.#forgotten = this.#forgotten;
    copy.#clock = this.#clock;
    return copy;
  }

  /** Oldest first. */
  get entries(): readonly HistoryEntry[] {
    const clock = this.#clock;
    if (clock === null) return [];
    return Array.from(this.#noted(), ({ at, type, who, fact }) => {
      return { at, type, who, reason: EVENTS[type].reason(fact, clock) };
    });
  }

  /** How many there were before these. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** How much has happened in all. */
  get count(): number {
    return this.#forgotten + this.#kept;
  }
}
