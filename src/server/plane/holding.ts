/**
 * Why no client is read: main has asked for it, since what clients do could not be recorded, or it has so much
 * to read already that more would have no place (event-rows.ts). Either is enough.
 */
export class Holding {
  #asked = false;
  #held = false;

  constructor(
    private readonly hold: (held: boolean) => void,
    private readonly behind: () => boolean,
  ) {}

  /** By main. */
  ask(held: boolean): void {
    this.#asked = held;
    this.look();
  }

  /** To be called in every turn. */
  look(): void {
    const held = this.behind() || this.#asked;
    if (held === this.#held) return;
    this.#held = held;
    this.hold(held);
  }
}
