/**
 * The order of requests on buffer objects. A client need not wait until a buffer is there before it asks
 * something of it: a request waits for the answers that it needs, and for the requests before it on the
 * same objects. So what is answered does not depend on how fast the daemon is.
 *
 * A request is in the queues of all objects that it names, and has its turn when it is the first in each
 * and all are settled. Since all come in one order, the earliest of those that wait can always be next
 * when the answers have come.
 */

interface Turn {
  readonly of: readonly Order[];
  readonly run: () => void;
}

export class Order {
  /** None until one waits. */
  #queue: Turn[] | null = null;
  #settled = false;

  /** `waiting` is told how many requests more wait than before, or fewer. */
  constructor(private readonly waiting: (more: number) => void) {}

  /** Whether the object's first answer is there: a buffer or a failure. */
  get settled(): boolean {
    return this.#settled;
  }

  /** Runs a request on this object, and on others that it names: now, or when it is its turn. */
  add(run: () => void, ...others: readonly Order[]): void {
    if (this.#settled && others.length === 0 && (this.#queue?.length ?? 0) === 0) {
      run();
      return;
    }
    const of = [...new Set([this, ...others])];
    const turn = { of, run };
    for (const each of of) each.#add(turn);
    this.waiting(1);
    advance(of);
  }

  #add(turn: Turn): void {
    if (this.#queue === null) this.#queue = [turn];
    else this.#queue.push(turn);
  }

  /** The answer has come. */
  settle(): void {
    this.#settled = true;
    // Mostly nothing has waited for it.
    if (this.#queue !== null) advance([this]);
  }

  /** Runs what is first in its queues; returns what may be next then. */
  next(): readonly Order[] {
    const turn = this.#queue?.[0];
    if (turn === undefined) return [];
    if (!turn.of.every((each) => each.#settled && each.#queue?.[0] === turn)) return [];
    for (const each of turn.of) each.#queue?.shift();
    this.waiting(-1);
    turn.run();
    return turn.of;
  }
}

function advance(from: readonly Order[]): void {
  const work = [...from];
  for (let order = work.shift(); order !== undefined; order = work.shift())
    work.push(...order.next());
}
