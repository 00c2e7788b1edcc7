/**
 * Clients in processes of their own, as users of the machine: told what to do over IPC, and killed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { ErrorCode, Refusal } from '../../src/broker/errors.js';
import type { HandleType } from '../../src/broker/source.js';
import type { ShareTerms } from '../../src/client/index.js';
import { packageRoot } from '../../src/package-root.js';
import { TestDaemon } from './daemon.js';

export type ActorLifetime = 'connection' | 'until_released' | { readonly lease: number };

/** root's daemon, open to the group dmabroker: alice and bob of the guest. It ends with the test. */
export async function sharedDaemon(
  t: Test,
  { toml = '', wrapper = [] }: { toml?: string; wrapper?: readonly string[] } = {},
): Promise<TestDaemon> {
  const folder = mkdtempSync(join(tmpdir(), 'dmabroker-test-'));
  chmodSync(folder, 0o755);
  const config = join(folder, 'dmabrokerd.toml');
  writeFileSync(config, `[clients]\ngroup = "dmabroker"\n[rest]\ngroup = "dmabroker"\n${toml}`);
  const daemon = await TestDaemon.start(['--config', config], { folder, wrapper });
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
      device?: string;
    }
  | { what: 'share'; number: number; terms: ShareTerms }
  | { what: 'redeem'; token: string }
  | { what: 'map' | 'close' | 'release'; number: number }
  | { what: 'fill'; number: number; value: number }
  | { what: 'copy'; number: number; from: number }
  /** Its first 32 bits. */
  | { what: 'word'; number: number }
  | { what: 'renew'; number: number; seconds: number }
  | { what: 'rest'; method: string; path: string }
  /** The same, answered with all of it (`RestAnswer`). */
  | { what: 'ask'; method: string; path: string; body?: unknown }
  /** Opens `/v1/events`; `followed` is answered with what has come. */
  | { what: 'follow' | 'followed' }
  /** Connects so often, waits for each, and keeps all. */
  | { what: 'flood'; count: number }
  /** Connects so often and says nothing. */
  | { what: 'hang'; count: number };

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

const program = join(packageRoot, 'dist', 'test', 'support', 'programs', 'actor.js');

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

  /** As another user it takes root; one by number is in no group. The caller ends it. */
  static start(daemon: TestDaemon, user: string | number | null = null): Actor {
    const groups = typeof user === 'number' ? '--clear-groups' : '--init-groups';
    const as = ['setpriv', `--reuid=${user}`, `--regid=${user}`, groups];
    const node = [process.execPath, program, daemon.clientSocket, daemon.restSocket];
    const [first = '', ...others] = user === null ? node : [...as, ...node];
    return new Actor(
      spawn(first, others, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }),
      user,
    );
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
