/**
 * The data plane's side of the allocator: requests go out with a number, replies come back by it.
 */
import type { MessagePort } from 'node:worker_threads';
import { fromMessage } from '../../broker/errors.js';
import type { Choice } from '../../broker/request.js';
import type { Allocation, MemorySpec, Plane } from '../../broker/source.js';
import type { AllocationResult, AllocatorReply, AllocatorRequest } from '../messages.js';

export class AllocatorClient {
  readonly #waiting = new Map<number, (result: AllocationResult) => void>();
  #seq = 0;

  /** `defect` is told what went wrong inside the allocator; the client learns only that it did. */
  constructor(
    private readonly port: MessagePort,
    private readonly defect: (stack: string) => void,
  ) {}

  allocate(choice: Choice, id: string, done: (result: AllocationResult) => void): void {
    const seq = ++this.#seq;
    this.#waiting.set(seq, done);
    this.#post({ kind: 'allocate', seq, choice, id });
  }

  importMemory(
    spec: MemorySpec,
    planes: readonly Plane[],
    done: (result: AllocationResult) => void,
  ): void {
    const seq = ++this.#seq;
    this.#waiting.set(seq, done);
    this.#post({ kind: 'import', seq, spec, planes });
  }

  free({ source, handleType, key }: Allocation): void {
    this.#post({ kind: 'free', source, handleType, key });
  }

  /** A message from the allocator; from here on the fds in it are this thread's. */
  reply(reply: AllocatorReply): void {
    const done = this.#waiting.get(reply.seq);
    this.#waiting.delete(reply.seq);
    if (done === undefined) throw new Error(`an allocation that nobody asked for: ${reply.seq}`);
    if ('error' in reply) {
      if (reply.error.defect !== undefined) this.defect(reply.error.defect);
      done({ error: fromMessage(reply.error) });
    } else done({ allocation: reply.allocation });
  }

  #post(request: AllocatorRequest): void {
    this.port.postMessage(request);
  }
}
