/**
 * The threads that close what clients gave (shim/closers.c). They are the process's: one part of it alone
 * may use them, in one thread.
 *
 * Owns: each fd from `closeLater` on.
 */
import { addressOf, callInt, callLong, shim } from './ffi.js';

const wakeFn = shim.symbol('dmab_closers_wake');
const closeLaterFn = shim.symbol('dmab_close_later');
const closedFn = shim.symbol('dmab_closed');

const tickets = new Uint32Array(64);
const ticketsAddress = addressOf(new Uint8Array(tickets.buffer));

export class Closers {
  /** `wake`: an eventfd that is written when something was closed; it stays the caller's. */
  constructor(wake: number) {
    callInt(wakeFn, wake);
  }

  /**
   * Closes an fd in a thread that may wait for as long as its owner likes. Returns false where there is
   * none to be had: then the fd stays the caller's. `ticket`: a number of 32 bits, told by `closed`.
   * `isConnection`: a socket of one's own that was shut down; what it has received is read out first.
   */
  closeLater(fd: number, ticket: number, isConnection: boolean): boolean {
    return callLong(closeLaterFn, fd, ticket, isConnection ? 1 : 0) === 0;
  }

  /** The tickets of what has been closed since. */
  closed(): number[] {
    const all: number[] = [];
    for (;;) {
      const count = callLong(closedFn, ticketsAddress, tickets.length);
      all.push(...tickets.subarray(0, count));
      if (count < tickets.length) return all;
    }
  }

  /** The eventfd is written no more. What waits goes on, for as long as it takes. */
  close(): void {
    callInt(wakeFn, -1);
  }
}
