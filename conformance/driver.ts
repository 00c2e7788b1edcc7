/**
 * A driver, the small program of each client library: told what to do in JSON lines on its standard input,
 * it answers in JSON lines on its standard output, one after the other.
 *
 * Owns: the process.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Json } from './pattern.js';

/** One of these: what was asked for, the daemon's refusal, the library's own, or the connection's end. */
export interface Answer {
  readonly ok?: Json;
  readonly refused?: Json;
  readonly rejected?: Json;
  readonly ended?: Json;
}

/** No answer takes longer, on however busy a machine. */
const PATIENCE_MS = 60_000;

export class Driver {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #waiting: { resolve(answer: Answer): void; reject(error: Error): void }[] = [];
  #gone: Error | null = null;
  /** The names of the commands that it knows; known after `hello`. */
  can: ReadonlySet<string> = new Set();

  private constructor(
    readonly command: string,
    env: NodeJS.ProcessEnv,
  ) {
    this.#child = spawn('sh', ['-c', `exec ${command}`], {
      env,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const lines = createInterface(this.#child.stdout);
    lines.on('line', (line) => this.#line(line));
    this.#child.stdin.on('error', () => {}); // its end says it
    this.#child.once('exit', (status, signal) => {
      this.#end(new Error(`the driver has ended (${signal ?? status}): ${command}`));
    });
    this.#child.once('error', (error) => this.#end(error));
  }

  static async start(command: string, env: NodeJS.ProcessEnv): Promise<Driver> {
    const driver = new Driver(command, env);
    const { ok } = await driver.tell('hello', {}, null);
    const { can } = (ok ?? {}) as { can?: readonly string[] };
    if (can === undefined) throw new Error(`no answer to hello: ${command}`);
    driver.can = new Set(can);
    return driver;
  }

  #end(error: Error): void {
    this.#gone = error;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  #line(line: string): void {
    const waiting = this.#waiting.shift();
    try {
      waiting?.resolve(JSON.parse(line) as Answer);
    } catch {
      waiting?.reject(new Error(`the driver answered what is no JSON: ${line}`));
    }
  }

  async tell(what: string, args: Json, as: string | null): Promise<Answer> {
    if (this.#gone !== null) throw this.#gone;
    let timer: NodeJS.Timeout | undefined;
    const answer = new Promise<Answer>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      const late = () => reject(new Error(`no answer to ${what} within ${PATIENCE_MS} ms`));
      timer = setTimeout(late, PATIENCE_MS);
    });
    const command = { do: what, args, ...(as !== null && { as }) };
    this.#child.stdin.write(`${JSON.stringify(command)}\n`);
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends it: it leaves when its standard input has ended, or is killed. */
  async end(how: 'leave' | 'kill'): Promise<void> {
    if (this.#gone !== null) return;
    const exited = once(this.#child, 'exit');
    if (how === 'kill') this.#child.kill('SIGKILL');
    else this.#child.stdin.end();
    await exited;
  }
}
