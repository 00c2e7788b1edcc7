/**
 * Who looks at all processes, and how often: a process of the machine that may look at them all (server/looker) where
 * there is one, else the daemon itself. A sweep is good for a second.
 *
 * Owns the sweep that is under way.
 */
import { after, type Clock, LONG_AGO, type Monotonic } from '../../../memory/clock.js';
import { askLooker } from './ask-looker.js';
import { type Identities, Sum, type Sweep, sweep, type Wanted } from './sweep.js';

const GOOD_FOR_MS = 1000;

const NOTHING = { unreadable: 0, unread: new Set<number>(), hidden: false, inFlight: new Map() };

export type Look = (clock: Clock, wanted: Wanted) => Promise<Sweep>;

/**
 * Asks at the socket. Where nobody is there, or does not serve this user, this process looks itself; so it does where there
 * is somebody who does not answer, and `failed` is told, once until there is an answer again.
 */
export function lookingAt(socket: string, failed: (reason: string) => void): Look {
  let told = false;
  return async (clock, wanted) => {
    const answer = await askLooker(socket, clock, wanted.memories);
    if (typeof answer !== 'string') {
      told = false;
      return answer ?? sweep(clock, wanted);
    }
    if (!told) failed(answer);
    told = true;
    return sweep(clock, wanted);
  };
}

export class Sweeper {
  #last: Promise<Sweep> | null = null;
  /** Null while it is under way. */
  #goodUntil: Monotonic | null = LONG_AGO;

  constructor(
    private readonly clock: Clock,
    /** The memories of all buffers. */
    private readonly memories: () => Promise<Identities>,
    private readonly look: Look = sweep,
  ) {}

  /** The result of a sweep that ended within the last second, or of a new one. */
  sweep(): Promise<Sweep> {
    const isOver = this.#goodUntil !== null && this.clock.now() >= this.#goodUntil;
    if (this.#last === null || isOver) {
      this.#goodUntil = null;
      this.#last = this.#sweep().finally(() => {
        this.#goodUntil = after(this.clock.now(), GOOD_FOR_MS);
      });
    }
    return this.#last;
  }

  async #sweep(): Promise<Sweep> {
    const memories = await this.memories();
    // Of nothing nobody has something: no process need be started for it.
    if (memories.size === 0) return new Sum(this.clock.now(), memories).whole(NOTHING);
    return this.look(this.clock, { memories });
  }
}
