/**
 * Who has which shareable memory: one sweep over all processes answers for every buffer. This process looks itself here,
 * on the main thread in slices of a few milliseconds, so that REST goes on; the data plane does not take part.
 */
import { setImmediate } from 'node:timers/promises';
import { after, type Clock, type Monotonic } from '../../../memory/clock.js';
import { look, type Seen, type Unseen } from '../../machine/look.js';
import type { ProcessInfo, Use, Uses } from '../../machine/proc.js';
import { storeLimit } from '../../machine/store-limit.js';

const SLICE_MS = 5;

export type Holder = ProcessInfo & Use;

export interface Sweep extends Unseen {
  /** By st_dev:st_ino. */
  readonly holders: ReadonlyMap<string, readonly Holder[]>;
  /** What the daemon itself has. */
  readonly own: Uses;
  readonly scannedAt: Monotonic;
}

/** Memories, as st_dev:st_ino. */
export type Identities = ReadonlySet<string>;

export interface Wanted {
  /** Of what else there is nothing is kept: anybody can have memory that is called like the daemon's. */
  readonly memories: Identities;
  /** What is in messages is counted, too. */
  readonly messages?: boolean;
}

export async function sweep(clock: Clock, { memories, messages = false }: Wanted): Promise<Sweep> {
  const sum = new Sum(clock.now(), memories);
  let sliceEnds = after(sum.scannedAt, SLICE_MS);
  const steps = look(messages);
  for (;;) {
    const { value, done } = steps.next();
    if (done === true) return sum.whole(value);
    if (value !== null) sum.add(value);
    if (clock.now() < sliceEnds) continue;
    await setImmediate();
    sliceEnds = after(clock.now(), SLICE_MS);
  }
}

/**
 * The service manager, or the keeper beside it, has an fd of each buffer that is to outlive the daemon (server/kept): that
 * is the daemon's own.
 */
const MANAGER = storeLimit(process.env) > 0 ? process.ppid : null;
let keeper: number | null = null;

/** There is a keeper now, or none any more. */
export function keptBeside(pid: number | null): void {
  keeper = pid;
}

const withoutStore = ({ fds, mappings }: Use): Use | null =>
  fds <= 1 && mappings === 0 ? null : { fds: Math.max(0, fds - 1), mappings };

/** By memory what comes process by process. */
export class Sum {
  readonly #holders = new Map<string, Holder[]>();
  #own: Uses = new Map();

  constructor(
    readonly scannedAt: Monotonic,
    private readonly memories: Identities,
  ) {}

  add({ info, uses }: Seen): void {
    if (info.pid === process.pid) {
      this.#own = uses;
      return;
    }
    for (const [identity, all] of uses) {
      if (!this.memories.has(identity)) continue;
      const isKept = info.pid === MANAGER || info.pid === keeper;
      const use = isKept ? withoutStore(all) : all;
      if (use === null) continue;
      const known = this.#holders.get(identity) ?? [];
      known.push({ ...info, ...use });
      this.#holders.set(identity, known);
    }
  }

  whole(unseen: Unseen): Sweep {
    return {
      ...unseen,
      holders: this.#holders,
      own: this.#own,
      scannedAt: this.scannedAt,
    };
  }
}
