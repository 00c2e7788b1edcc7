/** Who else is at the daemon: a flood of REST requests, another user's allocations, and a crowd that only holds. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { HandleType } from '../../src/memory/source.js';
import { spawnAs } from '../../test/support/actor.js';
import type { TestDaemon } from '../../test/support/daemon.js';
import { Skipped } from './bench.js';
import { bound, compile, startDaemon, temporaryFolder } from './programs.js';
import { writeHolding } from './script.js';

/** Users by number alone, of whom nobody else is one. */
export const FIRST_UID = 61_001;

export function needRoot(): void {
  if (process.getuid?.() !== 0) throw new Skipped('it takes root to be other users');
}

/** For a user that is a program of ours. */
export function needReadable(): void {
  needRoot();
  const as = [`--reuid=${FIRST_UID}`, `--regid=${FIRST_UID}`, '--clear-groups'];
  for (const file of [process.execPath, program('neighbour')]) {
    const { status } = spawnSync('setpriv', [...as, 'test', '-r', file]);
    if (status !== 0) throw new Skipped('other users cannot read the folder that this is in');
  }
}

/** A daemon that serves so many of these users, too. */
export async function daemonForUsers(users: number, env: NodeJS.ProcessEnv): Promise<TestDaemon> {
  const file = join(temporaryFolder(), 'dmabroker.toml');
  const uids = Array.from({ length: users }, (_, i) => FIRST_UID + i);
  writeFileSync(file, `[clients]\nmode = "0666"\n[policy]\nconnect = { users = [${uids}] }\n`);
  const daemon = await startDaemon(env, ['--config', file, '--pool-bytes', '0']);
  chmodSync(daemon.folder, 0o755);
  return daemon;
}

/** Ends its standard input, and resolves with what it has said by then. */
async function result<T>(child: ChildProcess): Promise<T> {
  const output = text(child.stdout as NonNullable<ChildProcess['stdout']>);
  child.stdin?.end();
  return JSON.parse(await output) as T;
}

const stdio = ['pipe', 'pipe', 'inherit'] as ['pipe', 'pipe', 'inherit'];
const program = (name: string) => fileURLToPath(new URL(`${name}.js`, import.meta.url));

/** Lists buffers over REST as fast as they are answered (autocannon); ended, it tells how many pages a second. */
export function startFlood(daemon: TestDaemon, connections: number): () => Promise<number> {
  const args = [program('flood'), daemon.restSocket, `${connections}`];
  const child = bound(spawn(process.execPath, args, { stdio }));
  return async () => {
    const { lists, non2xx, errors, duration } = await result<Record<string, number>>(child);
    if (!lists || !duration || non2xx || errors) {
      throw new Error(`${lists} lists, ${non2xx} refusals, ${errors} errors`);
    }
    return lists / duration;
  };
}

/** Another user that allocates and releases again and again; ended, it tells how often a second. */
export async function startNeighbour(
  daemon: TestDaemon,
  bytes: number,
  handleType: HandleType,
): Promise<() => Promise<number>> {
  const args = [
    process.execPath,
    program('neighbour'),
    daemon.clientSocket,
    `${bytes}`,
    handleType,
  ];
  const child = bound(spawnAs(FIRST_UID, args, stdio));
  const first = await Promise.race([
    once(child, 'exit').then(() => null),
    once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data'),
  ]);
  if (first === null) throw new Error(`the other user has ended: ${child.exitCode}`);
  return async () => {
    const { allocations, seconds } = await result<{ allocations: number; seconds: number }>(child);
    return allocations / seconds;
  };
}

export interface Crowd {
  readonly users: number;
  /** Of each user. */
  readonly connections: number;
  /** Of each connection. */
  readonly buffers: number;
}

/** Resolves when all are there; what it resolves with has them go. */
export async function startCrowd(
  socket: string,
  { users, connections, buffers }: Crowd,
  firstUid = FIRST_UID,
): Promise<() => Promise<void>> {
  const script = join(temporaryFolder(), 'holding');
  writeHolding(script, buffers);
  chmodSync(join(script, '..'), 0o755);
  const args = [socket, script, `${firstUid}`, `${users}`, `${connections}`];
  const child = bound(spawn(compile('crowd'), args, { stdio }));
  const exited = once(child, 'exit');
  const there = await Promise.race([
    once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data'),
    exited.then(() => null),
  ]);
  if (there === null) throw new Error(`the crowd has ended: ${child.exitCode}`);
  return async () => {
    child.stdin?.end();
    await exited;
  };
}
