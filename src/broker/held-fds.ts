/**
 * File descriptors that several parts of the daemon need for different times: the registry while a
 * buffer lives, the socket while a message with them waits to be sent. The last one out closes.
 */
export class HeldFds {
  #references = 1;

  /** Takes ownership of the fds; the caller has the first reference. */
  constructor(
    readonly fds: readonly number[],
    private readonly close: (fd: number) => void,
  ) {}

  retain(): this {
    if (this.#references === 0) throw new Error('the fds are closed already');
    this.#references++;
    return this;
  }

  /** Each once: planes of one allocation may name one fd several times. */
  get each(): readonly number[] {
    return this.fds.length === 1 ? this.fds : [...new Set(this.fds)];
  }

  /** Whether anybody has a reference beside the caller. */
  get shared(): boolean {
    return this.#references > 1;
  }

  /** Some of them, which keep all: a reference of its own, the caller's. */
  some(fds: readonly number[]): HeldFds {
    this.retain();
    const [first] = fds;
    // Each is closed once.
    return new HeldFds(fds, (fd) => {
      if (fd === first) this.release();
    });
  }

  /** Gives the fds, each once, to the caller, whose reference must be the last one and ends here. */
  take(): readonly number[] {
    if (this.#references !== 1) throw new Error('others refer to the fds');
    this.#references = 0;
    return this.each;
  }

  release(): void {
    if (this.#references === 0) throw new Error('released more often than retained');
    this.#references--;
    if (this.#references === 0) for (const fd of this.each) this.close(fd);
  }
}

/** Those of several, in one row: a reference to each. */
export class JoinedFds {
  readonly #parts: HeldFds[];
  readonly #fds: number[];

  /** Takes over the caller's reference to the first. */
  constructor(first: HeldFds) {
    this.#parts = [first];
    this.#fds = [...first.fds];
  }

  get fds(): readonly number[] {
    return this.#fds;
  }

  add(part: HeldFds): void {
    this.#parts.push(part.retain());
    this.#fds.push(...part.fds);
  }

  /** Once. */
  release(): void {
    for (const part of this.#parts.splice(0)) part.release();
  }
}
