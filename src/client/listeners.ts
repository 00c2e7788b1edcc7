/**
 * Who is told when something happens. What one of them throws is its own: it reaches the process as an
 * uncaught exception, as an EventEmitter's would, and neither the connection nor the others.
 */
import { checkListener } from './check.js';

export class Listeners<A extends unknown[] = []> {
  readonly #all = new Set<{ readonly listener: (...values: A) => void }>();

  /** Returns what takes it off again. Throws TypeError for what cannot be called. */
  add(listener: (...values: A) => void): () => void {
    checkListener(listener, 'listener');
    // One that is added twice is called twice, and taken off once.
    const entry = { listener };
    this.#all.add(entry);
    return () => {
      this.#all.delete(entry);
    };
  }

  /** For what happens once: `happened` is what it was, and whoever comes after that is told at once. */
  addOnce(listener: (...values: A) => void, happened: A | null): () => void {
    const off = this.add(listener);
    if (happened !== null) {
      off();
      listener(...happened);
    }
    return off;
  }

  tell(...values: A): void {
    for (const { listener } of [...this.#all]) {
      try {
        listener(...values);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  clear(): void {
    this.#all.clear();
  }
}
