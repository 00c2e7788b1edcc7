/**
 * Shows memory to the displays that the daemon may ask (`displays.ask`): one conversation at a time, each call of it in a
 * thread that may wait (native/later.ts), since a driver answers when it likes. Users take turns. Who has waited too
 * long is told so, and while a card does not answer at all, nobody waits for it: one user's many questions, each of which is
 * answered, are no card that is silent.
 *
 * Owns: copies of the fds that are being shown, until the card is closed.
 */
import { allOf } from '../../broker/displays.js';
import { type Begin, FairCalls } from '../../broker/fair-calls.js';
import type { Asker } from '../../broker/turns.js';
import { after, type Clock, type Monotonic } from '../../memory/clock.js';
import { isOutOfFds, messageOf } from '../../memory/errors.js';
import type { CardScanout, Picture, Scanout } from '../../memory/scanout.js';
import { askCard } from '../../native/kms/ask.js';
import type { Talk } from '../../native/kms/talk.js';
import type { LongCall } from '../../native/later.js';
import { close, duplicate } from '../../native/libc/fd.js';

/** A monitor that is asked what it can takes some tenths of a second. */
export const ANSWER_MS = 5000;

type Done = (said: Scanout) => void;

interface Entry {
  readonly pictures: readonly Picture[];
  readonly deadline: Monotonic;
  /** Null: it was told that nobody has answered. */
  done: Done | null;
}

/** For the calls of the one conversation that there is: one at a time, of which a fair pool gives half. */
const CALLS = 2;
const WHOSE = 0;

const unverified = (reason: string): Scanout => ({ state: 'unverified', reason });

export class ShownMemory {
  /** By user, oldest first; the one whose turn it is comes first. */
  readonly #queues = new Map<number, Entry[]>();
  readonly #calls: FairCalls<LongCall>;
  #current: Entry | null = null;
  /** Of the one that is being asked: from then on its card is silent. */
  #silentFrom: Monotonic | null = null;

  constructor(
    begin: Begin<LongCall>,
    private readonly clock: Clock,
    /** Paths of cards. */
    public cards: readonly string[],
    /** Told what went wrong in here; who asked learns only that it did. */
    private readonly defect: (stack: string) => void,
    private readonly talk: (
      path: string,
      pictures: readonly Picture[],
    ) => Talk<CardScanout> = askCard,
  ) {
    this.#calls = new FairCalls(begin, CALLS);
  }

  /** The fds stay the caller's, and open until `done` is called: once, now or later. */
  ask({ uid }: Asker, pictures: readonly Picture[], done: Done): void {
    if (this.#isSilent) {
      done(unverified(this.#silence));
      return;
    }
    const queue = this.#queues.get(uid) ?? [];
    queue.push({ pictures, deadline: after(this.clock.now(), ANSWER_MS), done });
    this.#queues.set(uid, queue);
    this.#next();
  }

  get #isSilent(): boolean {
    return this.#silentFrom !== null && this.#silentFrom <= this.clock.now();
  }

  get #silence(): string {
    const text = `${this.cards.join(' or ')} has not answered within ${ANSWER_MS / 1000} s`;
    return this.#isSilent ? text : `${text}: others were asked about before`;
  }

  /** Goes on with what waits for a thread, and tells who has waited too long. */
  run(): void {
    this.#calls.run();
    const now = this.clock.now();
    for (const [uid, queue] of this.#queues) {
      while (queue[0] !== undefined && queue[0].deadline <= now) this.#giveUp(queue.shift());
      if (queue.length === 0) this.#queues.delete(uid);
    }
    if (this.#current !== null && this.#current.deadline <= now) this.#giveUp(this.#current);
  }

  #giveUp(entry: Entry | undefined): void {
    const done = entry?.done;
    if (entry !== undefined) entry.done = null;
    done?.(unverified(this.#silence));
  }

  /** Milliseconds until `run` has something to do that nothing wakes it for; -1: never. */
  get wait(): number {
    // Asked each turn, and mostly nobody waits.
    if (this.#current === null) return this.#calls.wait;
    const waiting = [...this.#queues.values()].map(([first]) => first);
    const deadlines = [this.#current, ...waiting].flatMap((entry) =>
      entry?.done ? [entry.deadline] : [],
    );
    if (deadlines.length === 0) return this.#calls.wait;
    const left = Math.max(0, Math.ceil(Math.min(...deadlines) - this.clock.now()));
    return this.#calls.wait < 0 ? left : Math.min(left, this.#calls.wait);
  }

  /** Begins the next conversation where there is none. */
  #next(): void {
    while (this.#current === null) {
      const [first] = this.#queues;
      if (first === undefined) return;
      const [uid, queue] = first;
      const entry = queue.shift();
      // Behind the others.
      this.#queues.delete(uid);
      if (queue.length > 0) this.#queues.set(uid, queue);
      if (entry !== undefined) this.#begin(entry);
    }
  }

  #begin(entry: Entry): void {
    this.#current = entry;
    this.#silentFrom = after(this.clock.now(), ANSWER_MS);
    const copies = new Map<number, number>();
    const over = (said: Scanout) => {
      for (const copy of copies.values()) close(copy);
      this.#current = null;
      this.#silentFrom = null;
      const { done } = entry;
      entry.done = null;
      done?.(said);
    };
    try {
      for (const { fd } of entry.pictures.flatMap(({ planes }) => planes)) {
        if (!copies.has(fd)) copies.set(fd, duplicate(fd));
      }
    } catch (error) {
      if (!isOutOfFds(error)) this.defect(messageOf(error));
      over(unverified('the daemon has no file descriptors left to ask with'));
      return;
    }
    const pictures = entry.pictures.map((picture) => ({
      ...picture,
      planes: picture.planes.map((plane) => ({ ...plane, fd: copies.get(plane.fd) ?? -1 })),
    }));
    this.#goOn(this.#talkToAll(pictures), over, 0);
  }

  *#talkToAll(pictures: readonly Picture[]): Talk<Scanout> {
    const said: CardScanout[] = [];
    for (const card of this.cards) said.push(yield* this.talk(card, pictures));
    return said.length === 0 ? unverified('no display is asked any more') : allOf(said);
  }

  #goOn(talk: Talk<Scanout>, over: Done, result: number): void {
    let step: IteratorResult<LongCall, Scanout>;
    try {
      step = talk.next(result);
    } catch (error) {
      this.defect(error instanceof Error ? (error.stack ?? error.message) : String(error));
      over(unverified('the daemon failed to ask'));
      this.#next();
      return;
    }
    if (step.done === true) {
      over(step.value);
      this.#next();
    } else this.#calls.add(WHOSE, step.value, (next) => this.#goOn(talk, over, next));
  }
}
