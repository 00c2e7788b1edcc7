/**
 * What has been started, so that it is ended in the opposite order: when the daemon stops, and when a
 * later step of its start fails.
 */
export class Started {
  readonly #ends: (() => unknown)[] = [];

  /** `end` is called once. Returns what to call when somebody else is to end it. */
  add(end: () => unknown): () => void {
    this.#ends.push(end);
    return () => {
      this.#ends.splice(this.#ends.indexOf(end), 1);
    };
  }

  /** Ends all of it, whatever fails; rejects with the first failure. */
  async end(): Promise<void> {
    const failures: unknown[] = [];
    for (let end = this.#ends.pop(); end !== undefined; end = this.#ends.pop()) {
      try {
        await end();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
