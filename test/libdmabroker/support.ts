/** The C library's programs as its tests run them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { Test } from 'tap';
import { packageRoot } from '../../src/package-root.js';
import type { TestDaemon } from '../support/daemon.js';

/** Where the library is. */
export const CLIENT = join(packageRoot, 'clients/c');

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that runs, and what it says until its end. */
export function start(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const child: ChildProcess = spawn(program, args, {
    cwd: CLIENT,
    env: { ...process.env, ...env },
    stdio: 'pipe',
  });
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new Error('no pipes');
  const closed = once(child, 'close') as Promise<[number | null]>;
  const all = Promise.all([text(stdout), text(stderr), closed]);
  const ended = all.then(([out, err, [status]]): Ran => ({ status, stdout: out, stderr: err }));
  return { stdin, stdout, ended };
}

/** Runs to its end, with nothing to read. */
export function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const { stdin, ended } = start(program, args, env);
  stdin.end();
  return ended;
}

/** How programs are told where the daemon is. */
export const placesOf = (daemon: TestDaemon): NodeJS.ProcessEnv => ({
  DMABROKER_SOCKET: daemon.clientSocket,
});

/** `checks` of one of the builds: tests/checks.c. */
export const checks = (build: string, what: string, env: NodeJS.ProcessEnv) =>
  start(join(CLIENT, build, 'checks'), what.split(' '), env);

/** The first line that a program says from now on; throws what it says of its end when that comes before. */
export async function lineOf({ stdout, ended }: ReturnType<typeof start>): Promise<string> {
  const over = ended.then(({ stderr }): never => {
    throw new Error(`it has ended: ${stderr}`);
  });
  over.catch(() => {});
  const [line] = (await Promise.race([once(createInterface(stdout), 'line'), over])) as [string];
  return line;
}

/** Its daemon is killed, and another one is started at the same place: what becomes of its buffers. */
export async function moved(
  t: Test,
  build: string,
  outcome: 'adopted' | 'imported' | 'gone',
  begin: (folder?: string) => Promise<TestDaemon>,
): Promise<void> {
  const first = await begin();
  const moving = checks(build, `moving ${outcome}`, placesOf(first));
  t.equal(await lineOf(moving), 'ready');
  await first.end('SIGKILL');
  const second = await begin(first.folder);
  moving.stdin.end('\n');
  const { status, stderr } = await moving.ended;
  t.equal(status, 0, stderr);
  t.equal(stderr, '');
  await second.stop();
}
