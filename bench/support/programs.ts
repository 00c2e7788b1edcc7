/**
 * The C programs of the benchmarks: compiled where they are missing or older than their source (the
 * guest has no compiler and takes the host's), started, pinned to CPUs, ended by their own process.
 */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../../src/package-root.js';
import { dmabroker_manager_v1 } from '../../src/protocol/dmabroker-v1.gen.js';
import { TestDaemon } from '../../test/support/daemon.js';
import { type Kind, MANAGER, type Plan, requestOpcode, writeScript } from './script.js';

const run = promisify(execFile);

function compile(name: string, defines: readonly string[] = []): string {
  const source = join(packageRoot, 'bench', `${name}.c`);
  const folder = join(packageRoot, 'build', 'bench');
  const program = join(folder, name);
  if (existsSync(program) && statSync(program).mtimeMs > statSync(source).mtimeMs) return program;
  mkdirSync(folder, { recursive: true });
  const flags = ['-std=gnu11', '-O2', '-Wall', '-Wextra', '-Werror'];
  execFileSync(process.env.CC ?? 'cc', [...flags, ...defines, '-o', program, source]);
  return program;
}

/** What load.c measured: microseconds. */
export interface Measured {
  readonly requests: number;
  readonly seconds: number;
  readonly p50: number;
  readonly p99: number;
  /** Of all answers together. */
  readonly bytes: number;
  readonly fds: number;
}

/** A folder for sockets and scripts that goes with the process. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'dmabroker-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const folder = temporaryFolder();

/** Plays one script against a server; on the CPU `cpu` alone where one is named. */
export async function load(socket: string, kind: Kind, plan: Plan, cpu?: number) {
  const script = join(folder, 'script');
  writeScript(script, kind, plan);
  const command = [compile('load'), socket, script];
  if (cpu !== undefined) command.unshift('taskset', '-c', String(cpu));
  const [program = '', ...args] = command;
  const { stdout } = await run(program, args);
  return JSON.parse(stdout) as Measured;
}

/** Confines all threads of a process to these CPUs (taskset(1)'s list). */
export function pin(pid: number, list: string): void {
  execFileSync('taskset', ['-acp', list, String(pid)], { stdio: 'ignore' });
}

/** A child that does not outlive the benchmark, however that ends. */
function bound(child: ChildProcess): ChildProcess {
  process.once('exit', () => child.kill('SIGKILL'));
  return child;
}

/** Without a pool, so that each allocation is made when it is asked for; `extra` may say otherwise. */
export async function startDaemon(
  env: NodeJS.ProcessEnv,
  extra: readonly string[] = ['--pool-bytes', '0'],
  wrapper: readonly string[] = [],
): Promise<TestDaemon> {
  const daemon = await TestDaemon.start(extra, { env, wrapper });
  bound(daemon.process);
  return daemon;
}

/** The reference, which answers redeem with these bytes; resolves when it listens. */
export async function startReference(redeemed: Buffer): Promise<Server> {
  const socket = join(folder, 'reference.sock');
  const answer = join(folder, 'answer');
  writeFileSync(answer, redeemed);
  const redeem = requestOpcode(dmabroker_manager_v1, 'redeem');
  const program = compile('reference', [`-DMANAGER=${MANAGER}`, `-DREDEEM=${redeem}`]);
  const stdio = ['ignore', 'pipe', 'inherit'] as const;
  const child = bound(spawn(program, [socket, answer], { stdio: [...stdio] }));
  if (child.stdout === null) throw new Error('no pipe');
  await once(child.stdout, 'data');
  return { socket, pid: child.pid ?? -1, stop: () => end(child) };
}

export interface Server {
  readonly socket: string;
  readonly pid: number;
  stop(): Promise<unknown>;
}

async function end(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  await once(child, 'exit');
}
