/**
 * Copies to and from mapped memory that somebody else made, of which pages may be gone by the time that
 * they are touched (shim/guard.c).
 *
 * Owns nothing.
 */
import { BrokerError } from '../memory/errors.js';
import { type Address, addressOf, callLong, shim } from './ffi.js';

const copyFn = shim.symbol('dmab_copy');
const fillFn = shim.symbol('dmab_fill');

/** For any copy that the kernel or the CPU could not make. */
export function takenBack(): BrokerError {
  const message = 'the memory is not there any more: its exporter has taken it back';
  return new BrokerError('unsupported_handle_type', message, { constraint: 'handle_type' });
}

function check(result: number): void {
  if (result < 0) throw takenBack();
}

/** As memcpy(3). Throws where a page is gone; what was copied until then stays. */
export function copyMemory(to: Address, from: Address, bytes: number): void {
  check(callLong(copyFn, to, from, bytes));
}

/** Copies all of `from` to the beginning of `to`, as `copyMemory` does. */
export function copyBytes(to: Uint8Array, from: Uint8Array): void {
  if (to.length < from.length) throw new RangeError('the destination is too small');
  copyMemory(addressOf(to), addressOf(from), from.length);
}

/** Fills with words of 32 bits in the host's byte order; begins and ends at a word. */
export function fillWords(to: Uint8Array, word: number): void {
  check(callLong(fillFn, addressOf(to), word, to.length));
}
