/**
 * Buffers that were redeemed for frames that others have drawn. A producer has few, and they come again and again: each is kept
 * while it does, so that the fds that are sent are the same and its mapping, if anybody has one, is. The token of a frame is
 * used up all the same, since one that nobody uses stays in its maker's number of them.
 *
 * What its owner, the daemon or a device has ended is not kept: its memory would not go.
 *
 * Owns: the redeemed buffers, until `close`.
 */
import type { Client, ClientBuffer } from '../client/index.js';

/** As imports.ts has of a sink's. */
const MOST = 32;
/** One that so many frames have not come in is its producer's no more. */
const FORGOTTEN = 256;

export interface Kept {
  readonly buffer: ClientBuffer;
  users: number;
  /** It goes when nobody uses it. */
  stale: boolean;
  /** The number of the frame that it came in last. */
  seen: number;
}

export class Redeemed {
  /** The one that came last is last. */
  readonly #kept = new Set<Kept>();
  #frames = 0;

  constructor(private readonly client: Client) {}

  /** In use until `giveBack`. Rejects as `redeem` of the client does. */
  async take(token: string): Promise<Kept> {
    const buffer = await this.client.redeem(token);
    const known = this.known(buffer.id);
    if (known !== null && known.buffer.generation === buffer.generation) {
      // Those of the one that is kept are good.
      void buffer.close();
      return known;
    }
    if (known !== null) {
      known.users--;
      this.#retire(known);
    }
    const made: Kept = { buffer, users: 1, stale: false, seen: 0 };
    const over = (): void => this.#retire(made);
    buffer.onReleased(over);
    buffer.onRecalled(over);
    buffer.onLost(over);
    buffer.onGone(over);
    // A daemon that knew nothing of it charges this program, and not its maker.
    buffer.onImported(over);
    if (isOver(buffer)) made.stale = true;
    else this.#use(made);
    return made;
  }

  /** The same without a token, of one that is kept; null where it is not. */
  known(id: string): Kept | null {
    const found = [...this.#kept].find(({ buffer }) => buffer.id === id);
    if (found === undefined) return null;
    found.users++;
    this.#use(found);
    return found;
  }

  #use(kept: Kept): void {
    kept.seen = ++this.#frames;
    this.#kept.delete(kept);
    this.#kept.add(kept);
    for (const oldest of this.#kept) {
      if (this.#kept.size <= MOST && this.#frames - oldest.seen <= FORGOTTEN) break;
      this.#retire(oldest);
    }
  }

  giveBack(kept: Kept): void {
    kept.users--;
    if (kept.stale) this.#retire(kept);
  }

  #retire(kept: Kept): void {
    kept.stale = true;
    this.#kept.delete(kept);
    if (kept.users === 0) void kept.buffer.close();
  }

  /** Those that somebody has go when they are given back. */
  close(): void {
    for (const kept of [...this.#kept]) this.#retire(kept);
  }
}

const isOver = ({ released, recalled, lost, gone }: ClientBuffer): boolean =>
  released !== null || recalled !== null || lost || gone !== null;
