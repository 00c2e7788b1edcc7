/**
 * The data plane's side of the allocator: requests go out with a number, replies come back by it.
 */
import type { MessagePort } from 'node:worker_threads';
import type { Choice } from '../../broker/request.js';
import type { BroughtMemory } from '../../broker/surroundings.js';
import { type Asker, NOBODY } from '../../broker/turns.js';
import type { DeviceState } from '../../memory/device.js';
import { fromMessage } from '../../memory/errors.js';
import type { Done } from '../../memory/result.js';
import type { Allocation, Plan } from '../../memory/source.js';
import type { Work, WorkDone } from '../../memory/work.js';
import type { AllocatorReply, AllocatorRequest } from '../words/messages.js';

type Answered = Done<object>;

export class AllocatorClient {
  /** By the number of the request; each is answered with what it asked for. */
  readonly #waiting = new Map<number, Answered>();
  #seq = 0;

  /** Whether nobody waits for an answer. */
  get idle(): boolean {
    return this.#waiting.size === 0;
  }

  /** `defect` is told what went wrong inside the allocator; the client learns only that it did. */
  constructor(
    private readonly port: MessagePort,
    private readonly defect: (stack: string) => void,
  ) {}

  allocate(asker: Asker, choice: Choice, id: string, done: Done<Allocation>): void {
    const seq = this.#waitFor(done);
    this.#post({ kind: 'allocate', seq, asker, choice, id });
  }

  plan(asker: Asker, choice: Choice, done: Done<Plan>): void {
    const seq = this.#waitFor(done);
    this.#post({ kind: 'plan', seq, asker, choice });
  }

  importMemory(asker: Asker, brought: BroughtMemory, done: Done<Allocation>): void {
    const seq = this.#waitFor(done);
    this.#post({ kind: 'import', seq, asker, ...brought });
  }

  openDevice(device: string, done: Done<DeviceState>): void {
    const seq = this.#waitFor(done);
    this.#post({ kind: 'open', seq, asker: NOBODY, device });
  }

  work(asker: Asker, work: Work, done: Done<WorkDone>): void {
    const seq = this.#waitFor(done);
    this.#post({ kind: 'work', seq, asker, work });
  }

  free({ source, handleType, key, device }: Allocation): void {
    this.#post({ kind: 'free', source, handleType, key, device });
  }

  /** A message from the allocator; from here on the fds in it are this thread's. */
  reply(reply: AllocatorReply): void {
    const { seq } = reply;
    const done = this.#waiting.get(seq);
    this.#waiting.delete(seq);
    if (done === undefined) throw new Error(`an answer that nobody asked for: ${seq}`);
    if ('error' in reply) {
      if (reply.error.defect !== undefined) this.defect(reply.error.defect);
      done({ error: fromMessage(reply.error) });
    } else if ('work' in reply) done(reply.work);
    else if ('opened' in reply) done(reply.opened);
    else if ('plan' in reply) done(reply.plan);
    else done(reply.allocation);
  }

  #waitFor<T extends object>(done: Done<T>): number {
    this.#waiting.set(++this.#seq, done as Answered);
    return this.#seq;
  }

  #post(request: AllocatorRequest): void {
    this.port.postMessage(request);
  }
}
