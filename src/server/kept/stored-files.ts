/**
 * What is kept by name, where one file is kept once: the manager takes no second one, whatever its name. Of several
 * names for the same memory the first stands for it; the others are doubles, of which the next has its place when that
 * one goes.
 *
 * Owns nothing: fds stay the buffers'.
 */

/** A memory of a buffer. */
export interface StoredFd {
  /** FDNAME=. */
  readonly name: string;
  readonly fd: number;
  /** st_dev:st_ino; null where files do not tell memories apart. */
  readonly identity: string | null;
}

/** Buffers of one file beside the first that are kept: each is moved up when one before it goes. */
const MAX_DOUBLES = 16;

export class StoredFiles {
  /** By name: those that stand for their files. */
  readonly #stored = new Map<string, StoredFd>();
  /** By identity: what would be stored, but that another name of the same file is. */
  readonly #doubles = new Map<string, StoredFd[]>();
  /** By identity: the name of what is stored. */
  readonly #names = new Map<string, string>();

  /** How many files there are. */
  get size(): number {
    return this.#stored.size;
  }

  /** The file is kept, under whichever name. */
  has({ identity }: StoredFd): boolean {
    return identity !== null && this.#names.has(identity);
  }

  /** Whether one name more of its file can be kept. */
  hasRoom({ identity }: StoredFd): boolean {
    return identity === null || (this.#doubles.get(identity)?.length ?? 0) < MAX_DOUBLES;
  }

  /** Returns whether it stands for its file now; else it is a double. */
  add(each: StoredFd): boolean {
    const { name, identity } = each;
    if (identity !== null && this.#names.has(identity)) {
      this.#doubles.set(identity, [...(this.#doubles.get(identity) ?? []), each]);
      return false;
    }
    this.#stored.set(name, each);
    if (identity !== null) this.#names.set(identity, name);
    return true;
  }

  /** Null: it was a double, or not there. Else `next` stands for the file from now on, which nobody else does. */
  remove(each: StoredFd): { readonly next: StoredFd | null } | null {
    const { name, identity } = each;
    const doubles = identity === null ? [] : (this.#doubles.get(identity) ?? []);
    if (this.#stored.get(name) !== each) {
      const left = doubles.filter((double) => double.name !== name);
      if (identity !== null && left.length > 0) this.#doubles.set(identity, left);
      else if (identity !== null) this.#doubles.delete(identity);
      return null;
    }
    this.#stored.delete(name);
    if (identity !== null) {
      this.#names.delete(identity);
      this.#doubles.delete(identity);
    }
    for (const double of doubles) this.add(double);
    return { next: doubles[0] ?? null };
  }
}
