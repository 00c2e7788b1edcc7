/**
 * A real dmabrokerd in a folder of its own, for tests: started, waited for, asked over REST, stopped,
 * and its open fds counted.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { Test } from 'tap';
import { packageRoot } from '../../src/package-root.js';
import type { BufferInfo, ClientInfo } from '../../src/rest/contract.js';
import { atNight } from './night.js';
import { ask, type RestAnswer } from './rest.js';

export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface StartOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** A program that starts another, with its arguments: `['prlimit', '--nofile=64']`. */
  readonly wrapper?: readonly string[];
  /** For its sockets; by default one of its own. Removed when it is stopped. */
  readonly folder?: string;
  /** What Node runs; by default bin/dmabrokerd.js. */
  readonly program?: string;
  /** It has copies of these from 3 on. */
  readonly fds?: readonly number[];
  /** Clients of an earlier one in the folder connect as soon as they can: its sockets are not counted. */
  readonly awaited?: boolean;
}

const program = join(packageRoot, 'bin', 'dmabrokerd.js');

/** No Vulkan driver is found: memory comes from the memfd source, on every machine alike. */
export const withoutVulkan: NodeJS.ProcessEnv = {
  ...process.env,
  VK_DRIVER_FILES: '/nonexistent',
  VK_ICD_FILENAMES: '/nonexistent',
};

const LOG_ERROR = 50;

/** Now and then the daemon opens a file of /proc for a moment. */
const LOOKS = 10;

export class TestDaemon {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  private constructor(
    readonly process: ChildProcess,
    readonly folder: string,
    readonly clientSocket: string,
    readonly restSocket: string,
    /** What it has logged until now. */
    readonly log: readonly LogLine[],
  ) {}

  /** Resolves when it says `ready`; rejects with its log when it ends before. */
  static async start(
    extra: readonly string[] = [],
    options: StartOptions = {},
  ): Promise<TestDaemon> {
    const { env = process.env, wrapper = [] } = options;
    const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'dmabroker-test-'));
    const client = join(folder, 'client.sock');
    const rest = join(folder, 'rest.sock');
    const sockets = ['--socket', client, '--rest-socket', rest];
    const run = options.program ?? program;
    const node = [process.execPath, run, ...sockets, '--log-level', 'debug', ...extra];
    const [first = '', ...others] = [...wrapper, ...node];
    // Nothing of the user's own state is read or changed.
    const state = { XDG_STATE_HOME: folder, STATE_DIRECTORY: join(folder, 'state') };
    const child = spawn(first, others, {
      env: { ...state, ...env },
      stdio: ['ignore', 'inherit', 'pipe', ...(options.fds ?? [])],
    });
    const log: LogLine[] = [];
    await new Promise<void>((resolve, reject) => {
      child.once('exit', (code) => {
        reject(new Error(`dmabrokerd ended with ${code}: ${log.map(({ msg }) => msg).join('\n')}`));
      });
      if (child.stderr === null) throw new Error('no pipe');
      createInterface(child.stderr).on('line', (line) => {
        const entry = parse(line);
        log.push(entry);
        if (entry.msg === 'ready') resolve();
      });
    });
    child.removeAllListeners('exit');
    const daemon = new TestDaemon(child, folder, client, rest, log);
    // `ready` is logged a moment before signals are handled and while the data plane still starts:
    // what it has answered for both is after that.
    // Meanwhile the data plane connects to a service manager.
    const before = daemon.#openSockets() + (env.NOTIFY_SOCKET === undefined ? 0 : 1);
    try {
      await daemon.rest('GET', '/v1/clients');
      // Fewer: one of Node's own, of its debugger's say, was open for a moment.
      const isQuiet = () => options.awaited === true || daemon.#openSockets() <= before;
      await eventually(
        isQuiet,
        () => `the connection is closed: ${daemon.#openSockets()} sockets, not ${before}`,
      );
    } catch (error) {
      // Nobody has it yet who would end it.
      child.kill('SIGKILL');
      throw error;
    }
    return daemon;
  }

  /** One without Vulkan that ends, at the latest, with the test. */
  static async memfd(
    t: Test,
    options: Omit<StartOptions, 'env'> = {},
    extra: readonly string[] = [],
  ): Promise<TestDaemon> {
    const daemon = await TestDaemon.start(extra, { ...options, env: withoutVulkan });
    // Of the end in good order, a fifth of what a start costs, there are tests; by night it is every daemon's.
    t.teardown(() => daemon.stop(atNight('SIGKILL', 'SIGTERM')));
    return daemon;
  }

  get pid(): number {
    return this.process.pid ?? -1;
  }

  /** What it logged as an error or worse. */
  get errors(): LogLine[] {
    return this.log.filter(({ level }) => level >= LOG_ERROR);
  }

  /** How many fds it has open now. */
  openFds(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  /** How many of them are what is wanted, by what /proc/PID/fd says of them. */
  openFdsThat(wanted: (target: string) => boolean): number {
    const folder = `/proc/${this.pid}/fd`;
    return readdirSync(folder).filter((fd) => {
      try {
        return wanted(readlinkSync(join(folder, fd)));
      } catch {
        return false; // It was closed just now.
      }
    }).length;
  }

  #openSockets(): number {
    return this.openFdsThat((target) => target.startsWith('socket:'));
  }

  /** Resident memory in bytes (proc(5), VmRSS). */
  memory(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  }

  /** A request over a connection of its own. */
  rest(method: string, path: string, body?: unknown): Promise<RestAnswer> {
    return ask({ socketPath: this.restSocket, method, path, agent: false }, body);
  }

  /** A request over the one connection that is kept, so that the daemon's fds can be counted. */
  async #get(path: string, method = 'GET'): Promise<RestAnswer> {
    const { restSocket: socketPath } = this;
    const kept = { socketPath, method, path, agent: this.#agent };
    try {
      return await ask(kept);
    } catch (error) {
      // The daemon closes a connection that was idle for long; the agent may not know it yet.
      if (!(error instanceof Error && 'code' in error)) throw error;
      if (error.code !== 'EPIPE' && error.code !== 'ECONNRESET') throw error;
      this.#agent.destroy();
      return await ask(kept);
    }
  }

  clients = (): Promise<ClientInfo[]> => this.#list('/v1/clients?limit=1000');
  buffers = (): Promise<BufferInfo[]> => this.#list('/v1/buffers?limit=1000');

  /** All pages of a list. */
  async #list<T>(first: string): Promise<T[]> {
    const all: T[] = [];
    for (let path: string | undefined = first; path !== undefined; ) {
      const { body, next }: RestAnswer = await this.#get(path);
      if (!Array.isArray(body)) throw new Error(`${path}: ${JSON.stringify(body)}`);
      all.push(...(body as T[]));
      path = next;
    }
    return all;
  }

  /** Frees the spares, over the connection that is kept; whether there was nothing to free. */
  async drained(): Promise<boolean> {
    if ((await this.#get('/v1/pool')).body.specs.length === 0) return true;
    await this.#get('/v1/pool', 'DELETE');
    return false;
  }

  /** How many fds it has without clients and spares; for `settled`. */
  async idleFds(): Promise<number> {
    await eventually(async () => (await this.clients()).length === 0, 'all clients have left');
    await eventually(() => this.drained(), 'there are no spares');
    let fewest = this.openFds();
    // On a busy machine the threads that close take their time.
    for (let look = 0; look < LOOKS; look++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      const now = this.openFds();
      if (now < fewest) look = 0;
      fewest = Math.min(fewest, now);
    }
    return fewest;
  }

  /** Waits until it has no clients, no buffers, no spares, and as many fds as before. */
  async settled(fds: number): Promise<void> {
    let left = '';
    const nothing = async () => {
      await this.drained();
      const [clients, buffers] = [await this.clients(), await this.buffers()];
      left = `${clients.length} clients, ${buffers.length} buffers, ${this.openFds()} fds`;
      return clients.length === 0 && buffers.length === 0 && this.openFds() === fds;
    };
    await eventually(nothing, () => `${left}; not 0, 0 and ${fds}`);
  }

  /** Waits until no buffer is live, and no more fds are open than before and for what others hold. */
  async released(before: number): Promise<void> {
    const live = '/v1/buffers?state=live';
    const isEmpty = async () => (await this.rest('GET', live)).body.length === 0;
    await eventually(isEmpty, 'the buffers are released');
    await this.drained();
    // One fd is kept of each memory that is still held, two of NV12 in two; one connection asks.
    const held = (await this.rest('GET', '/v1/buffers')).body.length;
    await eventually(
      () => this.openFds() <= before + 1 + 2 * held,
      'the daemon closed what it opened',
    );
  }

  /** Stops every thread of it, which a signal that was sent has not done yet; SIGCONT has it go on. */
  async standStill(): Promise<void> {
    const folder = `/proc/${this.pid}/task`;
    const stands = (task: string) => /\) T /.test(readFileSync(`${folder}/${task}/stat`, 'utf8'));
    this.process.kill('SIGSTOP');
    await eventually(() => readdirSync(folder).every(stands), 'every thread of it stands still');
  }

  /**
   * Ends it with a signal, also when it stands still, and leaves its folder: `start` with that makes another at the same
   * sockets. Resolves with its exit status (null if the signal ended it).
   */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const { process: child } = this;
    this.#agent.destroy();
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal);
      child.kill('SIGCONT');
      await once(child, 'exit');
    }
    return child.exitCode;
  }

  /** The same, and removes its folder. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const status = await this.end(signal);
    rmSync(this.folder, { recursive: true, force: true });
    return status;
  }
}

/** Runs the daemon until it ends by itself. */
export async function runDaemon(...args: string[]) {
  const state = mkdtempSync(join(tmpdir(), 'dmabroker-state-'));
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...withoutVulkan, STATE_DIRECTORY: state },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = once(child, 'close') as Promise<[number | null]>;
  const [stdout, stderr, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    closed,
  ]);
  rmSync(state, { recursive: true, force: true });
  return { status, stdout, stderr };
}

/** What is no JSON (a warning of Node's) is a line of its own, so that a test can find it. */
function parse(line: string): LogLine {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return { level: 0, msg: line };
  }
}

/** How often it is looked for something: what has not come soon may take its time, and a look is a request often. */
const LOOK_MS = 10;
const SOON = 50;
const LATER_MS = 40;

/** Waits until `condition` holds; fails with `what` after some twenty seconds (more where looks take theirs). */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  what: string | (() => string),
  attempts = 1000,
): Promise<void> {
  // One of the later ones is counted as two.
  for (let attempt = 0; attempt < attempts; attempt += attempt < SOON ? 1 : 2) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, attempt < SOON ? LOOK_MS : LATER_MS));
  }
  throw new Error(`never came true: ${typeof what === 'string' ? what : what()}`);
}
