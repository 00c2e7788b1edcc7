/**
 * The spares that there are: memory that nobody has had, and what it takes of which limits.
 *
 * Owns the fds of a spare, and what its source keeps for it, from `add` until `take` or `drop`.
 */

import { everyFd } from '../../memory/faces.js';
import type { Allocation } from '../../memory/source.js';
import { NO_ROOM, type Room, type Rooms, type Whose } from '../quota/room.js';
import type { Home, Homes } from './homes.js';

export interface Spare {
  /** The buffer's, when somebody gets it: its memory has this name already. */
  readonly id: string;
  readonly allocation: Allocation;
}

export interface SparesWorld {
  free(allocation: Allocation): void;
  closeFd(fd: number): void;
}

/** Lets go of memory that nobody has had. */
export function discard(world: SparesWorld, allocation: Allocation): void {
  world.free(allocation);
  for (const fd of new Set(everyFd(allocation))) world.closeFd(fd);
}

export class Spares {
  /** By their ids, whose memory each is. */
  readonly #homes = new Map<string, Home>();
  readonly #held = new Map<Whose, Room>();
  readonly #bytes = new Map<Home, number>();

  constructor(
    private readonly world: SparesWorld,
    private readonly rooms: Rooms,
    private readonly homes: Homes,
  ) {}

  get count(): number {
    return this.#homes.size;
  }

  get bytes(): number {
    return this.#held.get(null)?.bytes ?? 0;
  }

  bytesOf(home: Home): number {
    return this.#bytes.get(home) ?? 0;
  }

  /** What they take of each limit. */
  get held(): ReadonlyMap<Whose, Room> {
    return this.#held;
  }

  has(id: string): boolean {
    return this.#homes.has(id);
  }

  /** It is the pool's from here on. */
  add({ id, allocation }: Spare): void {
    const home = this.homes.of(allocation);
    this.#homes.set(id, home);
    this.#count(allocation, home, 1);
  }

  /** It is the caller's from here on. */
  take({ id, allocation }: Spare): void {
    const home = this.#homes.get(id);
    if (home === undefined) throw new Error(`spare ${id} was given already`);
    this.#homes.delete(id);
    this.#count(allocation, home, -1);
  }

  drop(spare: Spare): void {
    this.take(spare);
    this.discard(spare.allocation);
  }

  /** Lets go of memory that is not one of them. */
  discard(allocation: Allocation): void {
    discard(this.world, allocation);
  }

  #count(allocation: Allocation, home: Home, sign: 1 | -1): void {
    this.#bytes.set(home, this.bytesOf(home) + sign * allocation.size);
    for (const [whose, { bytes, fds }] of this.rooms.takenBy(allocation)) {
      const held = this.#held.get(whose) ?? NO_ROOM;
      this.#held.set(whose, { bytes: held.bytes + sign * bytes, fds: held.fds + sign * fds });
    }
  }
}
