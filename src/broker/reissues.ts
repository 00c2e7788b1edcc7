/**
 * Buffers whose memory went with its device, and the memory that they get instead. Others may hold the
 * old memory for as long as they like: it lingers, and is charged, as a released buffer of its own.
 */

import { BrokerError } from '../memory/errors.js';
import type { Done, Result } from '../memory/result.js';
import type { Allocation, LostAllocation } from '../memory/source.js';
import { isAway } from './away.js';
import type { BrokerBuffer, Owner } from './buffer.js';
import type { Lingering } from './lingering.js';
import type { Pool } from './pool/pool.js';
import type { Quotas } from './quota/quotas.js';
import type { Registry } from './registry.js';
import type { Surroundings } from './surroundings.js';

/** The parts of the broker that it works with. */
export interface ReissueParts {
  readonly world: Surroundings;
  readonly quotas: Quotas;
  readonly registry: Registry;
  readonly lingering: Lingering;
  readonly pool: Pool;
  newId(): string;
}

const releasedMeanwhile = () =>
  new BrokerError('not_found', 'the buffer was released in the meantime');

export class Reissues {
  constructor(private readonly parts: ReissueParts) {}

  /**
   * The memory of these allocations went with its device: its fds are good, its contents undefined
   * ("Lost Device"). Tells everybody who has the buffers; returns how many there are.
   */
  deviceLost(allocations: readonly LostAllocation[]): number {
    const name = ({ source, handleType, key }: LostAllocation) => `${source} ${handleType} ${key}`;
    const lost = new Set(allocations.map(name));
    const buffers = [...this.parts.registry.buffers].filter(
      (buffer) => buffer.state === 'live' && lost.has(name(buffer.allocation)),
    );
    for (const buffer of buffers) {
      buffer.state = 'lost';
      buffer.lasting?.forget();
      this.parts.registry.happened({ type: 'buffer.lost', buffer });
      this.parts.world.changed(buffer);
      for (const watcher of [...buffer.watchers]) watcher.lost?.(buffer.generation);
    }
    return buffers.length;
  }

  /**
   * Allocates the memory of a lost buffer anew, from the same source: its id, name, owner and tokens
   * stay, its generation grows. `done` is called once: at once where nothing is lost (any more); with
   * a refusal the buffer stays lost and may be tried again. Who asks while another waits gets the
   * same answer, so that no limit on pending allocations is needed: there is one for each buffer.
   */
  reissue(buffer: BrokerBuffer, done: Done<BrokerBuffer>, by: Owner | null = null): void {
    if (buffer.released) {
      done({ error: new BrokerError('not_found', 'the buffer is released') });
      return;
    }
    const { choice, state } = buffer;
    if (state === 'live' || choice === null) {
      done(buffer);
      return;
    }
    if (state === 'away' && !buffer.lostWhileAway) {
      done({ error: isAway(buffer.id) });
      return;
    }
    if (buffer.reissuing !== null) {
      buffer.reissuing.push(done);
      return;
    }
    buffer.reissuing = [done];
    const asker = this.parts.quotas.whoIs(by ?? buffer.owner);
    this.parts.pool.allocateAs(buffer.id, asker, choice, (result) => {
      const waiting = buffer.reissuing ?? [];
      buffer.reissuing = null;
      const answer = 'error' in result ? result : this.#replace(buffer, result, by);
      const tell = () => {
        const late = buffer.released && !('error' in answer);
        for (const each of waiting) each(late ? { error: releasedMeanwhile() } : answer);
      };
      if ('error' in answer) tell();
      else this.parts.world.keep(answer, tell);
    });
  }

  #replace(buffer: BrokerBuffer, made: Allocation, by: Owner | null): Result<BrokerBuffer> {
    const { fellBack } = buffer.allocation;
    // It is of the same source as before, and so is what is said of that.
    const allocation = fellBack === undefined ? made : { ...made, fellBack };
    const held = this.parts.registry.hold(allocation);
    if (buffer.released) {
      this.parts.world.free(allocation);
      held.release();
      return { error: releasedMeanwhile() };
    }
    const { importers } = this.parts.quotas;
    const { charged } = buffer.charge;
    const parts = importers.parts(buffer);
    const bytes = importers.ownersPart(buffer, allocation.size);
    const error = this.parts.registry.settle(buffer.charge, allocation, held, bytes);
    if (error !== null) return { error };
    importers.fit(buffer, allocation.size);
    this.parts.registry.free(buffer.allocation);
    this.parts.registry.owns(buffer.owner, allocation.size - buffer.allocation.size);
    const former = buffer.replace(allocation, held, {
      id: this.parts.newId(),
      number: this.parts.registry.nextNumber(),
      charge: this.parts.quotas.impose(charged),
      now: this.parts.world.clock.now(),
    });
    this.parts.registry.memories.replace(buffer, former);
    importers.impose(former, parts);
    this.parts.quotas.linger(former);
    this.parts.pool.fit();
    this.parts.registry.happened({ type: 'buffer.reissued', buffer, by });
    this.parts.world.changed(buffer);
    this.parts.world.changed(former);
    this.parts.world.keep(former, () => {});
    this.parts.lingering.add(former);
    for (const watcher of [...buffer.watchers]) watcher.reissued?.(buffer.generation);
    return buffer;
  }
}
