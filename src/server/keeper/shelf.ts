/** The fds that are kept, by name. Owns them. */
import { close } from '../../native/libc/fd.js';
import { WrongLine } from '../words/keeper-lines.js';

export class Shelf {
  readonly #kept = new Map<string, { readonly fd: number; round: number }>();
  #round = 0;

  constructor(readonly max: number) {}

  get size(): number {
    return this.#kept.size;
  }

  /** What is put from now on is of somebody who may `settle`. */
  begin(): void {
    this.#round++;
  }

  /** Takes the fd over, in any case. */
  put(name: string, fd: number): void {
    if (!this.#kept.has(name) && this.#kept.size >= this.max) {
      close(fd);
      throw new WrongLine('no more fds can be kept');
    }
    this.drop(name);
    this.#kept.set(name, { fd, round: this.#round });
  }

  drop(name: string): void {
    const kept = this.#kept.get(name);
    if (kept === undefined) return;
    this.#kept.delete(name);
    close(kept.fd);
  }

  /** Lets go of what was put before `begin`. */
  settle(): void {
    for (const [name, { round }] of this.#kept) if (round !== this.#round) this.drop(name);
  }

  /** All, so many at a time. */
  *pieces(count: number): Generator<readonly (readonly [string, number])[]> {
    let piece: [string, number][] = [];
    for (const [name, { fd }] of this.#kept) {
      piece.push([name, fd]);
      if (piece.length < count) continue;
      yield piece;
      piece = [];
    }
    if (piece.length > 0) yield piece;
  }
}
