/**
 * One thing after the other: for what awaits in its midst and may not be done twice at a time.
 */
export class Serial {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs a task when all before it are over, however they ended. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => {});
    return result;
  }
}
