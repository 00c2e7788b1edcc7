/**
 * A client's process, outliving its connections: one that has disconnected may still hold what it
 * was handed. Owns the pidfd, until the last of those who want to know has let go.
 */

interface World {
  /** Whether the process behind a pidfd has ended. */
  exited(pidfd: number): boolean;
  closeFd(fd: number): void;
}

export class PeerProcess {
  #references = 1;
  #exited = false;
  /** Its connection is there, whose end waits for the pidfd, too. */
  #connected = true;

  /** What tells it from every other process, while the machine runs; null where the kernel does not say. */
  readonly name: string | null;
  private pidfd: number | null;

  /** Takes ownership of the pidfd; null where the kernel gave none. The caller has the first reference. */
  constructor(
    { pidfd, name }: { readonly pidfd: number | null; readonly name: string | null },
    private readonly world: World,
    /** Told when nothing is to be learnt any more. */
    private readonly over: (process: PeerProcess) => void,
  ) {
    this.pidfd = pidfd;
    this.name = name;
  }

  /** Only true where that is certain. */
  get exited(): boolean {
    if (!this.#exited && this.pidfd !== null) this.#exited = this.world.exited(this.pidfd);
    if (this.#exited && !this.#connected) this.abandon();
    return this.#exited;
  }

  /** The connection's reference ends. */
  disconnected(): void {
    this.#connected = false;
    this.release();
    if (this.#exited) this.abandon();
  }

  /** Whether it can still be found out that it exits. */
  get watched(): boolean {
    return this.pidfd !== null;
  }

  retain(): this {
    this.#references++;
    return this;
  }

  release(): void {
    this.#references--;
    if (this.#references === 0) this.abandon();
  }

  /** Closes the pidfd: nothing is learnt any more. */
  abandon(): void {
    if (this.pidfd === null) return;
    this.world.closeFd(this.pidfd);
    this.pidfd = null;
    this.over(this);
  }
}
