/**
 * dmabroker_work_v1: a copy, fill or read of a buffer: first its range, then what is to be done, then the
 * answer.
 */

import type { Worked } from '../../broker/works.js';
import type { BrokerError } from '../../memory/errors.js';
import type { Done, Result } from '../../memory/result.js';
import type { RangeRequest } from '../../memory/work.js';
import { dmabroker_work_v1 } from '../../protocol/dmabroker-v1.gen.js';
import { hi, join64, lo } from '../../protocol/wire.js';
import type { Connection } from './connection.js';
import type { Requests, Resource } from './resource.js';

type Answered = Done<Worked>;

/** The buffer that the work is about; each calls `answered` once. */
export interface Workpiece {
  copy(sourceId: number, range: RangeRequest, sourceOffset: bigint, answered: Answered): void;
  fill(value: number, range: RangeRequest, answered: Answered): void;
  read(range: RangeRequest, answered: Answered): void;
  /** Notes a refusal, and tells the object of it. */
  refused(error: BrokerError, work: Resource<typeof dmabroker_work_v1>): void;
}

export class WorkObject implements Requests<typeof dmabroker_work_v1> {
  readonly #resource: Resource<typeof dmabroker_work_v1>;
  #offset = 0n;
  #size = 0n;
  #sourceOffset: bigint | null = null;
  #used = false;

  constructor(
    private readonly connection: Connection,
    id: number,
    version: number,
    private readonly buffer: Workpiece,
  ) {
    this.#resource = connection.objects.create(id, dmabroker_work_v1, version, this);
  }

  destroy(): void {}

  set_offset(high: number, low: number): void {
    this.#checkUnused();
    this.#offset = join64(high, low);
  }

  set_size(high: number, low: number): void {
    this.#checkUnused();
    this.#size = join64(high, low);
  }

  set_source_offset(high: number, low: number): void {
    this.#checkUnused();
    this.#sourceOffset = join64(high, low);
  }

  copy(source: number): void {
    this.#use();
    this.buffer.copy(source, this.#range, this.#sourceOffset ?? 0n, this.#answered);
  }

  fill(value: number): void {
    this.#useAlone();
    this.buffer.fill(value, this.#range, this.#answered);
  }

  read(): void {
    this.#useAlone();
    this.buffer.read(this.#range, this.#answered);
  }

  #checkUnused(): void {
    if (this.#used) this.#resource.error('already_used', 'the work was asked for already');
  }

  /** The work is asked for. */
  #use(): void {
    this.#checkUnused();
    this.#used = true;
  }

  /** The same for what has no source. */
  #useAlone(): void {
    this.#use();
    if (this.#sourceOffset !== null) this.#resource.error('no_source', 'only copy has a source');
  }

  get #range(): RangeRequest {
    return { offset: this.#offset, size: this.#size };
  }

  /**
   * The answer. What was read goes to the client, or is closed where the object has gone; it is charged
   * until the client has it.
   */
  readonly #answered = (result: Result<Worked>): void => {
    const resource = this.#resource;
    if ('error' in result) {
      this.buffer.refused(result.error, resource);
      return;
    }
    const { content, path } = result;
    const done = () => resource.event('done', dmabroker_work_v1.enums.path[path]);
    if (content === null) done();
    else {
      const { held, size, received } = content;
      if (resource.alive) {
        const events = () => {
          resource.event('content', held.fds[0] ?? -1, hi(size), lo(size));
          done();
        };
        this.connection.packet(held, events, received);
      } else received();
      held.release();
    }
  };
}
