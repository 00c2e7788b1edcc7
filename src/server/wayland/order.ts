/**
 * The order of requests on buffer objects. A client need not wait until a buffer is there before it asks
 * something of it: a request waits for the answers that it needs, and for the requests before it on the
 * same objects. So what is answered does not depend on how fast the daemon is.
 *
 * A request is in the queues of all objects that it names, and has its turn when it is the first in each
 * and all are settled. Since all come in one order, the earliest of those that wait can always be next
 * when the answers have come.
 *
 * A buffer that was added for a batch has nobody's answer on its way until the client sends `create_batch`. What
 * waits for that, be it behind another request, waits at a gate of its own, before it is in those queues: it is
 * counted apart, since no client may be kept from sending what its own requests wait for.
 */

import type { BrokerBuffer } from '../../broker/buffer.js';
import type { BrokerError } from '../../memory/errors.js';
import { asRefusal } from '../../memory/result.js';
import { wl_display } from '../../protocol/wayland.gen.js';
import { DISPLAY_ID } from './objects.js';
import { ProtocolError } from './resource.js';

interface Turn {
  readonly of: readonly Gate[];
  readonly run: () => void;
}

/** Told how many requests more wait than before, or fewer. */
type Waiting = (more: number) => void;

/** What waits of a connection's requests. */
export interface Waits {
  /** For an answer of the daemon's. */
  readonly answer: Waiting;
  /** For a request that the client has yet to send. May throw where there are too many. */
  readonly request: Waiting;
}

/** Requests of a client that may wait for earlier answers before it is not read for a while. */
export const MAX_WAITING_REQUESTS = 1024;

/**
 * And for a `create_batch` that it has not sent, or for a claim that waits for somebody else: it is to be read for that,
 * so that one more is its end.
 */
export const MAX_UNASKED_REQUESTS = 1024;

/** How many of a connection's requests wait, and how many may. */
export class WaitingRequests implements Waits {
  #answers = 0;
  #requests = 0;

  /** `turned`: it is to be read no more, or again. */
  constructor(private readonly turned: () => void) {}

  readonly answer = (more: number): void => {
    const { behind } = this;
    this.#answers += more;
    if (behind !== this.behind) this.turned();
  };

  readonly request = (more: number): void => {
    if (this.#requests + more > MAX_UNASKED_REQUESTS) {
      const { no_memory } = wl_display.enums.error;
      const text = `more than ${MAX_UNASKED_REQUESTS} requests wait for a create_batch that was not sent, or for a claim`;
      throw new ProtocolError(DISPLAY_ID, no_memory, text);
    }
    this.#requests += more;
  };

  /** So many wait for answers that it is not to be read for now. */
  get behind(): boolean {
    return this.#answers >= MAX_WAITING_REQUESTS;
  }
}

/** Something that requests wait for, each in its turn. */
class Gate {
  /** None until one waits. */
  #queue: Turn[] | null = null;
  #open = false;

  constructor(private readonly waiting: Waiting) {}

  get isOpen(): boolean {
    return this.#open;
  }

  get #isFree(): boolean {
    return this.#open && (this.#queue === null || this.#queue.length === 0);
  }

  /** Runs a request here and at the others: now, or when it is its turn. */
  enter(run: () => void, others: readonly Gate[]): void {
    if (this.#isFree && others.every((each) => each.#isFree)) {
      run();
      return;
    }
    this.waiting(1);
    const of = [...new Set([this, ...others])];
    const turn = { of, run };
    for (const each of of) each.#add(turn);
    advance(of);
  }

  #add(turn: Turn): void {
    if (this.#queue === null) this.#queue = [turn];
    else this.#queue.push(turn);
  }

  open(): void {
    this.#open = true;
    // Mostly nothing has waited for it.
    if (this.#queue !== null) advance([this]);
  }

  /** Runs what is first in its queues; returns what may be next then. */
  next(): readonly Gate[] {
    const turn = this.#queue?.[0];
    if (turn === undefined) return [];
    if (!turn.of.every((each) => each.#open && each.#queue?.[0] === turn)) return [];
    for (const each of turn.of) each.#queue?.shift();
    this.waiting(-1);
    turn.run();
    return turn.of;
  }
}

/** A buffer that an object stands for, from before it is there. */
export class AwaitedBuffer extends Gate {
  buffer: BrokerBuffer | null = null;
  /** Why there is none. */
  #failure: BrokerError | null = null;
  /** Before its queue; none where nothing has ever waited for a request of the client's. */
  #asked: Gate | null = null;

  constructor(private readonly waits: Waits) {
    super(waits.answer);
  }

  /** Whether the object's first answer is there: a buffer or a failure. */
  get settled(): boolean {
    return this.isOpen;
  }

  /** Runs a request on this object, and on others that it names: now, or when it is its turn. */
  add(run: () => void, ...others: readonly AwaitedBuffer[]): void {
    if (this.#asked === null && others.every((each) => each.#asked === null)) {
      this.enter(run, others);
      return;
    }
    const gates = others.map((each) => each.#gate(true));
    this.#gate(true).enter(() => this.enter(run, others), gates);
  }

  #gate(isAsked: boolean): Gate {
    if (this.#asked === null) {
      this.#asked = new Gate(this.waits.request);
      if (isAsked) this.#asked.open();
    }
    return this.#asked;
  }

  /** Nobody was asked for it yet: the client is to send another request. */
  unasked(): void {
    this.#gate(false);
  }

  /** Its answer is on its way. */
  asked(): void {
    this.#asked?.open();
  }

  /** The first answer is given, and no other counts: what was asked meanwhile is done, or fails with it. */
  answer(failure: BrokerError | null): void {
    if (this.settled) return;
    this.#failure = failure;
    this.asked();
    this.open();
  }

  /** The buffer, when it is a request's turn. Throws what it failed with. */
  had(): BrokerBuffer {
    if (this.buffer !== null) return this.buffer;
    throw this.#failure ?? new Error('it is not settled');
  }

  /**
   * As `add`, of a request that is given the buffer; `refused` is told what that failed with, or what the request throws.
   */
  ask(
    run: (buffer: BrokerBuffer) => void,
    refused: (error: BrokerError) => void,
    ...others: readonly AwaitedBuffer[]
  ): void {
    const turn = () => {
      try {
        run(this.had());
      } catch (error) {
        refused(asRefusal(error));
      }
    };
    this.add(turn, ...others);
  }
}

function advance(from: readonly Gate[]): void {
  const work = [...from];
  for (let gate = work.shift(); gate !== undefined; gate = work.shift()) work.push(...gate.next());
}
