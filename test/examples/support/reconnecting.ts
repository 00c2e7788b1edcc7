/** examples/c/dmabroker-reconnect as a test runs it: a line in is a frame, and what it says comes back. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { Test } from 'tap';

export class Reconnecting {
  readonly #child;
  readonly #lines;
  readonly #stderr;

  constructor(t: Test, program: string, socket: string, args: readonly string[]) {
    const env = { PATH: process.env.PATH, DMABROKER_SOCKET: socket };
    this.#child = spawn(program, args, { env, stdio: 'pipe' });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.#stderr = text(this.#child.stderr);
    t.teardown(() => this.#child.kill('SIGKILL'));
  }

  /** The next thing that it says. */
  async next(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`it has ended: ${await this.#stderr}`);
    return value;
  }

  /** The buffer that a line names at its end. */
  async id(what: RegExp): Promise<string> {
    const line = await this.next();
    const [, id] = new RegExp(`^${what.source} ([a-z2-7]{13})$`).exec(line) ?? [];
    if (id === undefined) throw new Error(`it said: ${line}`);
    return id;
  }

  frame(): Promise<string> {
    this.#child.stdin.write('\n');
    return this.next();
  }

  /** The status with which it ends. */
  async end(): Promise<number | null> {
    const closed = once(this.#child, 'close') as Promise<[number | null]>;
    this.#child.stdin.end();
    return (await closed)[0];
  }
}
