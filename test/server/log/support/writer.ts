/** A writer whose reader can stop, and which can fail, in place of the thread of native/writer.ts. */
import type { LineWriter } from '../../../../src/server/log/queue.js';

export class FakeWriter implements LineWriter {
  readonly #lines: Uint8Array[] = [];
  readonly #failed: number[] = [];
  #done = 0;
  #stopped = false;
  /** Nothing can be written: a full disk. */
  failing = false;

  add(line: Uint8Array): boolean {
    this.#lines.push(Uint8Array.from(line));
    this.#go();
    return true;
  }

  done(): number {
    return this.#done;
  }

  failed(): number[] {
    return this.#failed.splice(0).filter((number) => number >= 0);
  }

  wait(): number {
    return this.#lines.length - this.#done;
  }

  /** Nobody reads. */
  set stopped(stopped: boolean) {
    this.#stopped = stopped;
    this.#go();
  }

  readonly #lost = new Set<number>();

  #go(): void {
    while (!this.#stopped && this.#done < this.#lines.length) {
      if (this.failing) {
        this.#failed.push(this.#done);
        this.#lost.add(this.#done);
      }
      this.#done++;
    }
  }

  /** What has been written, as JSON, a line each. */
  read(): Record<string, unknown>[] {
    return this.#lines
      .slice(0, this.#done)
      .filter((_, number) => !this.#lost.has(number))
      .flatMap((lines) => Buffer.from(lines).toString().split('\n').slice(0, -1))
      .map((line) => JSON.parse(line));
  }
}
