/**
 * Tells all who have a buffer of what has become of it, in rounds: of several changes the last one alone is told, to each
 * once, and not to who has asked for it and was answered.
 */
import { MAX_TOLD_A_TURN } from '../memory/limits.js';
import type { BrokerBuffer, Watcher } from './buffer.js';
import { Rounds } from './rounds.js';

/** A round is about who has asked for the change. */
export type Tellings = Rounds<BrokerBuffer, Watcher, Watcher | null>;

export function tellings(tell: (watcher: Watcher, buffer: BrokerBuffer) => void): Tellings {
  return new Rounds({
    atMost: MAX_TOLD_A_TURN,
    members: ({ watchers }) => watchers,
    visit: (watcher, buffer, asker) => {
      if (watcher !== asker) tell(watcher, buffer);
    },
  });
}
