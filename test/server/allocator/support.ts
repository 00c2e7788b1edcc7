/**
 * The allocator's thread alone: requests go in, in one go, and the order in which they are answered comes
 * out. What it makes is closed and freed.
 */
import { once } from 'node:events';
import { MessageChannel, Worker } from 'node:worker_threads';
import type { Asker } from '../../../src/broker/turns.js';
import type { Allocation } from '../../../src/memory/source.js';
import type { MemoryReference } from '../../../src/memory/work.js';
import { close } from '../../../src/native/libc/fd.js';
import { eventfd } from '../../../src/native/step.js';
import type {
  AllocatorReply,
  AllocatorRequest,
  DeviceAnswer,
  DeviceNotice,
} from '../../../src/server/words/messages.js';

const THREAD = new URL('../../../src/server/allocator/main.js', import.meta.url);

type Reply = AllocatorReply | DeviceNotice;
/** What is asked, and what it is called in the order of answers. */
export type Asked = readonly [string, (seq: number) => AllocatorRequest];

export class AllocatorThread {
  readonly #channel = new MessageChannel();
  readonly #wake = eventfd();
  readonly #worker: Worker;
  readonly #names = new Map<number, string>();
  readonly #heard: { readonly name: string; readonly reply: Reply | DeviceAnswer }[] = [];
  /** Of what is to be closed at the end. */
  readonly #made: Allocation[] = [];
  #told: () => void = () => {};
  #seq = 0;

  private constructor() {
    const setup = { device: null, wake: this.#wake };
    this.#worker = new Worker(THREAD, {
      workerData: { setup, port: this.#channel.port2 },
      transferList: [this.#channel.port2],
      trackUnmanagedFds: false,
    });
    this.#channel.port1.on('message', (reply: Reply) => {
      if ('seq' in reply) this.#hear(this.#names.get(reply.seq) ?? '?', reply);
    });
  }

  static async start(): Promise<AllocatorThread> {
    const thread = new AllocatorThread();
    await once(thread.#worker, 'message');
    thread.#worker.on('message', (answer: DeviceAnswer) => thread.#hear('device', answer));
    return thread;
  }

  #hear(name: string, reply: Reply | DeviceAnswer): void {
    this.#heard.push({ name, reply });
    if ('allocation' in reply) this.#made.push(reply.allocation);
    this.#told();
  }

  /** Asks for all of it, and what the device is; resolves with the names in the order of the answers. */
  async order(all: readonly Asked[]): Promise<string[]> {
    const before = this.#heard.length;
    for (const [name, request] of all) {
      const seq = ++this.#seq;
      this.#names.set(seq, name);
      this.#channel.port1.postMessage(request(seq));
    }
    this.#worker.postMessage({ seq: 0, about: 'main' });
    const wanted = before + all.length + 1;
    while (this.#heard.length < wanted) {
      await new Promise<void>((resolve) => {
        this.#told = resolve;
      });
    }
    const heard = this.#heard.slice(before);
    for (const { name, reply } of heard) {
      if ('error' in reply) throw new Error(`${name}: ${JSON.stringify(reply.error)}`);
    }
    return heard.map(({ name }) => name);
  }

  /** Memory, as work names it; `free` gives it back. */
  async memory(choice: Parameters<typeof allocation>[1], size: number) {
    await this.order([['memory', allocation({ uid: 0, connection: null }, choice, size)]]);
    const made = this.#made.pop();
    if (made === undefined) throw new Error('no memory');
    const { source: origin, handleType, key, device, planes } = made;
    const fds = planes.map(({ fd }) => fd);
    const reference: MemoryReference = {
      origin,
      handleType,
      key,
      device: device ?? null,
      fds,
      size,
    };
    const free = () => {
      this.#channel.port1.postMessage({ kind: 'free', source: origin, handleType, key, device });
      for (const fd of new Set(fds)) close(fd);
    };
    return { reference, free };
  }

  /** Gives back what was made by `order`, too. */
  async close(): Promise<void> {
    for (const { planes } of this.#made)
      for (const fd of new Set(planes.map((p) => p.fd))) close(fd);
    const ended = once(this.#worker, 'exit');
    this.#channel.port1.close();
    await ended;
    close(this.#wake);
  }
}

/** Linear memory. */
export function allocation(
  asker: Asker,
  { source, handleType }: { readonly source: string; readonly handleType: string },
  size: number,
): (seq: number) => AllocatorRequest {
  const spec = { kind: 'buffer', size, usage: 4 } as const;
  const choice = { source, handleType, spec } as Extract<
    AllocatorRequest,
    { kind: 'allocate' }
  >['choice'];
  return (seq) => ({ kind: 'allocate', seq, asker, choice, id: `a${seq}` });
}

export function filling(
  asker: Asker,
  destination: MemoryReference,
  value = 1,
): (seq: number) => AllocatorRequest {
  const extent = { offset: 0, size: destination.size };
  const work = { kind: 'fill', destination, extent, value } as const;
  return (seq) => ({ kind: 'work', seq, asker, work });
}
