/**
 * The memory of one request: one allocation mostly, or several equal ones, all or none. Spares come first, and the
 * rest is asked for at once.
 *
 * Owns: what was made until all of it is, or none can be.
 */
import type { BrokerError } from '../memory/errors.js';
import type { Done, Result } from '../memory/result.js';
import type { Pool } from './pool/pool.js';
import { discard, type Spare, type SparesWorld } from './pool/spares.js';
import type { Choice } from './request.js';
import type { Asker } from './turns.js';
import { lostMeanwhile, type UnderWay } from './under-way.js';

export interface Making {
  readonly world: SparesWorld;
  readonly pool: Pool;
  /** What was made, until all of it is. */
  readonly underWay: UnderWay;
}

/** What is made of what for whom. */
interface Wanted {
  readonly who: Asker;
  readonly choice: Choice;
  readonly count: number;
}

/**
 * `done` is called once, when all have answered: with memory for as many buffers, which is the caller's then; or
 * with the first refusal, when all that was made is let go of. Where the device of some is lost meanwhile that is one.
 */
export function makeAll(
  { world, pool, underWay }: Making,
  { who, choice, count }: Wanted,
  done: Done<readonly Spare[]>,
): void {
  if (count === 1) {
    makeOne(pool, who, choice, done);
    return;
  }
  const made: Spare[] = [];
  let missing = count;
  const refusals: BrokerError[] = [];
  const answered = (result: Result<Spare>) => {
    if ('error' in result) refusals.push(result.error);
    else {
      made.push(result);
      underWay.begin(result.allocation);
    }
    if (--missing > 0) return;
    const lost = made.filter(({ allocation }) => underWay.end(allocation));
    if (lost.length > 0) refusals.push(lostMeanwhile());
    const [error] = refusals;
    if (error === undefined) {
      done(made);
      return;
    }
    for (const { allocation } of made) discard(world, allocation);
    done({ error });
  };
  for (let i = 0; i < count; i++) {
    const [error] = refusals;
    const spare = error === undefined ? pool.take(choice) : null;
    if (error !== undefined) answered({ error });
    else if (spare !== null) answered(spare);
    else pool.allocate(who, choice, answered);
  }
}

/** The same for one, as most ask. */
function makeOne(pool: Pool, who: Asker, choice: Choice, done: Done<readonly Spare[]>): void {
  const spare = pool.take(choice);
  if (spare !== null) done([spare]);
  else pool.allocate(who, choice, (result) => done('error' in result ? result : [result]));
}
