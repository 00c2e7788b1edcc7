/**
 * Memory that is there and no buffer's yet, since others of its request are being made or a display is asked about it:
 * its device may be lost meanwhile, and nobody would hear of that for it.
 */
import { BrokerError } from '../memory/errors.js';
import type { LostAllocation } from '../memory/source.js';

export class UnderWay {
  /** By what the memory is; whether it was lost. */
  readonly #lost = new Map<string, boolean>();

  begin(memory: LostAllocation): void {
    this.#lost.set(nameOf(memory), false);
  }

  /** It is a buffer's now, or let go of. Returns whether it was lost. */
  end(memory: LostAllocation): boolean {
    const name = nameOf(memory);
    const isLost = this.#lost.get(name) === true;
    this.#lost.delete(name);
    return isLost;
  }

  /** The memory of these allocations went with its device. */
  lost(allocations: readonly LostAllocation[]): void {
    if (this.#lost.size === 0) return;
    for (const name of allocations.map(nameOf))
      if (this.#lost.has(name)) this.#lost.set(name, true);
  }
}

export function lostMeanwhile(): BrokerError {
  return new BrokerError('device_lost', 'the device was lost before the memory was answered for');
}

const nameOf = ({ source, handleType, key }: LostAllocation) => `${source} ${handleType} ${key}`;
