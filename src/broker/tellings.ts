/**
 * Tells all who have a buffer of what has become of it, some of them in a turn: who causes it, and how often, is one
 * client's choice, and how many are to be told another's. Of several changes the last one alone is told, to each once,
 * and not to who has asked for it and was answered.
 *
 * Owns: who is yet to be told.
 */
import { MAX_TOLD_A_TURN } from '../memory/limits.js';
import type { BrokerBuffer, Watcher } from './buffer.js';

interface Telling {
  asker: Watcher | null;
  left: Iterator<Watcher>;
  /** Somebody may have been told already. */
  begun: boolean;
  /** It has changed once more when some had been told. */
  again: boolean;
}

export class Tellings {
  readonly #telling = new Map<BrokerBuffer, Telling>();

  constructor(private readonly tell: (watcher: Watcher, buffer: BrokerBuffer) => void) {}

  /** Whether somebody is yet to be told. */
  get waiting(): boolean {
    return this.#telling.size > 0;
  }

  /** It has changed. */
  begin(buffer: BrokerBuffer, asker: Watcher | null): void {
    const telling = this.#telling.get(buffer);
    if (telling === undefined) {
      const left = buffer.watchers[Symbol.iterator]();
      this.#telling.set(buffer, { asker, left, begun: false, again: false });
    } else {
      telling.asker = asker;
      telling.again = telling.begun;
    }
  }

  /** Nobody is to be told any more. */
  end(buffer: BrokerBuffer): void {
    this.#telling.delete(buffer);
  }

  /** Tells some; whose buffer it is makes no difference: each in turn. */
  run(): void {
    for (let left = MAX_TOLD_A_TURN; left > 0; left--) {
      const [next] = this.#telling;
      if (next === undefined) return;
      const [buffer, telling] = next;
      const { value: watcher, done } = telling.left.next();
      this.#telling.delete(buffer);
      telling.begun = true;
      if (done !== true) {
        if (watcher !== telling.asker) this.tell(watcher, buffer);
      } else if (telling.again) {
        telling.begun = false;
        telling.again = false;
        telling.left = buffer.watchers[Symbol.iterator]();
      } else continue;
      this.#telling.set(buffer, telling);
    }
  }
}
