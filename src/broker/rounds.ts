/**
 * Rounds: something is done for each of many, a bounded number of them in a turn, since who causes it, and how often,
 * is one client's choice, and how many there are another's. Of several rounds that are called for at the same time
 * each has one in turn; one that is called for again while it is under way begins anew at its end, once.
 *
 * Owns: which rounds are under way, and how far they are.
 */
interface Round<Each, About> {
  about: About;
  /** Null: it has not begun, and finds all who are there when it does. */
  left: Iterator<Each> | null;
  again: boolean;
}

export class Rounds<Key, Each, About = undefined> {
  readonly #rounds = new Map<Key, Round<Each, About>>();

  constructor(
    private readonly parts: {
      /** How many in a turn, of all rounds together. */
      readonly atMost: number;
      /** Whom a round goes to. Who is added while it is under way may be visited, too. */
      members(key: Key): Iterable<Each>;
      visit(each: Each, key: Key, about: About): void;
    },
  ) {}

  /** Whether somebody is yet to be visited. */
  get waiting(): boolean {
    return this.#rounds.size > 0;
  }

  /** Whether a round is called for, or under way. */
  has(key: Key): boolean {
    return this.#rounds.has(key);
  }

  /** Calls for a round. Of what it is about the last word counts. */
  begin(key: Key, about: About): void {
    const round = this.#rounds.get(key);
    if (round === undefined) this.#rounds.set(key, { about, left: null, again: false });
    else {
      round.about = about;
      round.again = round.left !== null;
    }
  }

  /** Nobody is to be visited any more. */
  end(key: Key): void {
    this.#rounds.delete(key);
  }

  /** Visits some, of each round one in turn. */
  run(): void {
    const { atMost, members, visit } = this.parts;
    for (let left = atMost; left > 0; left--) {
      const [next] = this.#rounds;
      if (next === undefined) return;
      const [key, round] = next;
      round.left ??= members(key)[Symbol.iterator]();
      const { value, done } = round.left.next();
      this.#rounds.delete(key);
      if (done === true) {
        if (!round.again) continue;
        round.again = false;
        round.left = null;
      }
      // Behind the others, and before a visit may call for it again.
      this.#rounds.set(key, round);
      if (done !== true) visit(value, key, round.about);
    }
  }
}
