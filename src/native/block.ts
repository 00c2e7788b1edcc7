/**
 * The argument block of a C call: struct call of shim/call.h, which is fn, arg[12], ret, err. What is
 * written into it is checked here, so that no door to C can be given what it does not expect.
 *
 * A number is written as two 32-bit words: a BigInt for each argument would cost more than the call.
 */

/** An address in this process. User space ends below 2^47, so a double holds it exactly. */
export type Address = number;

/** What C takes as an integer, a pointer or a handle. */
export type Argument = number | bigint;

const MAX_ARGS = 12;
const WORDS = 16;
const RET = 1 + MAX_ARGS;
const ERR = RET + 1;

export class ArgumentBlock {
  readonly #words = new BigUint64Array(WORDS);
  /** The same by halves, of which the lower comes first on every machine that this runs on. */
  readonly #halves = new Int32Array(this.#words.buffer);
  /** The memory that C is given. */
  readonly bytes = new Uint8Array(this.#words.buffer);
  /** How many arguments the last call had: behind them all is zero. */
  #used = 0;

  /** Throws where something is no address of a function, or not an integer. */
  write(fn: Address, args: readonly Argument[]): void {
    if (!(fn > 0) || !Number.isSafeInteger(fn)) {
      throw new TypeError(`not a function address: ${fn}`);
    }
    const count = args.length;
    if (count > MAX_ARGS) throw new TypeError(`more than ${MAX_ARGS} arguments`);
    // Before anything that can throw: what is written of a call that is not made is no argument of the next.
    if (count < this.#used) this.#words.fill(0n, 1 + count, 1 + this.#used);
    this.#used = count;
    this.#set(0, fn);
    for (let i = 0; i < count; i++) this.#set(1 + i, args[i] as Argument);
  }

  #set(word: number, value: Argument): void {
    if (typeof value === 'number' && Number.isSafeInteger(value)) {
      // Both take numbers modulo 2^32, so that negative ones are two's complement as in C.
      this.#halves[2 * word] = value;
      this.#halves[2 * word + 1] = Math.floor(value / 2 ** 32);
    } else {
      // BigInt() throws on a fraction, NaN or undefined; a BigUint64Array wraps as C does.
      this.#words[word] = BigInt(value);
    }
  }

  int(): number {
    return this.#halves[2 * RET] as number;
  }

  /** Rounded where it is beyond 2^53. */
  long(): number {
    const low = this.#halves[2 * RET] as number;
    return (this.#halves[2 * RET + 1] as number) * 2 ** 32 + (low >>> 0);
  }

  u64(): bigint {
    return this.#words[RET] as bigint;
  }

  errno(): number {
    return this.#halves[2 * ERR] as number;
  }
}
