/** A step as a test wants it: what has come as a list, and messages that are bytes. */
import { FULL, type Step, UNDRAINED } from '../../src/native/step.js';

export type Input =
  | { kind: 'accept'; fd: number; pid: number; uid: number; gid: number; pidfd: number }
  | { kind: 'accept-failed'; errno: number }
  | { kind: 'wake' }
  | { kind: 'writable'; fd: number }
  | { kind: 'failed'; fd: number; errno: number }
  | { kind: 'exited'; pidfd: number }
  | { kind: 'data'; fd: number; bytes: Buffer; fds: readonly number[]; lost: boolean };

export type SendResult = number | 'full' | 'undrained' | { errno: number };

export function resultOf(result: number): SendResult {
  if (result === FULL) return 'full';
  if (result === UNDRAINED) return 'undrained';
  return result < 0 ? { errno: -result } : result;
}

/** Runs a turn; returns what has come, bytes as copies. */
export function turn(step: Step, timeout: number): Input[] {
  const inputs: Input[] = [];
  step.run(timeout, {
    turned: () => {},
    accepted: (fd, peer, pidfd) => inputs.push({ kind: 'accept', fd, ...peer, pidfd }),
    acceptFailed: (errno) => inputs.push({ kind: 'accept-failed', errno }),
    woken: () => inputs.push({ kind: 'wake' }),
    writable: (fd) => inputs.push({ kind: 'writable', fd }),
    failed: (fd, errno) => inputs.push({ kind: 'failed', fd, errno }),
    exited: (pidfd) => inputs.push({ kind: 'exited', pidfd }),
    data: (fd, bytes, at, end, fds, lost) =>
      inputs.push({ kind: 'data', fd, bytes: Buffer.from(bytes.subarray(at, end)), fds, lost }),
  });
  return inputs;
}

/** Queues bytes; false where the batch is full. */
export function give(
  step: Step,
  fd: number,
  bytes: Buffer,
  fds: readonly number[],
  { drained, told = [] }: { readonly drained: boolean; readonly told?: readonly number[] },
  done: (result: SendResult) => void,
): boolean {
  const from = {
    copyTo: ({ bytes: target }: { bytes: Buffer }, at: number, skip: number, length: number) =>
      target.set(bytes.subarray(skip, skip + length), at),
  };
  const message = { fd, from, skip: 0, length: bytes.length, fds, drained, told };
  return step.send(message, { sent: (result) => done(resultOf(result)) });
}
