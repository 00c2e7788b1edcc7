/** Tokens for so many redemptions: of one memfd, or of more, since a buffer has no more than so many at once. */
import type { Client, ClientBuffer, LinearRequest } from '../../src/client/index.js';
import { MAX_TOKENS_PER_BUFFER } from '../../src/memory/limits.js';
import { USES } from './script.js';

const MEMFD: LinearRequest = { kind: 'buffer', size: 4096, handleTypes: ['memfd'] };

/** Each call lets go of what the one before has made: its tokens have been used by then. */
export function tokenMaker(owner: Client): (redemptions: number) => Promise<string[]> {
  let buffers: ClientBuffer[] = [];
  return async (redemptions) => {
    for (const buffer of buffers) await buffer.release();
    buffers = [];
    const tokens: string[] = [];
    const count = Math.ceil(redemptions / USES);
    while (tokens.length < count) {
      const buffer = await owner.allocate(MEMFD);
      buffers.push(buffer);
      const more = Math.min(MAX_TOKENS_PER_BUFFER, count - tokens.length);
      const shared = Array.from({ length: more }, () => buffer.share({ uses: USES }));
      tokens.push(...(await Promise.all(shared)));
    }
    return tokens;
  };
}
