/**
 * Copies, fills and reads that clients ask for. The answer to a read is memory of its own, which is
 * charged to who asked. While one is pending it has a reference of its own to
 * the buffers' fds: whoever releases a buffer in the meantime, the memory is there until it is done.
 * (What a source keeps for it, too: the allocator does a `free` after the work that touches it.)
 */

import { type CopyRequest, planCopy } from '../memory/copy.js';
import { BrokerError } from '../memory/errors.js';
import { asRefusal, type Done } from '../memory/result.js';
import {
  planFill,
  planRead,
  type RangeRequest,
  referenceTo,
  type Work,
  type WorkDone,
  type WorkPath,
} from '../memory/work.js';
import { isAway } from './away.js';
import type { BrokerBuffer, Owner } from './buffer.js';
import { HeldFds } from './held-fds.js';
import type { Charge } from './quota/charge.js';
import type { Quotas } from './quota/quotas.js';
import type { Asker } from './turns.js';
import { Waiting } from './waiting.js';

/** What was read. */
export interface ReadContent {
  /** The reference is the receiver's. */
  readonly held: HeldFds;
  readonly size: number;
  /** To be called once, when whoever asked has it, or will not: it is charged until then. */
  readonly received: () => void;
}

export interface Worked {
  readonly path: WorkPath;
  readonly content: ReadContent | null;
}

/** What work needs of the world. */
export interface Workshop {
  /** Answers later, exactly once; the fd of what was read becomes the broker's. */
  work(asker: Asker, work: Work, done: Done<WorkDone>): void;
  closeFd(fd: number): void;
}

export class Works {
  /** Copies, fills and reads that clients wait for. */
  readonly waiting = new Waiting();
  /** Answers that are elsewhere, until it is said that they are received; by ticket. */
  readonly #elsewhere = new Map<number, () => void>();
  #lastTicket = 0;

  constructor(
    private readonly world: Workshop,
    private readonly quotas: Quotas,
  ) {}

  /** `done` is called once, at once for a refusal that needs no allocator; so of `fill` and `read`. */
  copy(
    owner: Owner,
    { source, destination }: { readonly source: BrokerBuffer; readonly destination: BrokerBuffer },
    request: CopyRequest,
    done: Done<Worked>,
  ): void {
    this.#run(owner, [source, destination], done, () => ({
      kind: 'copy',
      source: referenceTo(source),
      destination: referenceTo(destination),
      plan: planCopy(source, destination, request),
    }));
  }

  fill(
    owner: Owner,
    destination: BrokerBuffer,
    { value, ...request }: RangeRequest & { readonly value: number },
    done: Done<Worked>,
  ): void {
    this.#run(owner, [destination], done, () => ({
      kind: 'fill',
      destination: referenceTo(destination),
      extent: planFill(destination, request),
      value,
    }));
  }

  read(owner: Owner, source: BrokerBuffer, request: RangeRequest, done: Done<Worked>): void {
    this.#run(owner, [source], done, () => ({
      kind: 'read',
      source: referenceTo(source),
      ...planRead(source, request),
    }));
  }

  /** An answer leaves this thread, and stays charged until `received` is called with the ticket. */
  leaves({ received }: ReadContent): number {
    const ticket = ++this.#lastTicket;
    this.#elsewhere.set(ticket, received);
    return ticket;
  }

  received(ticket: number): void {
    this.#elsewhere.get(ticket)?.();
    this.#elsewhere.delete(ticket);
  }

  #run(owner: Owner, buffers: readonly BrokerBuffer[], done: Done<Worked>, plan: () => Work): void {
    const asker = this.quotas.whoIs(owner);
    let work: Work;
    let answered: () => void;
    let charge: Charge | null = null;
    try {
      if (buffers.some(({ released }) => released)) {
        throw new BrokerError('not_found', 'the buffer is released');
      }
      const away = buffers.find(({ state }) => state === 'away');
      if (away !== undefined) throw isAway(away.id);
      if (buffers.some(({ state }) => state === 'lost')) {
        throw new BrokerError('device_lost', 'the memory was lost with its device', {
          constraint: 'state',
          requested: 'live',
        });
      }
      work = plan();
      if (work.kind === 'read') charge = this.quotas.holdAnswer(owner, work.size);
      answered = this.waiting.begin(asker, 'pending works');
    } catch (error) {
      charge?.release();
      done({ error: asRefusal(error) });
      return;
    }
    const held = buffers.map((buffer) => buffer.held.retain());
    this.world.work(asker, work, (result) => {
      answered();
      for (const fds of held) fds.release();
      if ('error' in result || result.content === null) charge?.release();
      if ('error' in result) done(result);
      else done({ path: result.path, content: this.#content(result, charge) });
    });
  }

  #content({ content }: WorkDone, charge: Charge | null): ReadContent | null {
    if (content === null) return null;
    const held = new HeldFds([content.fd], (fd) => this.world.closeFd(fd));
    return { held, size: content.size, received: () => charge?.release() };
  }
}
