/**
 * The C programs of the benchmarks: compiled where they are missing or older than their source (the
 * guest has no compiler and takes the host's), started, pinned to CPUs, ended by their own process.
 */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../../src/package-root.js';
import { dmabroker_manager_v1, dmabroker_params_v1 } from '../../src/protocol/dmabroker-v1.gen.js';
import { TestDaemon } from '../../test/support/daemon.js';
import { type Kind, MANAGER, PARAMS, type Plan, requestOpcode, writeScript } from './script.js';

const run = promisify(execFile);

/** The folder of what is compiled here; a guest has what the host has made. */
const compiled = join(packageRoot, 'build', 'bench');

/** Compiles bench/c/<name>.c with `sources` beside it, unless the program is younger than all of them. */
export function compile(
  name: string,
  { sources = [], flags = [] }: { sources?: readonly string[]; flags?: readonly string[] } = {},
): string {
  const files = [`${name}.c`, ...sources].map((file) => join(packageRoot, 'bench', 'c', file));
  const program = join(compiled, name);
  const made = existsSync(program) ? statSync(program).mtimeMs : 0;
  if (files.every((file) => made > statSync(file).mtimeMs)) return program;
  mkdirSync(compiled, { recursive: true });
  const common = ['-std=gnu11', '-O2', '-Wall', '-Wextra', '-Werror', '-o', program];
  const inputs = files.filter((file) => file.endsWith('.c'));
  execFileSync(process.env.CC ?? 'cc', [...common, ...inputs, ...flags]);
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

const folders = new Set<string>();
const children = new Set<ChildProcess>();
/** What a benchmark that has failed leaves running. */
export async function endAll(): Promise<void> {
  await Promise.all([...children].map((child) => end(child, 'SIGKILL')));
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => process.exit(1));
}
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder for sockets and scripts that goes with the process. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'dmabroker-bench-'));
  folders.add(folder);
  return folder;
}

const folder = temporaryFolder();

/** Plays one script against a server; on the CPU `cpu` alone where one is named. */
export async function load(socket: string, kind: Kind, plan: Plan, cpu?: number) {
  const script = join(folder, `script-${process.pid}-${++scripts}`);
  writeScript(script, kind, plan);
  try {
    return await play<Measured>([compile('load'), socket, script], cpu);
  } finally {
    rmSync(script);
  }
}

let scripts = 0;

/** Runs a program that prints one line of JSON; on the CPU `cpu` alone where one is named. */
export async function play<T>(
  argv: readonly string[],
  cpu?: number,
  env: NodeJS.ProcessEnv = {},
): Promise<T> {
  const [program = '', ...args] = cpu === undefined ? argv : ['taskset', '-c', `${cpu}`, ...argv];
  const { stdout } = await run(program, args, { env: { ...process.env, ...env } });
  return JSON.parse(stdout) as T;
}

/** The CPUs that this process may use, as a list of taskset(1)'s, and the first of them. */
const allowed =
  /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
export const ONE_CPU = Number.parseInt(allowed, 10);

/** Confines all threads of a process to that one, or lets them have all again. */
export function pin(pid: number, oneCpu: boolean): void {
  const list = oneCpu ? `${ONE_CPU}` : allowed;
  execFileSync('taskset', ['-acp', list, String(pid)], { stdio: 'ignore' });
}

/** A child that does not outlive the benchmark, however that ends. */
export function bound(child: ChildProcess): ChildProcess {
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

/**
 * Its log has a reader that takes next to nothing, as journald: a line of the audit for each hand-off, parsed in
 * this process, would be measured, too.
 */
export const QUIET_LOG = [
  'bash',
  '-c',
  `exec "$@" 2> >(grep --line-buffered -v '"component":"audit"' >&2)`,
  'bash',
] as const;

/** Without a pool, so that each allocation is made when it is asked for; `extra` may say otherwise. */
export async function startDaemon(
  env: NodeJS.ProcessEnv,
  extra: readonly string[] = ['--pool-bytes', '0'],
): Promise<TestDaemon> {
  const daemon = await TestDaemon.start(extra, { env, wrapper: QUIET_LOG });
  bound(daemon.process);
  return daemon;
}

/** How reference.c comes by the memory that is asked for. */
export type Making = 'memfd' | 'vulkan' | 'ready';

/** Whether bench/c/reference.c can be asked for dma_bufs is found out when it starts: it ends where not. */
const opcodes = {
  MANAGER,
  PARAMS,
  REDEEM: requestOpcode(dmabroker_manager_v1, 'redeem'),
  SET_BUFFER: requestOpcode(dmabroker_params_v1, 'set_buffer'),
  CREATE: requestOpcode(dmabroker_params_v1, 'create'),
};

export function compileReference(): string {
  const sources = ['vulkan-memory.c', 'vulkan-memory.h'];
  const flags = Object.entries(opcodes).map(([name, value]) => `-D${name}=${value}`);
  return compile('reference', { sources, flags });
}

/** The reference, which answers redeem and create with these bytes; resolves when it listens. */
export async function startReference(
  answer: Buffer,
  making: Making = 'memfd',
  readyBytes = 0,
): Promise<Server> {
  const name = join(folder, `reference-${++references}`);
  writeFileSync(`${name}.answer`, answer);
  const args = [`${name}.sock`, `${name}.answer`, making];
  const env = { ...process.env, READY: `${readyBytes}` };
  const child = bound(
    spawn(compileReference(), args, { env, stdio: ['ignore', 'pipe', 'inherit'] }),
  );
  if (child.stdout === null) throw new Error('no pipe');
  const [said] = await Promise.race([
    once(child.stdout, 'data'),
    once(child, 'exit').then(() => [null]),
  ]);
  if (said === null) throw new Error(`the reference has ended: ${child.exitCode}`);
  return { socket: `${name}.sock`, pid: child.pid ?? -1, stop: () => end(child) };
}

let references = 0;

export interface Server {
  readonly socket: string;
  readonly pid: number;
  stop(): Promise<unknown>;
}

export async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
}
