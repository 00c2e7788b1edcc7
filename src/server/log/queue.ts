/**
 * The lines that wait to be written to the log. Nobody waits for the log: a line for which there is no
 * room is lost, counted, and told of when there is room again. The daemon's own lines cannot take the
 * audit's room, nor one user's audit another's, nor a flood of one act of a user's the room for what else
 * that user does: nobody can talk their own tracks away.
 *
 * Owns: the accounting of what the writer's thread has not written yet.
 */
import { FairPool } from '../../broker/fair-pool.js';

/** native/writer.ts. */
export interface LineWriter {
  add(line: Uint8Array): boolean;
  /** How many lines are over, in the order in which they were added. */
  done(): number;
  /** The numbers of lines that could not be written since the last call. */
  failed(): number[];
  wait(milliseconds: number): number;
}

/** Whose act an audit's line tells; uid null: the daemon's own, or unknown. */
export interface Account {
  readonly uid: number | null;
  readonly act: string;
}

/** Bytes that may wait. The last quarter of the log's is for errors. */
export const LOG_BYTES = 1024 * 1024;
export const AUDIT_BYTES = 4 * 1024 * 1024;
const ERRORS_PART = 1 / 4;
/** pino's number. */
const LEVEL_ERROR = 50;
/** How often it is looked whether there is room again, where something was lost. */
const LOOK_MS = 250;
/** Whose losses are counted apart; the others' together. */
const MAX_COUNTED = 256;

/** Lines that were lost: by user (`uid 1001`), and the log's own (`log`). */
export type Losses = ReadonlyMap<string, number>;

interface Waiting {
  readonly number: number;
  readonly bytes: number;
  readonly account: Account | null;
  /** The losses that it tells of. */
  readonly told: Losses | null;
}

const NOBODY = -1;

export class LogQueue {
  readonly #waiting: Waiting[] = [];
  readonly #audit: FairPool;
  /** Bytes of each act of each user. */
  readonly #acts = new Map<string, number>();
  /** Lost and not told yet, and ever. */
  #lost = new Map<string, number>();
  readonly #lostEver = new Map<string, number>();
  /** Numbers of lines that could not be written, until their turn comes. */
  readonly #failed = new Set<number>();
  #logBytes = 0;
  #auditBytes = 0;
  #added = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(
    private readonly writer: LineWriter,
    /** Makes the line that tells of losses. */
    private readonly describe: (losses: Losses) => string,
    private readonly limits = { log: LOG_BYTES, audit: AUDIT_BYTES },
  ) {
    this.#audit = new FairPool(limits.audit);
  }

  /** Lines lost since the start. */
  get lost(): Losses {
    return this.#lostEver;
  }

  /** A line of the daemon's own, at pino's level. */
  log(line: string, level: number): void {
    this.#collect();
    const bytes = Buffer.from(line);
    const room = this.limits.log * (level >= LEVEL_ERROR ? 1 : 1 - ERRORS_PART);
    if (this.#logBytes + bytes.length > room || !this.#add(bytes, null)) this.#lose('log', 1);
  }

  /** An audit's line. Returns false, and nothing is lost or counted, where there is no room for it. */
  audit(line: string, account: Account): boolean {
    this.#collect();
    const bytes = Buffer.from(line);
    return this.#fits(bytes.length, account) && this.#add(bytes, account);
  }

  /** An audit's line that will not be written: counted as its user's loss. */
  lose({ uid }: Account): void {
    this.#lose(uid === null ? 'nobody' : `uid ${uid}`, 1);
  }

  /** Waits until all is written, but not longer. */
  flush(milliseconds: number): void {
    this.writer.wait(milliseconds);
  }

  #fits(bytes: number, { uid, act }: Account): boolean {
    const user = uid ?? NOBODY;
    if (!this.#audit.has(user, bytes)) return false;
    const key = `${user} ${act}`;
    const others = this.#auditBytes - this.#audit.taken(user);
    // A quarter of what others leave, of which the user may have a half.
    return (this.#acts.get(key) ?? 0) + bytes <= (this.limits.audit - others) / 4;
  }

  #add(bytes: Buffer, account: Account | null, told: Losses | null = null): boolean {
    if (!this.writer.add(bytes)) return false;
    this.#waiting.push({ number: this.#added++, bytes: bytes.length, account, told });
    this.#count(account, bytes.length);
    return true;
  }

  #count(account: Account | null, bytes: number): void {
    if (account === null) {
      this.#logBytes += bytes;
      return;
    }
    const user = account.uid ?? NOBODY;
    const key = `${user} ${account.act}`;
    const sum = (this.#acts.get(key) ?? 0) + bytes;
    if (sum === 0) this.#acts.delete(key);
    else this.#acts.set(key, sum);
    this.#auditBytes += bytes;
    if (bytes > 0) this.#audit.overdraw(user, bytes);
    else this.#audit.give(user, -bytes);
  }

  /** Takes note of what has been written, and of what could not be. */
  #collect(): void {
    const done = this.writer.done();
    for (const number of this.writer.failed()) this.#failed.add(number);
    let over = 0;
    for (const { number, bytes, account, told } of this.#waiting) {
      if (number >= done) break;
      over++;
      this.#count(account, -bytes);
      if (!this.#failed.delete(number)) continue;
      if (told !== null) for (const [who, count] of told) this.#keep(who, count);
      else if (account !== null) this.lose(account);
      else this.#lose('log', 1);
    }
    this.#waiting.splice(0, over);
  }

  #lose(who: string, count: number): void {
    const apart = this.#lostEver.has(who) || this.#lostEver.size < MAX_COUNTED;
    const key = apart ? who : 'others';
    this.#lostEver.set(key, (this.#lostEver.get(key) ?? 0) + count);
    this.#keep(key, count);
  }

  /** To be told, once there is room. */
  #keep(who: string, count: number): void {
    this.#lost.set(who, (this.#lost.get(who) ?? 0) + count);
    this.#timer ??= setInterval(() => this.#tell(), LOOK_MS).unref();
  }

  /** Tells of losses when the queue is empty: one line at a time, until one is really written. */
  #tell(): void {
    this.#collect();
    if (this.#waiting.length > 0) return;
    if (this.#lost.size > 0) {
      const losses = this.#lost;
      this.#lost = new Map();
      if (!this.#add(Buffer.from(this.describe(losses)), null, losses)) this.#lost = losses;
    } else if (this.#timer !== null) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
  }
}
