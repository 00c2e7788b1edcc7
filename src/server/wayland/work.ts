/**
 * dmabroker_work_v1: a copy, fill or read of a buffer: first its range, then what is to be done, then the
 * answer.
 */

import type { BrokerBuffer } from '../../broker/buffer.js';
import type { Worked } from '../../broker/works.js';
import { BrokerError } from '../../memory/errors.js';
import type { Result } from '../../memory/result.js';
import type { RangeRequest } from '../../memory/work.js';
import { dmabroker_work_v1 } from '../../protocol/dmabroker-v1.gen.js';
import { hi, join64, lo } from '../../protocol/wire.js';
import type { AwaitedBuffer } from './order.js';
import type { Requests, Resource } from './resource.js';
import { type Subject, subjectOf } from './subject.js';

export class WorkObject implements Requests<typeof dmabroker_work_v1> {
  readonly #resource: Resource<typeof dmabroker_work_v1>;
  #offset = 0n;
  #size = 0n;
  #sourceOffset: bigint | null = null;
  #used = false;

  constructor(
    /** The buffer that the work is about. */
    private readonly subject: Subject,
    id: number,
  ) {
    const { connection, version } = subject;
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

  copy(sourceId: number): void {
    this.#use();
    const { broker, connection } = this.subject;
    const source = subjectOf(connection, sourceId).awaited;
    const terms = { ...this.#range, sourceOffset: this.#sourceOffset ?? 0n };
    this.#ask((destination) => {
      const ends = { source: source.had(), destination };
      broker.works.copy(connection.owner, ends, terms, this.#answered);
    }, source);
  }

  fill(value: number): void {
    this.#useAlone();
    const { broker, connection } = this.subject;
    const terms = { ...this.#range, value };
    this.#ask((buffer) => broker.works.fill(connection.owner, buffer, terms, this.#answered));
  }

  read(): void {
    this.#useAlone();
    const { broker, connection } = this.subject;
    const range = this.#range;
    this.#ask((buffer) => broker.works.read(connection.owner, buffer, range, this.#answered));
  }

  /** Work on the buffer, and on another that it names, when it is their turn. */
  #ask(run: (buffer: BrokerBuffer) => void, ...others: readonly AwaitedBuffer[]): void {
    const refused = (error: BrokerError) => this.#answered({ error });
    if (this.subject.hasGone) {
      refused(new BrokerError('not_found', "the buffer's object was destroyed"));
    } else this.subject.awaited.ask(run, refused, ...others);
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
      this.subject.refused(result.error, resource);
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
        this.subject.connection.packet(held, events, received);
      } else received();
      held.release();
    }
  };
}
