/**
 * Asks NSS while clients are served: a shell that is started before any client can connect runs getent(1) for each
 * question. The daemon itself must not start a process then (nss.ts).
 *
 * Owns the shell and its pipes. Where it is not there, nobody is called anything.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { type Database, KEYS_AT_ONCE } from './nss.js';
import { type Entry, parseEntries } from './users.js';

/** getent(1) is ended after so many seconds. */
const LIMIT_SECONDS = 2;
/** timeout(1), when it has ended somebody with SIGKILL. */
const KILLED = 137;

/** A question is a database, keys, an empty line; its answer getent's lines, `=` with its exit status, an empty line. */
const SHELL = `
while IFS= read -r database; do
  set --
  while IFS= read -r key && [ -n "$key" ]; do set -- "$@" "$key"; done
  timeout -s KILL ${LIMIT_SECONDS} getent -- "$database" "$@" </dev/null 2>/dev/null
  printf '=%s\\n\\n' "$?"
done`;

interface Pipe {
  ref(): void;
  unref(): void;
}

interface Question {
  readonly lines: string[];
  resolve(entries: Entry[] | null): void;
}

export class Resolver {
  readonly #shell: ChildProcessByStdio<Writable, Readable, null>;
  readonly #pipes: readonly Pipe[];
  readonly #asked: Question[] = [];
  #gone = false;

  constructor() {
    this.#shell = spawn('/bin/sh', ['-c', SHELL], { stdio: ['pipe', 'pipe', 'ignore'] });
    this.#shell.unref();
    const { stdin, stdout } = this.#shell;
    // Pipes are sockets, and keep the process while somebody waits for an answer (#ask).
    this.#pipes = [stdin, stdout] as unknown as Pipe[];
    for (const pipe of this.#pipes) pipe.unref();
    stdin.on('error', () => {}); // its end says it
    this.#shell.once('error', () => this.#end());
    this.#shell.once('exit', () => this.#end());
    createInterface(stdout).on('line', (line) => this.#line(line));
  }

  /** What is known of names or numbers; null: nobody has answered in time. Never rejects. */
  async ask(database: Database, keys: readonly (string | number)[]): Promise<Entry[] | null> {
    const all: Entry[] = [];
    // A line is a key; and getent takes what looks like a number for one.
    const good = keys.map(String).filter((key) => /^[^\n\0]+$/.test(key));
    for (let at = 0; at < good.length; at += KEYS_AT_ONCE) {
      const found = await this.#ask(database, good.slice(at, at + KEYS_AT_ONCE));
      if (found === null) return null;
      all.push(...found);
    }
    return all;
  }

  #ask(database: Database, keys: readonly string[]): Promise<Entry[] | null> {
    if (this.#gone) return Promise.resolve([]);
    return new Promise((resolve) => {
      this.#asked.push({ lines: [], resolve });
      for (const pipe of this.#pipes) pipe.ref();
      this.#shell.stdin.write(`${[database, ...keys].join('\n')}\n\n`);
    });
  }

  #line(line: string): void {
    const [question] = this.#asked;
    if (question === undefined) return;
    if (line !== '') {
      question.lines.push(line);
      return;
    }
    this.#asked.shift();
    if (this.#asked.length === 0) for (const pipe of this.#pipes) pipe.unref();
    const status = Number(question.lines.pop()?.slice(1));
    question.resolve(status === KILLED ? null : parseEntries(question.lines.join('\n')));
  }

  #end(): void {
    this.#gone = true;
    for (const { resolve } of this.#asked.splice(0)) resolve([]);
  }

  /** Ends the shell; whoever waits is answered. */
  close(): void {
    this.#shell.kill('SIGKILL');
    this.#end();
  }
}
