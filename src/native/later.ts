/**
 * Calls that may take as long as they like, in threads of the shim (shim/later.c). The threads are the
 * process's: one part of it alone may use them, in one thread.
 *
 * Owns: what a call's arguments point to, until it is over.
 */
import { type Address, addressOf, callInt, callLong, lastErrno, shim, symbol } from './ffi.js';

/** A call of an int function that nobody is to wait for. */
export interface LongCall {
  readonly fn: Address;
  /** Three at most. */
  readonly args: readonly number[];
  /** What they point to. */
  readonly keeps?: Uint8Array;
}

const wakeFn = shim.symbol('dmab_later_wake');
const laterFn = shim.symbol('dmab_later');
const doneFn = shim.symbol('dmab_later_done');
const closeFile = shim.symbol('dmab_close_file');
const ioctlFn = symbol('ioctl');

/** close(2) of a file that may wait; a connection that was shut down is read out first. */
export function closeCall(fd: number, isConnection: boolean): LongCall {
  return { fn: closeFile, args: [fd, isConnection ? 1 : 0] };
}

export function ioctlCall(fd: number, request: number, argument: Uint8Array): LongCall {
  return { fn: ioctlFn, args: [fd, request, addressOf(argument)], keeps: argument };
}

/** Makes the call here and now. Returns what it returned, or -errno. */
export function callNow({ fn, args }: LongCall): number {
  const result = callInt(fn, ...args);
  return result < 0 ? -lastErrno() : result;
}

const MOST = 64;
/** Ticket and result of each. */
const ended = new BigInt64Array(2 * MOST);
const endedAddress = addressOf(new Uint8Array(ended.buffer));

type Done = (result: number) => void;

export class Later {
  readonly #running = new Map<number, { readonly call: LongCall; readonly done: Done }>();
  #lastTicket = 0;

  /** `wake`: an eventfd that is written when a call is over; it stays the caller's. */
  constructor(wake: number) {
    callInt(wakeFn, wake);
  }

  /**
   * Has a call made in a thread that may wait. Returns false where there is none to be had: then nothing is
   * called. `done` is told, from `run`, what it returned, or -errno: perhaps never.
   */
  begin(call: LongCall, done: Done): boolean {
    const [a = 0, b = 0, c = 0] = call.args;
    const ticket = this.#nextTicket();
    if (callLong(laterFn, call.fn, a, b, c, ticket) !== 0) return false;
    this.#running.set(ticket, { call, done });
    return true;
  }

  /** Tells what is over. */
  run(): void {
    for (let count = MOST; count === MOST; ) {
      count = callLong(doneFn, endedAddress, MOST);
      const all = [...ended.subarray(0, 2 * count)].map(Number);
      for (let i = 0; i < all.length; i += 2) {
        const ticket = all[i] as number;
        const running = this.#running.get(ticket);
        this.#running.delete(ticket);
        running?.done(all[i + 1] as number);
      }
    }
  }

  #nextTicket(): number {
    do this.#lastTicket = (this.#lastTicket + 1) % 2 ** 32;
    while (this.#running.has(this.#lastTicket));
    return this.#lastTicket;
  }

  /** The eventfd is written no more. What waits goes on, for as long as it takes. */
  close(): void {
    callInt(wakeFn, -1);
  }
}
