/**
 * dmabroker_work_v1: a copy, fill or read on its way, and its answer.
 */
import type { BrokerError } from '../../broker/errors.js';
import type { Worked } from '../../broker/works.js';
import { dmabroker_work_v1 } from '../../protocol/dmabroker-v1.gen.js';
import { hi, lo } from '../../protocol/wire.js';
import type { Connection } from './connection.js';
import { failure } from './failure.js';
import type { Resource } from './resource.js';

export class WorkObject {
  readonly #resource: Resource<typeof dmabroker_work_v1>;

  constructor(
    private readonly connection: Connection,
    id: number,
    version: number,
    /** Told of a refusal. */
    private readonly refused: (error: BrokerError) => void,
  ) {
    this.#resource = connection.create(id, dmabroker_work_v1, version, { destroy: () => {} });
  }

  /**
   * The answer. What was read goes to the client, or is closed where the object has gone; it is charged
   * until the client has it.
   */
  readonly answered = (result: Worked): void => {
    const resource = this.#resource;
    if ('error' in result) {
      this.refused(result.error);
      resource.event('failed', ...failure(result.error));
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
