/**
 * The data plane's batch (dmab_step of shim/dmabroker.c): queue messages to send, then one call
 * sends them, waits in epoll, and receives what is ready, however many clients speak.
 *
 * Owns: the epoll instance and the shared block. The thread that makes it is the only one to use
 * it, except for `wake`, which any thread may call with the eventfd's number.
 */
import { writeSync } from 'node:fs';
import { isOutOfFds } from '../memory/errors.js';
import { type Address, addressOf, callInt, lastErrno, prepared, shim, symbol } from './ffi.js';
import { check, EAGAIN, EBUSY, SystemError } from './libc/errno.js';
import { close } from './libc/fd.js';
import { queuedFds, unread } from './libc/socket.js';

const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;
const EPOLLIN = 1;
const EPOLLOUT = 4;
const EPOLLONESHOT = 1 << 30;
/** What is watched, as in the shim. */
const SOCKET = 0;
const PROCESS = 1;
const EFD_CLOEXEC = 0o2000000;
const EFD_NONBLOCK = 0o4000;
/** linux/sockios.h: the same as TIOCOUTQ. */

// The order of dmab_step_layout: 32-bit word offsets, except in_bytes and out_bytes (bytes).
const layoutNames = [
  'size',
  'epoll',
  'listener',
  'wake',
  'timeout',
  'nout',
  'nin',
  'out',
  'outWords',
  'in',
  'inWords',
  'inBytes',
  'outBytes',
  'maxOut',
  'maxIn',
  'inSize',
  'outSize',
  'maxFds',
  'maxInFds',
] as const;
type Layout = Record<(typeof layoutNames)[number], number>;

function readLayout(): Layout {
  const words = new Int32Array(32);
  const count = callInt(shim.symbol('dmab_step_layout'), addressOf(new Uint8Array(words.buffer)));
  if (count !== layoutNames.length) throw new Error('the shim is of another version: rebuild');
  return Object.fromEntries(layoutNames.map((name, i) => [name, words[i]])) as Layout;
}

/** What became of a message: bytes sent (perhaps fewer), wait and retry, or an errno. */
export type SendResult = number | 'full' | 'undrained' | { errno: number };

export type Input =
  /** `pidfd` is the receiver's, or -errno of SO_PEERPIDFD. */
  | { kind: 'accept'; fd: number; pid: number; uid: number; gid: number; pidfd: number }
  | { kind: 'accept-failed'; errno: number }
  | { kind: 'wake' }
  | { kind: 'writable'; fd: number }
  | { kind: 'failed'; fd: number; errno: number }
  /** The process of a pidfd that is watched has ended; told once. */
  | { kind: 'exited'; pidfd: number }
  /**
   * `bytes` is a view that the next step overwrites; empty at the end of the stream. `lost`: fds came
   * with it for which this process had no descriptor left.
   */
  | { kind: 'data'; fd: number; bytes: Buffer; fds: number[]; lost: boolean };

/** An eventfd(2), for `wake`. The caller owns it. */
export function eventfd(): number {
  const fd = callInt(symbol('eventfd'), 0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) throw new SystemError('eventfd', lastErrno());
  return fd;
}

const one = Buffer.from(new BigUint64Array([1n]).buffer);

/** Ends the wait of the thread that steps; any thread may call it. */
export function wake(fd: number): void {
  writeSync(fd, one);
}

export class Step {
  readonly #layout = readLayout();
  readonly #bytes: Buffer;
  readonly #words: Int32Array;
  readonly #step: () => number;
  readonly #epollFn = shim.symbol('dmab_epoll');
  readonly #epoll: number;
  #outCount = 0;
  #outUsed = 0;
  #pending: ((result: SendResult) => void)[] = [];

  /** Takes the listening socket and the eventfd under watch; both stay the caller's. */
  constructor(
    private readonly listener: number,
    wakeFd: number,
  ) {
    const memory = new ArrayBuffer(this.#layout.size);
    this.#bytes = Buffer.from(memory);
    this.#words = new Int32Array(memory, 0, this.#layout.inBytes / 4);
    // It is this Step that keeps the memory.
    this.#step = prepared(shim.symbol('dmab_step'), addressOf(this.#bytes));
    this.#epoll = callInt(symbol('epoll_create1'), EPOLL_CLOEXEC);
    if (this.#epoll < 0) throw new SystemError('epoll_create1', lastErrno());
    this.#words[this.#layout.epoll] = this.#epoll;
    this.#words[this.#layout.listener] = listener;
    this.#words[this.#layout.wake] = wakeFd;
    try {
      this.add(listener);
      this.add(wakeFd);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #control(op: number, fd: number, events: number, what = SOCKET): void {
    check('epoll_ctl', callInt(this.#epollFn, this.#epoll, op, fd, events, what), `fd ${fd}`);
  }

  add(fd: number): void {
    this.#control(EPOLL_CTL_ADD, fd, EPOLLIN);
  }

  /** Tells when the process of a pidfd has ended. The pidfd stays the caller's. */
  addProcess(pidfd: number): void {
    this.#control(EPOLL_CTL_ADD, pidfd, EPOLLIN | EPOLLONESHOT, PROCESS);
  }

  remove(fd: number): void {
    this.#control(EPOLL_CTL_DEL, fd, 0);
  }

  /** Which of the two a socket is watched for; a hang-up is always reported. */
  watch(fd: number, readable: boolean, writable: boolean): void {
    this.#control(EPOLL_CTL_MOD, fd, (readable ? EPOLLIN : 0) | (writable ? EPOLLOUT : 0));
  }

  /** How many fds a socket's peer has sent that are not received yet; 0 where nobody can tell. */
  waitingFds(fd: number): number {
    try {
      return queuedFds(fd);
    } catch (error) {
      if (isOutOfFds(error)) return 0;
      throw error;
    }
  }

  /** Stops or resumes taking connections (when the process is out of fds). */
  accepting(on: boolean): void {
    this.watch(this.listener, on, false);
  }

  /**
   * Queues a message for the next `run`; false if the batch is full. The fds stay the caller's and
   * must stay open until `done` has been called. `drained`: send only when the peer has read all
   * that was sent to it before. `told`: where a word becomes 1 just before it
   * is sent, and what it was where not all of it was; it stays there until `run` has returned.
   */
  send(
    fd: number,
    bytes: Buffer,
    fds: readonly number[],
    { drained, told = 0 }: { readonly drained: boolean; readonly told?: Address },
    done: (result: SendResult) => void,
  ): boolean {
    const { out, outWords, outBytes, outSize, maxOut, maxFds } = this.#layout;
    if (bytes.length > outSize || fds.length > maxFds) throw new RangeError('message too large');
    if (this.#outCount === maxOut || this.#outUsed + bytes.length > outSize) return false;
    const at = out + this.#outCount * outWords;
    bytes.copy(this.#bytes, outBytes + this.#outUsed);
    this.#words.set([fd, this.#outUsed, bytes.length, drained ? 1 : 0, fds.length, ...fds], at);
    // Behind the result, which the step writes. Int32Array takes numbers modulo 2^32.
    this.#words.set([told, told / 2 ** 32], at + 6 + maxFds);
    this.#outUsed += bytes.length;
    this.#outCount++;
    this.#pending.push(done);
    return true;
  }

  /** Bytes that a socket's peer has not read. */
  unread(fd: number): number {
    return unread(fd);
  }

  /** Sends, waits at most `timeout` ms (-1: for ever), and returns what came. */
  run(timeout: number): Input[] {
    const { nout, nin, in: input, inWords, timeout: timeoutAt } = this.#layout;
    const queued = this.#outCount;
    this.#words[nout] = queued;
    this.#words[timeoutAt] = timeout;
    const result = this.#step();
    this.#outCount = 0;
    this.#outUsed = 0;
    const done = this.#pending;
    this.#pending = [];
    for (const [i, callback] of done.entries()) callback(this.#sendResult(i));
    check('epoll_wait', result);
    const inputs: Input[] = [];
    for (let i = 0; i < (this.#words[nin] as number); i++) {
      inputs.push(this.#input(i, input + i * inWords));
    }
    return inputs;
  }

  #sendResult(index: number): SendResult {
    const { out, outWords, maxFds } = this.#layout;
    const result = this.#words[out + index * outWords + 5 + maxFds] as number;
    if (result >= 0) return result;
    if (result === -EAGAIN) return 'full';
    if (result === -EBUSY) return 'undrained';
    return { errno: -result };
  }

  #input(index: number, at: number): Input {
    const word = (i: number) => this.#words[at + i] as number;
    const { maxInFds, inBytes, inSize } = this.#layout;
    const fd = word(1);
    const result = word(2);
    const peer = 5 + maxInFds;
    switch (word(0)) {
      case 1:
        if (result < 0) return { kind: 'accept-failed', errno: -result };
        return {
          kind: 'accept',
          fd,
          pid: word(peer),
          uid: word(peer + 1) >>> 0,
          gid: word(peer + 2) >>> 0,
          pidfd: word(peer + 3),
        };
      case 2:
        return { kind: 'wake' };
      case 3:
        return { kind: 'writable', fd };
      case 4:
        return { kind: 'exited', pidfd: fd };
      default: {
        if (result < 0) return { kind: 'failed', fd, errno: -result };
        const start = inBytes + index * inSize;
        return {
          kind: 'data',
          fd,
          bytes: this.#bytes.subarray(start, start + result),
          fds: [...this.#words.subarray(at + 5, at + 5 + word(4))],
          lost: word(3) === 1,
        };
      }
    }
  }

  close(): void {
    close(this.#epoll);
  }
}
