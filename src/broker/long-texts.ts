/**
 * Texts that are longer than a message may be: they go in a memfd that nobody can change. Each is
 * charged as an answer to a read is, until whoever it is for has received it.
 *
 * Owns: nothing; a text's memory is its receiver's.
 */

import { BrokerError } from '../memory/errors.js';
import { MAX_LONG_TEXT } from '../memory/limits.js';
import type { Owner } from './buffer.js';
import { HeldFds } from './held-fds.js';
import type { Charge } from './quota/charge.js';
import type { Quotas } from './quota/quotas.js';
import type { ReadContent } from './works.js';

export interface TextWorld {
  /** A sealed memfd of a text, the caller's. Throws where there is no memory or descriptor for it. */
  sealText(text: string): number;
  /** The text of one, of so many bytes. */
  sealedText(fd: number, size: number): string;
  closeFd(fd: number): void;
}

export class LongTexts {
  constructor(
    private readonly world: TextWorld,
    private readonly quotas: Quotas,
  ) {}

  /** Null where there is no room for it: who is told has to do with less. */
  make(owner: Owner, text: string): ReadContent | null {
    const size = Buffer.byteLength(text);
    if (size > MAX_LONG_TEXT) return null;
    let charge: Charge | null = null;
    try {
      charge = this.quotas.holdAnswer(owner, size);
      const held = new HeldFds([this.world.sealText(text)], (fd) => this.world.closeFd(fd));
      return { held, size, received: () => charge?.release() };
    } catch (error) {
      charge?.release();
      if (error instanceof BrokerError) return null;
      // The system's, which has no memory or no descriptor for it.
      if (error instanceof Error && 'code' in error) return null;
      throw error;
    }
  }
}
