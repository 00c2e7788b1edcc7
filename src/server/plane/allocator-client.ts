/**
 * The data plane's side of the allocator: requests go out with a number, replies come back by it.
 */
import type { MessagePort } from 'node:worker_threads';
import type { Choice } from '../../broker/request.js';
import type { BroughtMemory } from '../../broker/surroundings.js';
import { type Asker, NOBODY } from '../../broker/turns.js';
import type { DeviceState } from '../../memory/device.js';
import { fromMessage } from '../../memory/errors.js';
import type { Result } from '../../memory/result.js';
import type { Allocation, Plan } from '../../memory/source.js';
import type { Work, WorkDone } from '../../memory/work.js';
import type { AllocatorReply, AllocatorRequest } from '../words/messages.js';

export class AllocatorClient {
  readonly #waiting = new Map<number, (result: Result<Allocation>) => void>();
  readonly #planning = new Map<number, (result: Result<Plan>) => void>();
  readonly #working = new Map<number, (result: Result<WorkDone>) => void>();
  readonly #opening = new Map<number, (result: Result<DeviceState>) => void>();
  #seq = 0;

  /** Whether nobody waits for an answer. */
  get idle(): boolean {
    const all = [this.#waiting, this.#planning, this.#working, this.#opening];
    return all.every(({ size }) => size === 0);
  }

  /** `defect` is told what went wrong inside the allocator; the client learns only that it did. */
  constructor(
    private readonly port: MessagePort,
    private readonly defect: (stack: string) => void,
  ) {}

  allocate(
    asker: Asker,
    choice: Choice,
    id: string,
    done: (result: Result<Allocation>) => void,
  ): void {
    const seq = ++this.#seq;
    this.#waiting.set(seq, done);
    this.#post({ kind: 'allocate', seq, asker, choice, id });
  }

  plan(asker: Asker, choice: Choice, done: (result: Result<Plan>) => void): void {
    const seq = ++this.#seq;
    this.#planning.set(seq, done);
    this.#post({ kind: 'plan', seq, asker, choice });
  }

  importMemory(
    asker: Asker,
    brought: BroughtMemory,
    done: (result: Result<Allocation>) => void,
  ): void {
    const seq = ++this.#seq;
    this.#waiting.set(seq, done);
    this.#post({ kind: 'import', seq, asker, ...brought });
  }

  openDevice(device: string, done: (result: Result<DeviceState>) => void): void {
    const seq = ++this.#seq;
    this.#opening.set(seq, done);
    this.#post({ kind: 'open', seq, asker: NOBODY, device });
  }

  work(asker: Asker, work: Work, done: (result: Result<WorkDone>) => void): void {
    const seq = ++this.#seq;
    this.#working.set(seq, done);
    this.#post({ kind: 'work', seq, asker, work });
  }

  free({ source, handleType, key, device }: Allocation): void {
    this.#post({ kind: 'free', source, handleType, key, device });
  }

  /** A message from the allocator; from here on the fds in it are this thread's. */
  reply(reply: AllocatorReply): void {
    const { seq } = reply;
    const allocated = this.#waiting.get(seq);
    const planned = this.#planning.get(seq);
    const worked = this.#working.get(seq);
    const opened = this.#opening.get(seq);
    this.#waiting.delete(seq);
    this.#planning.delete(seq);
    this.#working.delete(seq);
    this.#opening.delete(seq);
    if ('error' in reply) {
      if (reply.error.defect !== undefined) this.defect(reply.error.defect);
      const error = fromMessage(reply.error);
      allocated?.({ error });
      planned?.({ error });
      worked?.({ error });
      opened?.({ error });
    } else if ('work' in reply) worked?.(reply.work);
    else if ('opened' in reply) opened?.(reply.opened);
    else if ('plan' in reply) planned?.(reply.plan);
    else allocated?.(reply.allocation);
    if (!allocated && !planned && !worked && !opened)
      throw new Error(`an answer that nobody asked for: ${seq}`);
  }

  #post(request: AllocatorRequest): void {
    this.port.postMessage(request);
  }
}
