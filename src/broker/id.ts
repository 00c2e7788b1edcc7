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

/** RFC 4648's, as character codes. */
const ALPHABET = [...'abcdefghijklmnopqrstuvwxyz234567'].map((letter) => letter.charCodeAt(0));

/** Writes as many letters as there is room for. */
function base32(bytes: Uint8Array, letters: number[]): void {
  let bits = 0;
  let word = 0;
  let at = 0;
  for (const byte of bytes) {
    word = (word << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      letters[at++] = ALPHABET[(word >> bits) & 31] as number;
    }
    word &= (1 << bits) - 1;
  }
  if (bits > 0) letters[at] = ALPHABET[(word << (5 - bits)) & 31] as number;
}

/** Where random bytes become text; nothing stays in it. */
class Text {
  readonly #bytes: Uint8Array;
  readonly #letters: number[];

  constructor(bytes: number) {
    this.#bytes = new Uint8Array(bytes);
    this.#letters = new Array(Math.ceil((bytes * 8) / 5)).fill(0);
  }

  /** In one piece: what is put together of two or more takes twice the room, and stays so. */
  random(random: Random): string {
    random(this.#bytes);
    base32(this.#bytes, this.#letters);
    const text = String.fromCharCode(...this.#letters);
    this.#bytes.fill(0);
    this.#letters.fill(0);
    return text;
  }
}

const id = new Text(8);
const token = new Text(16);

/**
 * A buffer's id: 64 random bits in 13 characters. `dmabroker:<id>` then fits DMA_BUF_SET_NAME's
 * 31 bytes, and an id is not used again after a restart.
 */
export const newBufferId = (random: Random): string => id.random(random);

/** A token: 128 random bits, not to be guessed. */
export const newToken = (random: Random): string => token.random(random);

export const BUFFER_ID = /^[a-z2-7]{1,13}$/;
