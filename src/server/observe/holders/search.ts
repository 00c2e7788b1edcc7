/**
 * Looks in all processes for released memory that nobody has by the kernel's count (broker/unproven.ts, which
 * says when): one sweep at a time, as holders are looked for.
 *
 * Owns nothing but the sweep that is under way.
 */

import type { Swept } from '../../../broker/unproven.js';
import type { Clock } from '../../../memory/clock.js';
import { type Sweep, sweep } from './sweep.js';
import type { Look } from './sweeper.js';

interface SearchWorld {
  readonly clock: Clock;
  /** The user that answers for a uid. */
  readonly userOf: (uid: number) => number;
  readonly answer: (found: Swept) => void;
  readonly failed: (error: unknown) => void;
}

export class Search {
  #searching: Promise<void> | null = null;
  #stopped = false;

  constructor(
    private readonly world: SearchWorld,
    private readonly look: Look = sweep,
  ) {}

  /** Answers once, whatever comes of it. To be called again only then. */
  search(identities: readonly string[]): void {
    if (!this.#stopped) this.#searching = this.#search(identities);
  }

  /** Resolves when no sweep is under way; there will be no more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#searching;
  }

  async #search(identities: readonly string[]): Promise<void> {
    const { clock, answer, failed } = this.world;
    const began = clock.now();
    try {
      const found = await this.look(clock, { memories: new Set(identities), messages: true });
      answer({ ...this.#told(found, identities), took: clock.now() - began });
    } catch (error) {
      // It was not looked: for want of a file descriptor, say.
      const nothing = { held: [], hidden: true, unread: [], inFlight: new Map() };
      answer({ ...nothing, took: clock.now() - began });
      failed(error);
    }
  }

  #told(
    { holders, hidden, unread, inFlight }: Sweep,
    identities: readonly string[],
  ): Omit<Swept, 'took'> {
    const { userOf } = this.world;
    const byUser = new Map<number, number>();
    for (const [uid, count] of inFlight) {
      byUser.set(userOf(uid), (byUser.get(userOf(uid)) ?? 0) + count);
    }
    return {
      held: identities.filter((identity) => holders.has(identity)),
      hidden,
      unread: [...new Set([...unread].map(userOf))],
      inFlight: byUser,
    };
  }
}
