/**
 * Copies, fills and reads that clients ask for. While one is pending it has a reference of its own to
 * the buffers' fds: whoever releases a buffer in the meantime, the memory is there until it is done.
 * (What a source keeps for it, too: the allocator takes requests in order, a `free` after the work.)
 */
import type { BrokerBuffer, Client } from './buffer.js';
import { type CopyRequest, planCopy } from './copy.js';
import { BrokerError } from './errors.js';
import { HeldFds } from './held-fds.js';
import { Waiting } from './waiting.js';
import {
  planFill,
  planRead,
  type RangeRequest,
  referenceTo,
  type Work,
  type WorkDone,
  type WorkPath,
} from './work.js';

export type WorkResult = WorkDone | { readonly error: BrokerError };

/** What was done; a reference to what was read is the receiver's. */
export type Worked =
  | {
      readonly path: WorkPath;
      readonly content: { readonly held: HeldFds; readonly size: number } | null;
    }
  | { readonly error: BrokerError };

/** What work needs of the world. */
export interface Workshop {
  /** Answers later, exactly once; the fd of what was read becomes the broker's. */
  work(work: Work, done: (result: WorkResult) => void): void;
  closeFd(fd: number): void;
}

export class Works {
  /** Copies, fills and reads that clients wait for. */
  readonly waiting = new Waiting('pending works');

  constructor(
    private readonly world: Workshop,
    /** The user that answers for a client. */
    private readonly user: (client: Client) => number,
  ) {}

  /** `done` is called once, at once for a refusal that needs no allocator; so of `fill` and `read`. */
  copy(
    client: Client,
    source: BrokerBuffer,
    destination: BrokerBuffer,
    request: CopyRequest,
    done: (result: Worked) => void,
  ): void {
    this.#run(client, [source, destination], done, () => ({
      kind: 'copy',
      source: referenceTo(source),
      destination: referenceTo(destination),
      plan: planCopy(source, destination, request),
    }));
  }

  fill(
    client: Client,
    destination: BrokerBuffer,
    request: RangeRequest,
    value: number,
    done: (result: Worked) => void,
  ): void {
    this.#run(client, [destination], done, () => ({
      kind: 'fill',
      destination: referenceTo(destination),
      extent: planFill(destination, request),
      value,
    }));
  }

  /** `client` is null where REST asks, which counts what it has pending itself. */
  read(
    client: Client | null,
    source: BrokerBuffer,
    request: RangeRequest,
    done: (result: Worked) => void,
  ): void {
    this.#run(client, [source], done, () => ({
      kind: 'read',
      source: referenceTo(source),
      ...planRead(source, request),
    }));
  }

  #run(
    client: Client | null,
    buffers: readonly BrokerBuffer[],
    done: (result: Worked) => void,
    plan: () => Work,
  ): void {
    let work: Work;
    let answered = () => {};
    try {
      if (buffers.some(({ released }) => released)) {
        throw new BrokerError('not_found', 'the buffer is released');
      }
      if (buffers.some(({ state }) => state === 'lost')) {
        throw new BrokerError('device_lost', 'the memory was lost with its device', {
          constraint: 'state',
          requested: 'live',
        });
      }
      work = plan();
      if (client !== null) answered = this.waiting.begin(client.id, this.user(client));
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      done({ error });
      return;
    }
    const held = buffers.map((buffer) => buffer.held.retain());
    this.world.work(work, (result) => {
      answered();
      for (const fds of held) fds.release();
      if ('error' in result) done(result);
      else done({ path: result.path, content: this.#held(result) });
    });
  }

  #held({ content }: WorkDone) {
    if (content === null) return null;
    const held = new HeldFds([content.fd], (fd) => this.world.closeFd(fd));
    return { held, size: content.size };
  }
}
