/**
 * Clients in processes of their own, as users of the machine: told what to do over IPC, and killed.
 */
import { type ChildProcess, execFileSync, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { ClaimTerms, CommitTerms, ShareTerms } from '../../src/client/index.js';
import type { ErrorCode, Refusal } from '../../src/memory/errors.js';
import type { HandleType } from '../../src/memory/source.js';
import { TestDaemon } from './daemon.js';
import { programFile } from './programs.js';

export type ActorLifetime = 'connection' | 'until_released' | { readonly lease: number };

export interface SharedOptions {
  readonly toml?: string;
  readonly wrapper?: readonly string[];
  /** Who runs it, root if not given: one without rights, and in the group dmabroker. */
  readonly user?: string;
}

/** A daemon that is open to the group dmabroker: alice and bob of the guest. It ends with the test. */
export async function sharedDaemon(
  t: Test,
  { toml = '', wrapper = [], user }: SharedOptions = {},
): Promise<TestDaemon> {
  const folder = mkdtempSync(join(tmpdir(), 'dmabroker-test-'));
  chmodSync(folder, 0o755);
  const config = join(folder, 'dmabrokerd.toml');
  writeFileSync(config, `[clients]\ngroup = "dmabroker"\n[rest]\ngroup = "dmabroker"\n${toml}`);
  const as = ['setpriv', `--reuid=${user}`, `--regid=${user}`, `--groups=${user},dmabroker`];
  if (user !== undefined) chownSync(folder, uidOf(user), 0);
  const daemon = await TestDaemon.start(['--config', config], {
    folder,
    wrapper: user === undefined ? wrapper : [...as, ...wrapper],
  });
  t.teardown(() => daemon.stop('SIGKILL'));
  return daemon;
}

/** `number` names one of the actor's buffers. */
export type Order =
  | { what: 'connect' }
  | {
      what: 'allocate';
      size: number;
      source: string;
      lifetime: ActorLifetime;
      /** By default a memfd of the source of that name, a dma_buf of any other. */
      handleType?: HandleType;
      /** One memory as all of these, in place of that. */
      handleTypes?: readonly HandleType[];
      device?: string;
      lastingName?: string;
    }
  | { what: 'share'; number: number; terms: ShareTerms }
  | { what: 'redeem'; token: string }
  /** By its lasting name; answered with its revision, too. */
  | { what: 'claim'; name: string; terms: ClaimTerms }
  | { what: 'commit'; number: number; terms: CommitTerms }
  | { what: 'map' | 'close' | 'release'; number: number }
  | { what: 'fill'; number: number; value: number }
  | { what: 'copy'; number: number; from: number }
  /** Its first 32 bits. */
  | { what: 'word'; number: number }
  | { what: 'renew'; number: number; seconds: number }
  /** What the daemon has said of it: Said. */
  | { what: 'said'; number: number }
  /** Brings the buffer's memory back as one of its own. */
  | { what: 'import'; number: number }
  /** Keeps a mapping alone, or an fd in a message that nobody receives. */
  | { what: 'onlyMap' | 'onlySend'; number: number }
  /** Starts a process that has the fd, and answers with its pid. */
  | { what: 'pass'; number: number }
  | { what: 'rest'; method: string; path: string }
  /** The same, answered with all of it (`RestAnswer`). */
  | { what: 'ask'; method: string; path: string; body?: unknown }
  /** Opens `/v1/events`; `followed` is answered with what has come. */
  | { what: 'follow' | 'followed' };

export interface Said {
  readonly recalled: string | null;
  readonly released: string | null;
}

/** The number of a user of the guest. */
export const uidOf = (user: string) =>
  Number(execFileSync('id', ['-u', user], { encoding: 'utf8' }));

/** The number of a group of the guest. */
export const gidOf = (group: string) =>
  Number(execFileSync('getent', ['group', group], { encoding: 'utf8' }).split(':')[2]);

/** A buffer that an actor got, under its number. */
export interface Got {
  readonly number: number;
  readonly id: string;
  readonly size: number;
}

export interface Answer {
  readonly seq: number;
  readonly value?: unknown;
  readonly error?: { code: string; message: string; refusal: Refusal };
}

/** What an actor was refused, or failed with: a code of the catalogue or of errno. */
export class ActorError extends Error {
  constructor(
    readonly code: ErrorCode | string,
    message: string,
    readonly refusal: Refusal,
  ) {
    super(message);
  }
}

/**
 * Starts a program of support/programs; as another user it takes root, and one by number is in no
 * group. The caller ends it.
 */
export function startAs(
  user: string | number | null,
  program: string,
  args: readonly string[],
  stdio: StdioOptions,
): ChildProcess {
  const file = programFile(program);
  return spawnAs(user, [process.execPath, file, ...args], stdio);
}

/** Starts any program so. */
export function spawnAs(
  user: string | number | null,
  argv: readonly string[],
  stdio: StdioOptions,
): ChildProcess {
  const groups = typeof user === 'number' ? '--clear-groups' : '--init-groups';
  const as = ['setpriv', `--reuid=${user}`, `--regid=${user}`, groups];
  const [first = '', ...others] = user === null ? argv : [...as, ...argv];
  return spawn(first, others, { stdio });
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class Actor {
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;

  private constructor(
    readonly process: ChildProcess,
    readonly user: string | number | null,
  ) {
    process.on('message', ({ seq, value, error }: Answer) => {
      const waiting = this.#waiting.get(seq);
      this.#waiting.delete(seq);
      if (error === undefined) waiting?.resolve(value);
      else waiting?.reject(new ActorError(error.code, error.message, error.refusal));
    });
    process.once('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the actor has gone'));
    });
  }

  static start(daemon: TestDaemon, user: string | number | null = null): Actor {
    const sockets = [daemon.clientSocket, daemon.restSocket];
    return new Actor(
      startAs(user, 'actor', sockets, ['ignore', 'inherit', 'inherit', 'ipc']),
      user,
    );
  }

  /** One that is connected, and ends, at the latest, with the test. */
  static async connected(t: Test, daemon: TestDaemon, user: string | null = null): Promise<Actor> {
    const actor = Actor.start(daemon, user);
    t.teardown(() => actor.end('kill'));
    await actor.tell({ what: 'connect' });
    return actor;
  }

  get pid(): number {
    return this.process.pid ?? -1;
  }

  /** Rejects with ActorError. */
  tell<T>(order: Order): Promise<T> {
    const seq = ++this.#last;
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(seq, { resolve: (value) => resolve(value as T), reject });
      this.process.send({ seq, order });
    });
  }

  /** What it is refused. */
  async refused(order: Order): Promise<ActorError> {
    try {
      await this.tell(order);
    } catch (error) {
      if (error instanceof ActorError) return error;
      throw error;
    }
    throw new Error(`${order.what} was not refused`);
  }

  /** Allocates until it is refused; what it got, and the refusal. */
  async takeAll(source: string, size: number): Promise<{ got: Got[]; refused: ActorError }> {
    const got: Got[] = [];
    for (;;) {
      try {
        got.push(await this.allocate(source, size));
      } catch (refused) {
        if (refused instanceof ActorError) return { got, refused };
        throw refused;
      }
    }
  }

  allocate(source: string, size: number, lifetime: ActorLifetime = 'connection'): Promise<Got> {
    return this.tell({ what: 'allocate', source, size, lifetime });
  }

  /** Resolves when its process has gone. `leave`: it ends by itself. */
  async end(how: 'kill' | 'leave'): Promise<void> {
    const { process: child } = this;
    if (child.exitCode !== null || child.signalCode !== null) return;
    if (how === 'kill') child.kill('SIGKILL');
    else child.disconnect();
    await once(child, 'exit');
  }
}
