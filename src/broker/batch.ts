/**
 * The memory of one request: one allocation mostly, or several equal ones, all or none. Spares come first, and the
 * rest is asked for at once.
 *
 * Owns: what was made until all of it is, or none can be.
 */
import type { BrokerError } from '../memory/errors.js';
import type { Done, Result } from '../memory/result.js';
import type { Allocation } from '../memory/source.js';
import type { Pool } from './pool/pool.js';
import { discard, type Spare, type SparesWorld } from './pool/spares.js';
import type { Choice } from './request.js';
import type { Asker } from './turns.js';

interface Making {
  readonly world: SparesWorld;
  readonly pool: Pool;
  newId(): string;
}

/** What is made of what for whom. */
interface Wanted {
  readonly who: Asker;
  readonly choice: Choice;
  readonly count: number;
}

/**
 * `done` is called once, when all have answered: with memory for as many buffers, which is the caller's then; or
 * with the first refusal, when all that was made is let go of.
 */
export function makeAll(
  { world, pool, newId }: Making,
  { who, choice, count }: Wanted,
  done: Done<readonly Spare[]>,
): void {
  if (count === 1) {
    makeOne({ world, pool, newId }, who, choice, done);
    return;
  }
  const made: Spare[] = [];
  let missing = count;
  const refusals: BrokerError[] = [];
  const answered = (id: string, result: Result<Allocation>) => {
    if ('error' in result) refusals.push(result.error);
    else made.push({ id, allocation: result });
    if (--missing > 0) return;
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
    const id = spare?.id ?? newId();
    if (error !== undefined) answered(id, { error });
    else if (spare !== null) answered(id, spare.allocation);
    else pool.allocate(who, choice, id, (result) => answered(id, result));
  }
}

/** The same for one, as most ask. */
function makeOne(
  { pool, newId }: Making,
  who: Asker,
  choice: Choice,
  done: Done<readonly Spare[]>,
): void {
  const spare = pool.take(choice);
  if (spare !== null) {
    done([spare]);
    return;
  }
  const id = newId();
  pool.allocate(who, choice, id, (result) =>
    done('error' in result ? { error: result.error } : [{ id, allocation: result }]),
  );
}
