/**
 * Names that the broker gives out: buffer ids and tokens, both in RFC 4648's base32 alphabet in
 * lower case, without padding.
 */

/** Fills the array with random bytes, e.g. node:crypto's randomFillSync. */
export type Random = (bytes: Uint8Array) => void;

/** The kernel's or OpenSSL's generator takes 1 µs to be asked, for a few bytes as for some KiB. */
const POOL_BYTES = 4096;

/** Asks for many bytes at a time. Each is handed out once, and is not kept: nobody finds it in a dump. */
export function pooled(random: Random): Random {
  const pool = new Uint8Array(POOL_BYTES);
  let used = POOL_BYTES;
  return (bytes) => {
    if (bytes.length > POOL_BYTES) {
      random(bytes);
      return;
    }
    if (used + bytes.length > POOL_BYTES) {
      random(pool);
      used = 0;
    }
    for (let i = 0; i < bytes.length; i++) {
      bytes[i] = pool[used] as number;
      pool[used++] = 0;
    }
  };
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
/** Ten bits at a time: a third of the time that single letters take. */
const PAIRS = [...ALPHABET].flatMap((first) => [...ALPHABET].map((second) => first + second));

function base32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let word = 0;
  for (const byte of bytes) {
    word = (word << 8) | byte;
    bits += 8;
    if (bits < 10) continue;
    bits -= 10;
    text += PAIRS[(word >> bits) & 1023];
    word &= (1 << bits) - 1;
  }
  if (bits >= 5) {
    bits -= 5;
    text += ALPHABET[(word >> bits) & 31];
  }
  return bits === 0 ? text : text + ALPHABET[(word << (5 - bits)) & 31];
}

const ID_BYTES = new Uint8Array(8);
const TOKEN_BYTES = new Uint8Array(16);

function randomText(random: Random, bytes: Uint8Array): string {
  random(bytes);
  const text = base32(bytes);
  bytes.fill(0);
  return text;
}

/**
 * A buffer's id: 64 random bits in 13 characters. `dmabroker:<id>` then fits DMA_BUF_SET_NAME's
 * 31 bytes, and an id is not used again after a restart.
 */
export const newBufferId = (random: Random): string => randomText(random, ID_BYTES);

/** A token: 128 random bits, not to be guessed. */
export const newToken = (random: Random): string => randomText(random, TOKEN_BYTES);

export const BUFFER_ID = /^[a-z2-7]{1,13}$/;
