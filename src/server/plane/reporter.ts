/**
 * Tells main what happens in the registry, one message for many: a message costs the data plane, and the main
 * thread that wakes up for it, more than the event itself (docs/performance.md). What is told of an event, and
 * the audit's line of it, is made there.
 */
import type { BrokerEvent } from '../../broker/events.js';
import { after, type Clock, LONG_AGO, type WallTime } from '../../memory/clock.js';
import type { EventBatch } from '../words/event-rows.js';
import { EventWriter } from '../words/event-writer.js';

/** Milliseconds between two messages; what happens after a quiet time is told at once. */
const INTERVAL_MS = 20;
/**
 * Rows in one message at most: a flood is told sooner, rather than with much at once for main to do. A message is
 * dozens of microseconds: one in a hundred requests is not to wait for it.
 */
const MAX_EVENTS = 1024;

export class Reporter {
  readonly #writer: EventWriter;
  #next = LONG_AGO;
  /** A turn has one moment, and one date: of then, whatever the machine's date is when main tells of it. */
  #moment = LONG_AGO;
  #date = 0 as WallTime;

  constructor(
    post: (batch: EventBatch) => void,
    private readonly clock: Clock,
    memory: SharedArrayBuffer,
  ) {
    this.#writer = new EventWriter(memory, post);
  }

  readonly report = (event: BrokerEvent): void => {
    const now = this.clock.now();
    if (now !== this.#moment) {
      this.#moment = now;
      this.#date = this.clock.date(now);
    }
    this.#writer.write(event, this.#date);
    if (this.#writer.unsent >= MAX_EVENTS) this.#send();
  };

  /** Whether clients are not to be read: main is far behind. It wakes the data plane when it is not any more. */
  get behind(): boolean {
    return this.#writer.behind;
  }

  /** Milliseconds until `flush` has something to do; -1: never. */
  get wait(): number {
    if (this.#writer.unsent === 0) return -1;
    return Math.max(0, Math.ceil(this.#next - this.clock.now()));
  }

  /** Sends what has happened, if it is time. */
  flush(): void {
    if (this.wait === 0) this.#send();
  }

  /** Sends what is left. */
  close(): void {
    this.#writer.send();
  }

  #send(): void {
    this.#writer.send();
    this.#next = after(this.clock.now(), INTERVAL_MS);
  }
}
