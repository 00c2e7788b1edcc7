/**
 * Who looks at all processes, and how often: a process of the machine that may look at them all (server/looker) where
 * there is one, else the daemon itself. A sweep is good for a second.
 *
 * Owns the sweep that is under way.
 */
import { after, type Clock, LONG_AGO, type Monotonic } from '../../../memory/clock.js';
import { askLooker } from './ask-looker.js';
import { type Sweep, sweep } from './sweep.js';

const GOOD_FOR_MS = 1000;

/** `messages`: what is in messages is counted, too. */
export type Look = (clock: Clock, messages?: boolean) => Promise<Sweep>;

/**
 * Asks at the socket. Where nobody is there, or does not serve this user, this process looks itself; so it does where there
 * is somebody who does not answer, and `failed` is told.
 */
export function lookingAt(socket: string, failed: (reason: string) => void): Look {
  return async (clock, messages) =>
    (await askLooker(socket, clock, failed)) ?? sweep(clock, messages);
}

export class Sweeper {
  #last: Promise<Sweep> | null = null;
  /** Null while it is under way. */
  #goodUntil: Monotonic | null = LONG_AGO;

  constructor(
    private readonly clock: Clock,
    private readonly look: Look = sweep,
  ) {}

  /** The result of a sweep that began within the last second, or of a new one. */
  sweep(): Promise<Sweep> {
    const isOver = this.#goodUntil !== null && this.clock.now() >= this.#goodUntil;
    if (this.#last === null || isOver) {
      this.#goodUntil = null;
      this.#last = this.look(this.clock).finally(() => {
        this.#goodUntil = after(this.clock.now(), GOOD_FOR_MS);
      });
    }
    return this.#last;
  }
}
