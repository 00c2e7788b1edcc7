/**
 * One connection's life, chosen by chance: tame (it keeps to the protocol, so that an error is the daemon's
 * fault), free (any request of any object), or broken (requests are mutated, too). It is played step by
 * step, so that several can be played in turn.
 */
import type { Random } from '../support/random.js';
import { Heard } from './heard.js';
import type { Built, Wish } from './message.js';
import { cut, mutate, type Piece } from './mutate.js';
import { Talk } from './talk.js';

/** A fault of the daemon's. */
export class Fault extends Error {
  override readonly name = 'Fault';
}

/** What carries a session's bytes: a socket, or a Connection without one. */
export interface Line {
  /** The daemon has ended it, or we have. */
  readonly over: boolean;
  send(piece: Piece): void;
  /** Takes what has come, and gives it to `heard`. */
  read(heard: Heard): void;
  /** Reads until `done`; a fault where that never comes true. */
  wait(heard: Heard, done: () => boolean): void;
  /** Closes it, and what came and was not taken. */
  hangUp(heard: Heard): void;
}

const LONGEST = 150;
/** Of fds.ts: the connection's own. */
const OWN_END: Wish = { choice: 1, tame: false };
/** What is asked for at once, without reading the answers. */
const MOST = 60;
/** One in so many requests of a broken session is broken. */
const BROKEN = 8;
const DONE = 'wl_callback.done';

type Kind = 'tame' | 'free' | 'broken';

export class Session {
  readonly heard: Heard;
  readonly kind: Kind;
  /** Requests that were sent, by name. */
  readonly sent = new Map<string, number>();
  messages = 0;
  readonly #talk: Talk;
  readonly #length: number;
  #reading = true;
  /** The daemon may wait for the rest of a message that never comes. */
  #lost = false;

  constructor(
    private readonly random: Random,
    private readonly line: Line,
    tokens: string[],
  ) {
    this.heard = new Heard(tokens);
    this.kind = random.one<Kind>(['tame', 'free', 'broken', 'broken']) ?? 'tame';
    this.#length = 1 + random.below(LONGEST);
    this.#talk = new Talk(random, this.heard, this.kind === 'tame');
  }

  /** Plays one move; returns false when its life is over. */
  step(): boolean {
    const { random, line } = this;
    if (line.over || this.messages >= this.#length) {
      this.end();
      return false;
    }
    const chance = random.below(40);
    if (chance < 6) this.#wait();
    else if (chance === 6) this.#reading = !this.#reading;
    else if (chance === 7) {
      this.#reading = false;
      this.#say(this.#talk.often(1 + random.below(MOST)));
    } else this.#say(this.#talk.move());
    if (this.#reading) this.#read();
    this.#judge();
    return true;
  }

  /** Hangs up, in one of the ways that there are. */
  end(): void {
    const { line } = this;
    const how = this.random.below(4);
    if (how === 0 && this.kind === 'broken') this.#leaveOwnEnd();
    else if (how < 2 && !line.over && !this.#lost) this.#wait();
    this.#read();
    this.#judge();
    line.hangUp(this.heard);
  }

  #say(requests: readonly Built[]): void {
    const { random } = this;
    const together = random.below(2) === 0;
    const pieces: Piece[] = [];
    for (const built of requests) {
      this.sent.set(built.name, (this.sent.get(built.name) ?? 0) + 1);
      this.messages++;
      if (this.kind === 'broken' && random.below(BROKEN) === 0) {
        const { pieces: broken, lost } = mutate(random, built, this.#talk);
        this.#lost ||= lost;
        this.heard.astray = true;
        pieces.push(...broken);
      } else pieces.push({ bytes: built.bytes, fds: built.fds });
    }
    for (const piece of together ? joined(pieces) : pieces) {
      // A tame client sends an fd with the first byte of what it belongs to, as libwayland does.
      const small = random.below(10) === 0 && (this.kind !== 'tame' || piece.fds.length === 0);
      for (const each of small ? cut(random, piece) : [piece]) this.line.send(each);
    }
  }

  /** Hangs up with its own end of the connection in what was sent last, and answers unread. */
  #leaveOwnEnd(): void {
    this.#say(this.#talk.often(3));
    for (const { bytes } of this.#talk.sync()) this.line.send({ bytes, fds: [OWN_END] });
  }

  /** Until all that was asked is answered. */
  #wait(): void {
    if (this.#lost || this.heard.astray) return;
    this.#reading = true;
    const { heard, line } = this;
    const before = heard.counts.get(DONE) ?? 0;
    for (const piece of this.#talk.sync()) line.send({ bytes: piece.bytes, fds: piece.fds });
    const answered = () => (heard.counts.get(DONE) ?? 0) > before && heard.pending.size === 0;
    line.wait(heard, () => line.over || heard.ended !== null || answered());
  }

  #read(): void {
    try {
      this.line.read(this.heard);
    } catch (error) {
      if (error instanceof Fault) throw error;
      throw new Fault(`what the daemon sends cannot be read: ${error}`);
    }
  }

  /** An error that its client has not earned. */
  #judge(): void {
    const { ended } = this.heard;
    if (ended === null) return;
    if (/^the daemon failed/.test(ended.text)) throw new Fault(ended.text);
    // A user that has too much of something is told so, whatever it says.
    const earned = this.kind !== 'tame' || /too many|out of file descriptors/.test(ended.text);
    if (!earned) throw new Fault(`a client that kept to the protocol: ${ended.text}`);
  }
}

/** As one send, as far as one can carry their fds. */
function joined(pieces: readonly Piece[]): Piece[] {
  const bytes = Buffer.concat(pieces.map((piece) => piece.bytes));
  const fds = pieces.flatMap((piece) => piece.fds);
  return fds.length > 4 ? [...pieces] : [{ bytes, fds }];
}
