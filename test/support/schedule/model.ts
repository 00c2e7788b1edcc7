/**
 * What a schedule expects of the daemon: which buffers there are, who has which, and how each is to
 * be listed.
 *
 * A lease's end is the daemon's to say: here it is only checked that it does not come too early.
 */
import { DEFAULT_LEASE_GRACE_SECONDS } from '../../../src/memory/limits.js';
import type { Actor, ActorLifetime, Got } from '../actor.js';

/** A buffer that was made, until nobody has it. */
export interface Known {
  readonly id: string;
  readonly lifetime: ActorLifetime;
  readonly owner: Actor;
  /** The owner's object for it. */
  readonly ownerNumber: number;
  /** The buffer's numbers at those who have it. */
  readonly held: Map<Actor, Set<number>>;
  /** Before this (milliseconds, monotonic) its lease is not over. */
  letGoAt: number;
  released: boolean;
}

/** When a buffer that is made or renewed now is let go of, at the earliest. */
export function letGoAt(lifetime: ActorLifetime): number {
  if (typeof lifetime !== 'object') return Number.POSITIVE_INFINITY;
  return performance.now() + (lifetime.lease + DEFAULT_LEASE_GRACE_SECONDS) * 1000;
}

/** How a buffer is listed; undefined where it is not. */
function expected({ released, held }: Known): string | undefined {
  if (!released) return 'live';
  return held.size > 0 ? 'lingering' : undefined;
}

export class Model {
  readonly #known = new Map<string, Known>();

  get all(): readonly Known[] {
    return [...this.#known.values()];
  }

  get live(): readonly Known[] {
    return this.all.filter(({ released }) => !released);
  }

  allocated(owner: Actor, { id, number }: Got, lifetime: ActorLifetime, earliest: number): void {
    const held = new Map([[owner, new Set([number])]]);
    const owned = { owner, ownerNumber: number, held };
    this.#known.set(id, { id, lifetime, ...owned, letGoAt: earliest, released: false });
  }

  redeemed(known: Known, actor: Actor, { number }: Got): void {
    const numbers = known.held.get(actor) ?? new Set();
    known.held.set(actor, numbers.add(number));
  }

  /** Its owner releases it so, or with `close` if it is bound to it. */
  letGo(known: Known, actor: Actor, number: number, what: 'close' | 'release'): void {
    const numbers = known.held.get(actor);
    numbers?.delete(number);
    if (numbers?.size === 0) known.held.delete(actor);
    const owners = actor === known.owner && number === known.ownerNumber;
    if (owners && (what === 'release' || known.lifetime === 'connection')) known.released = true;
  }

  left(actor: Actor): void {
    for (const known of this.all) {
      known.held.delete(actor);
      if (known.owner === actor && known.lifetime === 'connection') known.released = true;
    }
  }

  /** What is listed otherwise than it should be; `expired` is told of leases that have ended. */
  differences(listed: ReadonlyMap<string, string>, expired: () => void): string[] {
    for (const known of this.all) {
      if (known.released || listed.get(known.id) === 'live') continue;
      if (typeof known.lifetime !== 'object') continue;
      if (performance.now() < known.letGoAt) {
        throw new Error(`the lease of ${known.id} ended early`);
      }
      known.released = true;
      expired();
    }
    const wrong = this.all
      .filter((known) => listed.get(known.id) !== expected(known))
      .map((known) => `${known.id} is ${listed.get(known.id)}, not ${expected(known)}`);
    const strange = [...listed.keys()].filter((id) => !this.#known.has(id));
    return [...wrong, ...strange.map((id) => `${id} is listed`)];
  }

  /** Forgets what is gone; returns how many linger. */
  settle(): number {
    let lingering = 0;
    for (const known of this.all) {
      if (expected(known) === 'lingering') lingering++;
      else if (known.released) this.#known.delete(known.id);
    }
    return lingering;
  }
}
