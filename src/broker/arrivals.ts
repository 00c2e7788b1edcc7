/**
 * Memory that has come, of a source or of a client, becomes buffers: charged what it really takes, registered, and
 * answered when it is kept. All buffers of one request do, or none.
 */

import { BrokerError } from '../memory/errors.js';
import type { Done, Result } from '../memory/result.js';
import { BrokerBuffer, type NewBuffer, type Owner } from './buffer.js';
import type { HeldFds } from './held-fds.js';
import type { Leases } from './leases.js';
import type { Lifetime } from './lifetime.js';
import type { Names } from './names.js';
import type { Pool } from './pool/pool.js';
import { discard, type Spare } from './pool/spares.js';
import type { Charge } from './quota/charge.js';
import type { Registry } from './registry.js';
import { connectionGone } from './selection.js';
import type { Surroundings } from './surroundings.js';

/** What buffers of one request have in common. */
type Wanted = Pick<NewBuffer, 'owner' | 'spec' | 'lifetime' | 'name' | 'choice'> & {
  readonly lastingName: string | null;
};

/** Whether it was to end with a connection that has ended. */
export const isLate = ({ client }: Owner, { lifetime }: { readonly lifetime: Lifetime }): boolean =>
  lifetime === 'connection' && client?.connected === false;

/** While it waited for its answer. */
const releasedMeanwhile = () =>
  new BrokerError('not_found', 'the buffer was released before its answer was given');

/** The parts of the broker that it works with. */
export interface ArrivalsParts {
  readonly world: Surroundings;
  readonly registry: Registry;
  readonly leases: Leases;
  readonly pool: Pool;
  readonly names: Names;
  /** Lets go of a buffer that came too late for its owner. */
  release(buffer: BrokerBuffer): void;
}

export class Arrivals {
  constructor(private readonly parts: ArrivalsParts) {}

  /** Answers when all are sure to outlive the daemon, as far as their lifetime asks for that. */
  register(
    wanted: Wanted,
    made: readonly Spare[],
    charges: readonly Charge[],
    done: Done<readonly BrokerBuffer[]>,
  ): void {
    const settled = this.#settled(made, charges);
    if ('error' in settled) {
      for (const charge of charges) charge.release();
      done(settled);
      return;
    }
    const createdAt = this.parts.world.clock.now();
    const { owner, spec, lifetime, name, choice, lastingName } = wanted;
    // Of several there is none that could have a name for itself (names.ts).
    const lasting = this.parts.names.of(owner, lastingName);
    const buffers = made.map(({ id, allocation }, i) => {
      const charge = charges[i] as Charge;
      const held = settled[i] as HeldFds;
      const number = this.parts.registry.nextNumber();
      // Written out, since what is spread takes many times as much.
      return this.#add({
        id,
        number,
        spec,
        allocation,
        held,
        owner,
        lifetime,
        name,
        createdAt,
        charge,
        choice,
        lasting,
      });
    });
    const gone = () => isLate(wanted.owner, wanted);
    if (gone()) {
      for (const buffer of buffers) this.parts.release(buffer);
      done({ error: connectionGone() });
      return;
    }
    let missing = buffers.length;
    const kept = () => {
      if (--missing > 0) return;
      if (gone()) done({ error: connectionGone() });
      else if (buffers.some(({ released }) => released)) {
        for (const buffer of buffers) if (!buffer.released) this.parts.release(buffer);
        done({ error: releasedMeanwhile() });
      } else done(buffers);
    };
    for (const buffer of buffers) this.parts.world.keep(buffer, kept);
  }

  /** Charges what all of them really take; where one is too much, all of the memory goes back. */
  #settled(made: readonly Spare[], charges: readonly Charge[]): Result<readonly HeldFds[]> {
    const { registry, pool, world } = this.parts;
    const held: HeldFds[] = [];
    for (let i = 0; i < made.length; i++) {
      const { allocation } = made[i] as Spare;
      const fds = registry.hold(allocation);
      const error = registry.settle(charges[i] as Charge, allocation, fds);
      pool.fit();
      if (error === null) {
        held.push(fds);
        continue;
      }
      for (const before of held) before.release();
      for (const [other, { allocation }] of made.entries()) {
        if (other < i) world.free(allocation);
        if (other > i) discard(world, allocation);
      }
      return { error };
    }
    return held;
  }

  #add(made: NewBuffer): BrokerBuffer {
    const { owner, lifetime, allocation } = made;
    const buffer = new BrokerBuffer(made);
    this.parts.registry.add(buffer);
    if (buffer.lasting !== null) this.parts.names.bind(buffer);
    if (typeof lifetime === 'object') this.parts.leases.start(buffer, lifetime.lease);
    this.parts.world.changed(buffer);
    this.parts.registry.happened({ type: 'buffer.created', buffer });
    this.parts.registry.owns(owner, allocation.size);
    return buffer;
  }
}
