/**
 * Asking for memory back: which buffers, by when, and what was not given back in time. Nothing is
 * taken away (a dma_buf cannot be revoked); whoever is overdue gets nothing more.
 *
 * Deadlines are looked at when somebody asks, so that no timer is needed.
 */

import type { SharedDimension } from '../../memory/charged.js';
import { after, type Clock, type Monotonic } from '../../memory/clock.js';
import { BrokerError } from '../../memory/errors.js';
import type { BrokerBuffer, Owner } from '../buffer.js';
import type { RecallReason } from '../lifetime.js';
import type { Who } from './charge.js';
import type { Ledger } from './ledger.js';
import type { Policy } from './policy.js';
import type { Need, Prospect } from './refusals.js';

/** What is asked of a buffer's owner, and by when. */
export interface RecallTerms {
  readonly reason: RecallReason;
  readonly deadline: Monotonic;
}

/** Buffers of one user that were recalled together. */
interface Recall extends RecallTerms {
  readonly uid: number;
  readonly buffers: Set<BrokerBuffer>;
  /** What the user holds of the capacity when it has given enough back, with whichever buffers. */
  readonly enough: { source: string | null; dimension: SharedDimension; amount: number } | null;
}

/** What the machine has too little of. */
export interface Pressure {
  /** The sources whose memory it is; null: all. */
  readonly sources: readonly string[] | null;
  readonly seconds: number;
}

/** Not handed out for so long: idle. Interactive clients redeem anew within seconds. */
export const IDLE_SECONDS = 60;

/** How much of what is charged one round under pressure asks for. */
export const PRESSURE_PART = 0.1;

/** As many overdue buffers are named in a refusal. */
const MAX_NAMED = 32;

/** `by`: who asked for it; null: the daemon. */
export type Told = (
  buffer: BrokerBuffer,
  reason: RecallReason | 'withdrawn',
  seconds: number,
  by: Owner | null,
) => void;

export class Recalls {
  readonly #recalls = new Set<Recall>();
  /** A buffer is in one recall at a time. */
  readonly #byBuffer = new Map<BrokerBuffer, Recall>();

  constructor(
    private readonly ledger: Ledger,
    private readonly policy: Policy,
    private readonly clock: Clock,
    /** A buffer is recalled with so many seconds left, or its recall is withdrawn. */
    private readonly told: Told,
  ) {}

  /** The recalls of a buffer's user that are not met, each with its buffers. */
  of(uid: number): (RecallTerms & { buffer: BrokerBuffer })[] {
    this.#review(uid);
    return [...this.#recalls]
      .filter((recall) => recall.uid === uid)
      .flatMap(({ buffers, reason, deadline }) =>
        [...buffers].map((buffer) => ({ buffer, reason, deadline })),
      );
  }

  /** What its owner was told last; null where it is not recalled. */
  ofBuffer(buffer: BrokerBuffer): RecallTerms | null {
    return this.#byBuffer.get(buffer) ?? null;
  }

  /**
   * Throws `recalled` where the user has not given back in time what it was asked for. A client is
   * held to what clients that are there have been asked for; only over REST is somebody asked for what
   * has no owner's connection, and can a user release it.
   */
  refuseOverdue({ uid, connection }: Who): void {
    if (this.#recalls.size === 0) return;
    const now = this.clock.now();
    const overdue = this.of(uid).filter(
      ({ deadline, buffer }) =>
        deadline <= now && (connection === null || buffer.owner.client?.connected === true),
    );
    if (overdue.length === 0) return;
    const names = overdue.slice(0, MAX_NAMED).map(({ buffer }) => buffer.id);
    const text = `${overdue.length} recalled buffers of user ${uid} are overdue: ${names.join(', ')}`;
    throw new BrokerError('recalled', text, {
      constraint: 'recalled',
      requested: overdue.length,
      possible: { release: names },
    });
  }

  /**
   * Recalls what a user below its share lacks from those above theirs. Nothing is recalled where that
   * is not enough: memory that was released and is still held, or not answered yet, cannot be had back.
   */
  forShare(need: Need, all: Iterable<BrokerBuffer>, seconds: number): Prospect {
    const now = this.clock.now();
    const { source, dimension } = need;
    const amount = ({ charge }: BrokerBuffer) => charge.of(source)[dimension];
    const left = new Map(need.over);
    let missing = need.shortfall;
    let waiting = 0;
    for (const { uid, deadline, buffers } of this.#recalls) {
      const asked = sumOf(buffers, amount);
      left.set(uid, (left.get(uid) ?? 0) - asked);
      // What is overdue will not come: others are asked for it.
      if (deadline <= now || asked === 0) continue;
      missing -= asked;
      waiting = Math.max(waiting, (deadline - now) / 1000);
    }
    if (missing <= 0) return { afterSeconds: waiting };
    const candidates = [...all].filter((buffer) => amount(buffer) > 0);
    const chosen = new Map<number, BrokerBuffer[]>();
    for (const buffer of this.#inOrder(candidates, need.over)) {
      const { who } = buffer.charge;
      const rest = left.get(who.uid) ?? 0;
      if (missing <= 0) break;
      if (rest <= 0) continue;
      left.set(who.uid, rest - amount(buffer));
      missing -= amount(buffer);
      chosen.set(who.uid, [...(chosen.get(who.uid) ?? []), buffer]);
    }
    if (missing > 0) return { recallable: need.shortfall - missing };
    for (const [uid, buffers] of chosen) {
      const held = this.ledger.capacities.held(uid, source)[dimension];
      const enough = held - sumOf(buffers, amount);
      const met = { source, dimension, amount: enough };
      this.#recall({ reason: 'share', uid, enough: met }, buffers, seconds);
    }
    return { afterSeconds: Math.max(waiting, seconds) };
  }

  /** Recalls a part of what is charged; nothing while a round before it is not over. */
  underPressure({ sources, seconds }: Pressure, all: Iterable<BrokerBuffer>): number {
    const now = this.clock.now();
    const counts = ({ charge }: BrokerBuffer) =>
      sources === null || sources.includes(charge.source);
    for (const { reason, deadline, buffers } of this.#recalls) {
      if (reason === 'memory_pressure' && deadline > now && [...buffers].some(counts)) return 0;
    }
    const candidates = [...all].filter(counts);
    let missing = sumOf(candidates, ({ charge }) => charge.amount.bytes) * PRESSURE_PART;
    const chosen = new Map<number, BrokerBuffer[]>();
    for (const buffer of this.#inOrder(candidates, new Map())) {
      if (missing <= 0) break;
      const { who, amount } = buffer.charge;
      missing -= amount.bytes;
      chosen.set(who.uid, [...(chosen.get(who.uid) ?? []), buffer]);
    }
    for (const [uid, buffers] of chosen) {
      this.#recall({ reason: 'memory_pressure', uid, enough: null }, buffers, seconds);
    }
    return [...chosen.values()].flat().length;
  }

  /** The pressure is gone: what it recalled may be kept. */
  relieved(sources: readonly string[] | null): void {
    for (const recall of [...this.#recalls]) {
      const all = [...recall.buffers];
      const these = sources === null || all.every(({ charge }) => sources.includes(charge.source));
      if (recall.reason === 'memory_pressure' && these) this.#withdraw(recall);
    }
  }

  /** An administrator asks for a buffer, in place of whoever has asked for it before. */
  forAdministrator(buffer: BrokerBuffer, seconds: number, by: Owner | null = null): void {
    this.released(buffer);
    const { uid } = buffer.charge.who;
    this.#recall({ reason: 'administrator', uid, enough: null }, [buffer], seconds, by);
  }

  /** One of before the daemon was restarted: its owner was told. */
  restore(buffer: BrokerBuffer, { reason, deadline }: RecallTerms): void {
    const { uid } = buffer.charge.who;
    const recall = { reason, uid, deadline, buffers: new Set([buffer]), enough: null };
    this.#recalls.add(recall);
    this.#byBuffer.set(buffer, recall);
  }

  /** The registry has let go of a buffer. */
  released(buffer: BrokerBuffer): void {
    const recall = this.#byBuffer.get(buffer);
    if (recall === undefined) return;
    this.#byBuffer.delete(buffer);
    recall.buffers.delete(buffer);
    if (recall.buffers.size === 0) this.#recalls.delete(recall);
  }

  // ---- inside ----------------------------------------------------------------------------------

  #recall(
    { reason, uid, enough }: Pick<Recall, 'reason' | 'uid' | 'enough'>,
    buffers: readonly BrokerBuffer[],
    seconds: number,
    by: Owner | null = null,
  ): void {
    const deadline = after(this.clock.now(), seconds * 1000);
    const recall = { reason, uid, deadline, buffers: new Set(buffers), enough };
    this.#recalls.add(recall);
    for (const buffer of buffers) this.#byBuffer.set(buffer, recall);
    for (const buffer of buffers) this.told(buffer, reason, seconds, by);
  }

  /** Withdraws what the user has met with other buffers than those that it was asked for. */
  #review(uid: number): void {
    for (const recall of [...this.#recalls]) {
      const { enough } = recall;
      if (recall.uid !== uid || enough === null) continue;
      const held = this.ledger.capacities.held(uid, enough.source)[enough.dimension];
      if (held <= enough.amount) this.#withdraw(recall);
    }
  }

  #withdraw(recall: Recall): void {
    this.#recalls.delete(recall);
    for (const buffer of recall.buffers) this.#byBuffer.delete(buffer);
    for (const buffer of recall.buffers) this.told(buffer, 'withdrawn', 0, null);
  }

  /**
   * Those that are not recalled yet, in the order in which they are: idle ones first, then low
   * priority, then of whoever is furthest above its share, then unused for longest, then oldest.
   */
  #inOrder(buffers: BrokerBuffer[], over: ReadonlyMap<number, number>): BrokerBuffer[] {
    const idleSince = after(this.clock.now(), -IDLE_SECONDS * 1000);
    const keys = buffers
      .filter((buffer) => !this.#byBuffer.has(buffer))
      .map((buffer) => ({
        buffer,
        key: [
          buffer.lastUsed <= idleSince ? 0 : 1,
          this.#priority(buffer),
          -(over.get(buffer.charge.who.uid) ?? 0),
          buffer.lastUsed,
          buffer.createdAt,
        ],
      }));
    keys.sort((a, b) => {
      const first = a.key.findIndex((value, i) => value !== b.key[i]);
      return first < 0 ? 0 : (a.key[first] ?? 0) - (b.key[first] ?? 0);
    });
    return keys.map(({ buffer }) => buffer);
  }

  #priority({ charge: { who } }: BrokerBuffer): number {
    const { accounts } = this.ledger;
    const ids = accounts
      .holders(who)
      .filter(({ scope }) => scope !== 'connection')
      .flatMap(({ scope, key }) => accounts.rulesFor(scope, key));
    return this.policy.settings(ids).priority;
  }
}

function sumOf(buffers: Iterable<BrokerBuffer>, amount: (buffer: BrokerBuffer) => number): number {
  return [...buffers].reduce((sum, buffer) => sum + amount(buffer), 0);
}
