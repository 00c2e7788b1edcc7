/**
 * Clients that allocate, share, map and release without a pause, for judge.ts: each buffer that they were told
 * of has a content of its own, by which it is known again. They go on by themselves when the daemon is killed.
 *
 *   node load.js SOCKET CLIENTS; when it says `ready`, lines on standard input: `pause` is answered with a line of JSON when no call is
 *   under way, `go` has them go on, `end` releases all and ends.
 */
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Client,
  type ClientBuffer,
  ConnectionError,
  connect,
} from '../../../src/client/index.js';

/** What is told of a buffer that a client has. */
export interface Told {
  readonly id: string;
  readonly size: number;
  readonly lifetime: string;
  /** What is wrong with its content, as mapped here and as the daemon reads it; null: nothing. */
  readonly wrong: string | null;
}

export interface LoadReport {
  readonly buffers: readonly Told[];
  /** What calls were rejected with, beside what a restart may do to a redemption. */
  readonly errors: readonly string[];
  readonly calls: number;
  /** Milliseconds without a daemon, of each connection and restart since the last report. */
  readonly down: readonly number[];
}

const LEASE = { lease: 3600 } as const;
const MOST = 4;
const PAGE = 4096;
const PAUSE_MS = 50;

interface Had {
  readonly buffer: ClientBuffer;
  readonly lifetime: string;
  readonly content: Buffer;
}

const [, , socket = '', count = '1'] = process.argv;
let paused = false;
let ending = false;
let calls = 0;
let errors: string[] = [];
let down: number[] = [];
let resume = (): void => {};
let going = Promise.resolve();

function contentFor(id: string): Buffer {
  return Buffer.from(id.repeat(16).slice(0, 64));
}

function differs({ buffer, content }: Had, bytes: Buffer): string | null {
  return bytes.subarray(0, content.length).equals(content)
    ? null
    : `${buffer.id} has another content`;
}

class Worker {
  readonly had: Had[] = [];
  busy = false;
  #random: number;

  constructor(
    readonly client: Client,
    seed: number,
  ) {
    this.#random = seed;
    let since = 0;
    client.onDisconnected(() => {
      since = performance.now();
    });
    client.onReconnected(() => down.push(performance.now() - since));
  }

  #below(n: number): number {
    this.#random = (this.#random * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((this.#random / 2 ** 31) * n);
  }

  async run(others: readonly Worker[]): Promise<void> {
    while (!ending) {
      await going;
      this.busy = true;
      try {
        await this.#step(others);
      } catch (error) {
        errors.push(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
        await sleep(50);
      } finally {
        this.busy = false;
      }
      // The guest has one CPU for them, the daemon and the service manager.
      await sleep(PAUSE_MS);
    }
  }

  async #step(others: readonly Worker[]): Promise<void> {
    calls++;
    if (this.had.length >= MOST) {
      const [{ buffer }] = this.had.splice(this.#below(this.had.length), 1) as [Had];
      await buffer.release();
      return;
    }
    const lifetime = (['connection', 'until_released', LEASE] as const)[this.#below(3)] ?? LEASE;
    const size = PAGE * (1 + this.#below(4));
    const buffer = await this.client.allocate({ kind: 'buffer', size, lifetime });
    const content = contentFor(buffer.id);
    const mapping = buffer.map();
    content.copy(mapping.bytes);
    mapping.unmap();
    const had = { buffer, lifetime: typeof lifetime === 'object' ? 'lease' : lifetime, content };
    this.had.push(had);
    const other = others[this.#below(others.length)];
    if (other !== undefined && this.#below(2) === 0) await this.#share(had, other);
  }

  async #share(had: Had, other: Worker): Promise<void> {
    const token = await had.buffer.share();
    let redeemed: ClientBuffer;
    try {
      redeemed = await other.client.redeem(token);
    } catch (error) {
      // Whether the daemon of before has counted it, nobody knows.
      if (error instanceof ConnectionError) return;
      throw error;
    }
    const mapping = redeemed.map({ write: false });
    const problem = differs(had, mapping.bytes);
    mapping.unmap();
    await redeemed.close();
    if (problem !== null) errors.push(`redeemed: ${problem}`);
  }

  async told(): Promise<Told[]> {
    return Promise.all(
      this.had.map(async (had) => {
        const { buffer, lifetime } = had;
        const mapping = buffer.map({ write: false });
        const mapped = differs(had, mapping.bytes);
        mapping.unmap();
        const gone = buffer.gone ?? buffer.released;
        const wrong = gone === null ? mapped : `${buffer.id} is gone: ${String(gone)}`;
        const read = wrong ?? differs(had, (await buffer.read({ size: 64 })).bytes);
        return { id: buffer.id, size: buffer.size, lifetime, wrong: read };
      }),
    );
  }
}

const workers: Worker[] = [];
for (let i = 0; i < Number(count); i++) {
  workers.push(new Worker(await connect({ socket }), process.pid * 100 + i));
}
let steps: Promise<void>[] = [];
console.log('ready');

function go(): void {
  paused = false;
  going = Promise.resolve();
  resume();
}

function pause(): void {
  paused = true;
  going = new Promise((resolve) => {
    resume = resolve;
  });
}

/** The steps that are under way are waited for. */
async function report(): Promise<LoadReport> {
  while (workers.some(({ busy }) => busy)) await sleep(10);
  await Promise.all(workers.map(({ client }) => client.sync()));
  const buffers = (await Promise.all(workers.map((each) => each.told()))).flat();
  const found = { buffers, errors, calls, down };
  errors = [];
  down = [];
  return found;
}

for await (const line of createInterface(process.stdin)) {
  if (line === 'go') {
    if (steps.length === 0) steps = workers.map((worker) => worker.run(workers));
    if (paused) go();
  } else if (line === 'pause') {
    pause();
    console.log(JSON.stringify(await report()));
  } else if (line === 'end') {
    ending = true;
    go();
    await Promise.all(steps);
    for (const { had, client } of workers) {
      for (const { buffer } of had) await buffer.release();
      client.close();
    }
    console.log(JSON.stringify({ buffers: [], errors, calls, down } satisfies LoadReport));
    break;
  }
}
