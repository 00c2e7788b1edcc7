/**
 * What one allocation is charged: from its reservation until its memory is gone.
 */
import type { Amount } from './rules.js';

/** Who is charged. */
export interface Who {
  /** The user that answers for it (a container's subuids answer to their owner). */
  readonly uid: number;
  /** Path in the cgroup hierarchy, or null where it is not known. */
  readonly cgroup: string | null;
  /** Null for a user of REST. */
  readonly connection: string | null;
}

/** The ledger's side of a charge. */
interface Book {
  /** Throws `limit_exceeded` and changes nothing where more may not be charged. */
  change(from: Amount, to: Amount): void;
  /** The same without asking. */
  set(from: Amount, to: Amount): void;
  end(amount: Amount): void;
}

export class Charge {
  #amount: Amount;
  #released = false;

  /** Made by `Ledger.reserve`. */
  constructor(
    readonly who: Who,
    readonly source: string,
    reserved: Amount,
    private readonly book: Book,
  ) {
    this.#amount = reserved;
  }

  get amount(): Amount {
    return this.#amount;
  }

  /**
   * The allocation was answered: the estimate becomes what it really is. Throws `limit_exceeded`
   * where that is more than may be had; the estimate stays charged until `release`.
   */
  settle(bytes: number, fds: number): void {
    if (this.#released) throw new Error('the charge is released already');
    const actual = { bytes, buffers: 1, fds, pending: 0 };
    this.book.change(this.#amount, actual);
    this.#amount = actual;
  }

  /** Other bytes, whatever the limits: for what becomes less, or goes back to what it was. */
  resize(bytes: number): void {
    if (this.#released) throw new Error('the charge is released already');
    const actual = { ...this.#amount, bytes };
    this.book.set(this.#amount, actual);
    this.#amount = actual;
  }

  /** The memory is gone, or was never had. Exactly once. */
  release(): void {
    if (this.#released) throw new Error('the charge is released already');
    this.#released = true;
    this.book.end(this.#amount);
  }
}
