/**
 * The data plane's batch (dmab_step of shim/dmabroker.c): queue messages to send, then one call
 * sends them, waits in epoll, and receives what is ready, however many clients speak.
 *
 * Owns: the epoll instance and the shared block. The thread that makes it is the only one to use
 * it, except for `wake`, which any thread may call with the eventfd's number.
 */
import { writeSync } from 'node:fs';
import type { Monotonic } from '../memory/clock.js';
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
const MUTED = 2;
const EFD_CLOEXEC = 0o2000000;
const EFD_NONBLOCK = 0o4000;

// The order of dmab_step_layout: 32-bit word offsets, except in_bytes and out_bytes (bytes).
const layoutNames = [
  'size',
  'epoll',
  'listener',
  'wake',
  'timeout',
  'nout',
  'nin',
  'began',
  'waited',
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

/** Whose message it is: told what became of it, in the order in which messages were given. */
export interface Sender {
  /** Bytes sent, perhaps fewer than were given; `FULL` or `UNDRAINED`: none for now; else -errno. */
  sent(result: number): void;
}

/** The socket takes no more for now; or what was given before it has not gone. */
export const FULL = -EAGAIN;
/** The peer has not read all that was sent before. */
export const UNDRAINED = -EBUSY;

/** What a step takes bytes from: those that wait there to be sent. */
export interface Outgoing {
  /** Copies `length` bytes behind the first `skip` to where the target's byte `at` is, which is one memory in two views. */
  copyTo(
    target: { readonly bytes: Buffer; readonly words: Uint32Array },
    at: number,
    skip: number,
    length: number,
  ): void;
}

/** A message; the step keeps nothing of the object. */
export interface Queued {
  /** The socket. */
  fd: number;
  from: Outgoing;
  skip: number;
  length: number;
  /** They stay the caller's, and must stay open until it was told. */
  fds: readonly number[];
  /** It is sent only where the peer has read all that was sent to it before. */
  drained: boolean;
  /**
   * Where words become 1 just before it is sent, and what they were where not all of it was; they stay there until
   * `run` has returned. No more than a message may have fds.
   */
  told: readonly Address[];
}

/** Who hears what a step has received. */
export interface Receiver {
  /** The wait is over; told before anything else is, senders included. */
  turned(): void;
  /** `pidfd` is the receiver's, or -errno of SO_PEERPIDFD. */
  accepted(fd: number, peer: { pid: number; uid: number; gid: number }, pidfd: number): void;
  acceptFailed(errno: number): void;
  /** Somebody has called `wake`. */
  woken(): void;
  writable(fd: number): void;
  failed(fd: number, errno: number): void;
  /** The process of a pidfd that is watched has ended; told once. */
  exited(pidfd: number): void;
  /**
   * What is between `at` and `end`, which the next step overwrites; nothing at the end of the stream. The fds
   * are the receiver's. `lost`: fds came with it for which this process had no descriptor left.
   */
  data(
    fd: number,
    bytes: Buffer,
    at: number,
    end: number,
    fds: readonly number[],
    lost: boolean,
  ): void;
}

/** An eventfd(2), for `wake`. The caller owns it. */
export function eventfd(): number {
  const fd = callInt(symbol('eventfd'), 0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) throw new SystemError('eventfd', lastErrno());
  return fd;
}

const NO_FDS: readonly number[] = [];
const one = Buffer.from(new BigUint64Array([1n]).buffer);

/** Ends the wait of the thread that steps; any thread may call it. */
export function wake(fd: number): void {
  writeSync(fd, one);
}

export class Step {
  readonly #layout = readLayout();
  readonly #bytes: Buffer;
  readonly #words: Int32Array;
  /** All of it, for what is to be sent. */
  readonly #target: { readonly bytes: Buffer; readonly words: Uint32Array };
  /** The same memory as doubles. */
  readonly #doubles: Float64Array;
  readonly #step: () => number;
  readonly #epollFn = shim.symbol('dmab_epoll');
  readonly #epoll: number;
  #outCount = 0;
  #outUsed = 0;
  /** Of each message that was given; as many as `#outCount`. */
  readonly #senders: Sender[] = [];

  /** Takes the listening socket and the eventfd under watch; both stay the caller's. */
  constructor(
    private readonly listener: number,
    wakeFd: number,
  ) {
    const memory = new ArrayBuffer(this.#layout.size);
    this.#bytes = Buffer.from(memory);
    this.#words = new Int32Array(memory, 0, this.#layout.inBytes / 4);
    this.#target = {
      bytes: this.#bytes,
      words: new Uint32Array(memory, 0, this.#layout.size >> 2),
    };
    this.#doubles = new Float64Array(memory, 0, Math.floor(this.#layout.inBytes / 8));
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

  /** When the last step began. */
  get began(): Monotonic {
    return this.#doubles[this.#layout.began / 2] as Monotonic;
  }

  /** When its wait was over: now, for whoever hears of it what has come. */
  get waited(): Monotonic {
    return this.#doubles[this.#layout.waited / 2] as Monotonic;
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

  /** Which of the two a socket is watched for; a hang-up is always reported, and read. */
  watch(fd: number, readable: boolean, writable: boolean): void {
    this.#control(EPOLL_CTL_MOD, fd, (readable ? EPOLLIN : 0) | (writable ? EPOLLOUT : 0));
  }

  /** Nothing of a socket is read until it is watched again. Not for long: its hang-up would end each wait. */
  mute(fd: number, writable: boolean): void {
    this.#control(EPOLL_CTL_MOD, fd, writable ? EPOLLOUT : 0, MUTED);
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
   * Queues a message for the next `run`. Returns false if the batch is full. A socket's messages are to follow
   * each other: none goes before the whole of the one before it.
   */
  send({ fd, from, skip, length, fds, drained, told }: Queued, sender: Sender): boolean {
    const { out, outWords, outBytes, outSize, maxOut, maxFds } = this.#layout;
    if (length > outSize || fds.length > maxFds || told.length > maxFds) {
      throw new RangeError('message too large');
    }
    if (this.#outCount === maxOut || this.#outUsed + length > outSize) return false;
    const at = out + this.#outCount * outWords;
    const words = this.#words;
    from.copyTo(this.#target, outBytes + this.#outUsed, skip, length);
    words[at] = fd;
    words[at + 1] = this.#outUsed;
    words[at + 2] = length;
    words[at + 3] = drained ? 1 : 0;
    words[at + 4] = fds.length;
    for (let i = 0; i < fds.length; i++) words[at + 5 + i] = fds[i] as number;
    // Behind the result, which the step writes.
    let word = at + 6 + maxFds;
    words[word++] = told.length;
    for (const address of told) {
      // Int32Array takes numbers modulo 2^32.
      words[word++] = address;
      words[word++] = address / 2 ** 32;
    }
    this.#outUsed += length;
    this.#senders[this.#outCount++] = sender;
    return true;
  }

  /** Bytes that a socket's peer has not read. */
  unread(fd: number): number {
    return unread(fd);
  }

  /** Sends, waits at most `timeout` ms (-1: for ever), and tells what came of it, and what has come. */
  run(timeout: number, receiver: Receiver): void {
    const { nout, nin, timeout: timeoutAt } = this.#layout;
    const words = this.#words;
    const queued = this.#outCount;
    words[nout] = queued;
    words[timeoutAt] = timeout;
    const result = this.#step();
    this.#outCount = 0;
    this.#outUsed = 0;
    receiver.turned();
    const { out, outWords, maxFds } = this.#layout;
    for (let i = 0; i < queued; i++) {
      const sender = this.#senders[i] as Sender;
      sender.sent(words[out + i * outWords + 5 + maxFds] as number);
    }
    check('epoll_wait', result);
    // What a receiver does may take no step, so that all stays where it is.
    const count = words[nin] as number;
    for (let i = 0; i < count; i++) this.#receive(i, receiver);
  }

  #receive(index: number, receiver: Receiver): void {
    const { in: input, inWords, maxInFds, inBytes, inSize } = this.#layout;
    const words = this.#words;
    const at = input + index * inWords;
    const fd = words[at + 1] as number;
    const result = words[at + 2] as number;
    switch (words[at]) {
      case 0:
        if (result < 0) receiver.failed(fd, -result);
        else {
          const start = inBytes + index * inSize;
          const count = words[at + 4] as number;
          const fds = count === 0 ? NO_FDS : [...words.subarray(at + 5, at + 5 + count)];
          receiver.data(fd, this.#bytes, start, start + result, fds, words[at + 3] === 1);
        }
        break;
      case 1: {
        if (result < 0) receiver.acceptFailed(-result);
        else {
          const peer = at + 5 + maxInFds;
          const [pid = -1, uid = -1, gid = -1, pidfd = -1] = words.subarray(peer, peer + 4);
          receiver.accepted(fd, { pid, uid: uid >>> 0, gid: gid >>> 0 }, pidfd);
        }
        break;
      }
      case 2:
        receiver.woken();
        break;
      case 3:
        receiver.writable(fd);
        break;
      default:
        receiver.exited(fd);
    }
  }

  close(): void {
    close(this.#epoll);
  }
}
