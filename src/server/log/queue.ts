/**
 * The lines that wait to be written to the log. Nobody waits for the log: a line for which there is no
 * room is lost, counted, and told of when there is room again. The daemon's own lines cannot take the
 * audit's room, nor one user's audit another's, nor a flood of some kinds of act of a user's the room for what
 * else that user does: nobody can talk their own tracks away.
 *
 * Owns: the lines of this turn, and the accounting of what the writer's thread has not written yet.
 */
import { FairPool } from '../../broker/fair-pool.js';

/** native/writer.ts. */
export interface LineWriter {
  /** One line or more. */
  add(lines: Uint8Array): boolean;
  /** How many of what was added are over, in that order. */
  done(): number;
  /** The numbers of those that could not be written since the last call. */
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

/** Lines that are handed to the writer as one. */
interface Batch {
  readonly lines: string[];
  bytes: number;
  logBytes: number;
  /** Lines of the log's own. */
  logLines: number;
  /** The audit's, by user and act. */
  readonly acts: Map<string, Act>;
  /** The losses that it tells of. */
  told: Losses | null;
}

interface Act {
  readonly account: Account;
  bytes: number;
  lines: number;
}

/** A batch goes to the writer at the end of the turn, or when it has so many bytes. */
const BATCH_BYTES = 32 * 1024;

const NOBODY = -1;

const emptyBatch = (): Batch => ({
  lines: [],
  bytes: 0,
  logBytes: 0,
  logLines: 0,
  acts: new Map(),
  told: null,
});

export class LogQueue {
  /** With the writer, in its order. */
  readonly #waiting: Batch[] = [];
  /** Not yet. */
  #batch = emptyBatch();
  readonly #audit: FairPool;
  /** Bytes of each act of each user. */
  readonly #acts = new Map<string, number>();
  /** Lost and not told yet, and ever. */
  #lost = new Map<string, number>();
  readonly #lostEver = new Map<string, number>();
  /** Numbers of batches that could not be written, until their turn comes. */
  readonly #failed = new Set<number>();
  #logBytes = 0;
  #auditBytes = 0;
  /** The number of the first batch that waits. */
  #first = 0;
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
    this.#send();
    this.#collect();
    return this.#lostEver;
  }

  /** A line of the daemon's own, at pino's level. */
  log(line: string, level: number): void {
    const bytes = Buffer.byteLength(line);
    const room = this.limits.log * (level >= LEVEL_ERROR ? 1 : 1 - ERRORS_PART);
    const fits = () => this.#logBytes + bytes <= room;
    if (fits() || this.#hasGone(fits)) this.#add(line, bytes, null);
    else this.#lose('log', 1);
  }

  /** An audit's line. Returns false, and nothing is lost or counted, where there is no room for it. */
  audit(line: string, account: Account): boolean {
    const bytes = Buffer.byteLength(line);
    const key = keyOf(account);
    const fits = () => this.#fits(bytes, account, key);
    if (!fits() && !this.#hasGone(fits)) return false;
    this.#add(line, bytes, account, key);
    return true;
  }

  /** An audit's line that will not be written: counted as its user's loss. */
  lose(account: Account): void {
    this.#lose(whose(account), 1);
  }

  /** Waits until all is written, but not longer. */
  flush(milliseconds: number): void {
    this.#send();
    this.writer.wait(milliseconds);
  }

  /** Whether there is room when what has been written meanwhile is taken off. */
  #hasGone(fits: () => boolean): boolean {
    this.#send();
    this.#collect();
    return fits();
  }

  /**
   * A user may have a half of what others leave (fair-pool.ts). Of that, by the same rule, a kind of act has a half
   * of what the user's other kinds leave: whatever n of them have taken, an n + 1st part is free for the next.
   */
  #fits(bytes: number, { uid }: Account, key: string): boolean {
    const user = this.#audit.taken(uid ?? NOBODY);
    const part = (this.limits.audit - (this.#auditBytes - user)) / 2;
    const kind = this.#acts.get(key) ?? 0;
    return kind + bytes <= part - user - bytes;
  }

  #add(line: string, bytes: number, account: null): void;
  #add(line: string, bytes: number, account: Account, key: string): void;
  #add(line: string, bytes: number, account: Account | null, key = ''): void {
    const batch = this.#batch;
    if (batch.lines.length === 0) setImmediate(this.#send);
    batch.lines.push(line);
    batch.bytes += bytes;
    if (account === null) {
      batch.logBytes += bytes;
      batch.logLines++;
      this.#logBytes += bytes;
    } else {
      const act = batch.acts.get(key) ?? { account, bytes: 0, lines: 0 };
      batch.acts.set(key, act);
      act.bytes += bytes;
      act.lines++;
      this.#count(key, account, bytes);
    }
    if (batch.bytes >= BATCH_BYTES) this.#send();
  }

  #count(key: string, { uid }: Account, bytes: number): void {
    const user = uid ?? NOBODY;
    const sum = (this.#acts.get(key) ?? 0) + bytes;
    if (sum === 0) this.#acts.delete(key);
    else this.#acts.set(key, sum);
    this.#auditBytes += bytes;
    if (bytes > 0) this.#audit.overdraw(user, bytes);
    else this.#audit.give(user, -bytes);
  }

  /** Hands what there is to the writer. */
  readonly #send = (): void => {
    const batch = this.#batch;
    if (batch.lines.length === 0) return;
    this.#batch = emptyBatch();
    this.#collect();
    const text = batch.lines.join('');
    if (this.writer.add(Buffer.from(text))) this.#waiting.push(batch);
    else this.#over(batch, true);
  };

  /** Takes note of what has been written, and of what could not be. */
  #collect(): void {
    if (this.#waiting.length === 0) return;
    const done = this.writer.done();
    for (const number of this.writer.failed()) this.#failed.add(number);
    while (this.#waiting.length > 0 && this.#first < done) {
      const batch = this.#waiting.shift();
      if (batch !== undefined) this.#over(batch, this.#failed.delete(this.#first));
      this.#first++;
    }
  }

  #over({ logBytes, logLines, acts, told }: Batch, failed: boolean): void {
    this.#logBytes -= logBytes;
    for (const [key, { account, bytes }] of acts) this.#count(key, account, -bytes);
    if (!failed) return;
    for (const { account, lines } of acts.values()) this.#lose(whose(account), lines);
    if (told !== null) for (const [who, count] of told) this.#keep(who, count);
    // The line that tells of losses is none.
    const own = logLines - (told === null ? 0 : 1);
    if (own > 0) this.#lose('log', own);
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

  /** Tells of losses when nothing waits: one line at a time, until one is really written. */
  #tell(): void {
    this.#send();
    this.#collect();
    if (this.#waiting.length > 0) return;
    if (this.#lost.size > 0) {
      const losses = this.#lost;
      this.#lost = new Map();
      const line = this.describe(losses);
      this.#batch.told = losses;
      this.#add(line, Buffer.byteLength(line), null);
      this.#send();
    } else if (this.#timer !== null) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
  }
}

const keyOf = ({ uid, act }: Account): string => `${uid ?? NOBODY} ${act}`;
const whose = ({ uid }: Account): string => (uid === null ? 'nobody' : `uid ${uid}`);
