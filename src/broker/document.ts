/**
 * The document of a revision: a memfd of the daemon's own that nobody can change, and somebody's charge from before it is
 * made until the daemon has let go of it and nobody is to receive it any more. There is one charge, whoever else has it.
 *
 * The last revision's is the owner's of the buffer, who has it published and can release it. One of before is there only for
 * those who were told of it and have not read that: it is the charge of the first of these, who ends that by reading, or
 * with its connection. A writer, who could do nothing about it, is not charged for them, and is not refused for them.
 *
 * Owns: the first reference to the memfd, and the charge.
 */
import { HeldFds } from './held-fds.js';
import type { Charge, Who } from './quota/charge.js';

interface Parts {
  /** Charges somebody else, whatever the limits: the memory is there. */
  pass(charge: Charge, who: Who): Charge;
  closeFd(fd: number): void;
}

export class Document {
  readonly held: HeldFds;
  /** Those to whom it is on its way, in the order in which it was sent. */
  readonly #readers = new Set<{ readonly who: Who }>();
  #isPast = false;
  #isClosed = false;
  #charge: Charge;

  /** The fd and the charge are the document's from here on. */
  constructor(
    fd: number,
    charge: Charge,
    /** In bytes. */
    readonly size: number,
    /** Which of the buffer's documents it is, from 1 on: what is kept of it is called so. */
    readonly number: number,
    private readonly parts: Parts,
  ) {
    this.#charge = charge;
    this.held = new HeldFds([fd], (each) => {
      parts.closeFd(each);
      this.#isClosed = true;
      this.#settle();
    });
  }

  get charge(): Charge {
    return this.#charge;
  }

  /** It is on its way to a client. What is returned is called once: the client has it, or never will. */
  sentTo(who: Who): () => void {
    const reader = { who };
    this.#readers.add(reader);
    return () => {
      this.#readers.delete(reader);
      this.#settle();
    };
  }

  /** There is another one in its place, or its buffer has gone: it is there for its readers alone. */
  letGo(): void {
    this.#isPast = true;
    this.held.release();
    this.#settle();
  }

  /** Somebody else is its buffer's owner. */
  ownedBy(who: Who): void {
    if (this.#charge.who !== who) this.#charge = this.parts.pass(this.#charge, who);
  }

  #settle(): void {
    if (!this.#isPast) return;
    const [reader] = this.#readers;
    if (reader !== undefined) this.ownedBy(reader.who);
    else if (this.#isClosed && !this.#charge.released) this.#charge.release();
  }
}
