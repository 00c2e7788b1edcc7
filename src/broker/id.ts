/**
 * Names that the broker gives out: buffer ids and tokens, both in RFC 4648's base32 alphabet in
 * lower case, without padding.
 */

/** Fills the array with random bytes, e.g. node:crypto's randomFillSync. */
export type Random = (bytes: Uint8Array) => void;

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

function base32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let word = 0;
  for (const byte of bytes) {
    word = (word << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET[(word >> bits) & 31];
    }
    word &= (1 << bits) - 1;
  }
  return bits === 0 ? text : text + ALPHABET[(word << (5 - bits)) & 31];
}

function randomText(random: Random, length: number): string {
  const bytes = new Uint8Array(length);
  random(bytes);
  return base32(bytes);
}

/**
 * A buffer's id: 64 random bits in 13 characters. `dmabroker:<id>` then fits DMA_BUF_SET_NAME's
 * 31 bytes, and an id is not used again after a restart.
 */
export const newBufferId = (random: Random): string => randomText(random, 8);

/** A token: 128 random bits, not to be guessed. */
export const newToken = (random: Random): string => randomText(random, 16);

export const BUFFER_ID = /^[a-z2-7]{1,13}$/;
