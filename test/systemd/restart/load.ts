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
  /** When its lease ends, in milliseconds since 1970. */
  readonly endsAt: number | null;
  /** Tokens that can still be redeemed. */
  readonly tokens: number;
  /** Connections that have it, its owner's too. */
  readonly holders: number;
  /** What is wrong with its content, as mapped here and as the daemon reads it, or with what others have; null: nothing. */
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
const USES = 1000;
const PAGE = 4096;
const PAUSE_MS = 100;

interface Had {
  readonly buffer: ClientBuffer;
  readonly lifetime: string;
  readonly content: Buffer;
  /** For many redemptions, where there is one. */
  readonly token: string | null;
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

/** What is wrong with what somebody else has of it. */
function isHeld({ buffer, of }: { readonly buffer: ClientBuffer; readonly of: Had }) {
  if (buffer.id !== of.buffer.id) return `${of.buffer.id} is ${buffer.id} with another`;
  if (buffer.gone !== null) return `${buffer.id} is gone with another: ${String(buffer.gone)}`;
  const mapping = buffer.map({ write: false });
  const wrong = differs(of, mapping.bytes);
  mapping.unmap();
  return wrong;
}

class Worker {
  readonly had: Had[] = [];
  /** Of another's, until that one releases it. */
  received: { readonly buffer: ClientBuffer; readonly of: Had } | null = null;
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
      const [had] = this.had.splice(this.#below(this.had.length), 1) as [Had];
      for (const other of others) if (other.received?.of === had) await other.receive(null);
      await had.buffer.release();
      return;
    }
    const lifetime = (['connection', 'until_released', LEASE] as const)[this.#below(3)] ?? LEASE;
    const size = PAGE * (1 + this.#below(4));
    const buffer = await this.client.allocate({ kind: 'buffer', size, lifetime });
    const content = contentFor(buffer.id);
    const mapping = buffer.map();
    content.copy(mapping.bytes);
    mapping.unmap();
    const token = this.#below(2) === 0 ? await buffer.share({ uses: USES }) : null;
    const kept = typeof lifetime === 'object' ? 'lease' : lifetime;
    const had = { buffer, lifetime: kept, content, token };
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
    if (this.#below(2) === 0) await other.receive({ buffer: redeemed, of: had });
    else await redeemed.close();
    if (problem !== null) errors.push(`redeemed: ${problem}`);
  }

  async receive(received: Worker['received']): Promise<void> {
    const before = this.received;
    this.received = received;
    await before?.buffer.close();
  }

  async told(others: readonly Worker[]): Promise<Told[]> {
    const shared = this.had.find(({ token }) => token !== null);
    const token = shared === undefined ? null : await this.#redeems(shared);
    return Promise.all(
      this.had.map(async (had) => {
        const holders = others.filter(({ received }) => received?.of === had);
        const { buffer, lifetime } = had;
        const mapping = buffer.map({ write: false });
        const mapped = differs(had, mapping.bytes);
        mapping.unmap();
        const gone = buffer.gone ?? buffer.released;
        const wrong = gone === null ? mapped : `${buffer.id} is gone: ${String(gone)}`;
        const read = wrong ?? differs(had, (await buffer.read({ size: 64 })).bytes);
        const held = holders.map(({ received }) => (received === null ? null : isHeld(received)));
        const left = buffer.leaseSecondsLeft;
        return {
          ...{ id: buffer.id, size: buffer.size, lifetime },
          endsAt: left === null ? null : Date.now() + left * 1000,
          tokens: had.token === null ? 0 : 1,
          holders: new Set([this, ...holders]).size,
          wrong: read ?? held.find((each) => each !== null) ?? (had === shared ? token : null),
        };
      }),
    );
  }

  /** What is wrong with what a token of before leads to. */
  async #redeems(had: Had): Promise<string | null> {
    const redeemed = await this.client.redeem(had.token ?? '');
    const wrong = isHeld({ buffer: redeemed, of: had });
    // This connection has it twice now, and once again.
    await redeemed.close();
    return wrong;
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
  const buffers = (await Promise.all(workers.map((each) => each.told(workers)))).flat();
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
    for (const worker of workers) await worker.receive(null);
    for (const { had, client } of workers) {
      for (const { buffer } of had) await buffer.release();
      client.close();
    }
    console.log(JSON.stringify({ buffers: [], errors, calls, down } satisfies LoadReport));
    break;
  }
}
