/** errno values as errors with a name: `EMFILE`, the call that failed, and what it was about. */
import { constants } from 'node:os';

/** Linux's, which Node has no name for (asm-generic/errno.h). */
export const ETOOMANYREFS = 109;

/** Of two names for one number the first is the usual one: EAGAIN and EWOULDBLOCK. */
const names = new Map(
  Object.entries({ ...constants.errno, ETOOMANYREFS })
    .reverse()
    .map(([name, number]) => [number, name]),
);

/** The name of an errno value, e.g. `ENOENT`. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? `errno ${errno}`;
}

/** Whether a system call has failed, one of Node's or one of ours. */
export function isSystemError(error: unknown): error is Error & { code: string; syscall: string } {
  return error instanceof Error && 'code' in error && 'syscall' in error;
}

/** A failed system call, in the shape of Node's own system errors. */
export class SystemError extends Error {
  override readonly name = 'SystemError';
  readonly code: string;

  constructor(
    readonly syscall: string,
    readonly errno: number,
    about = '',
  ) {
    const code = errnoName(errno);
    super(`${syscall}: ${code}${about === '' ? '' : ` (${about})`}`);
    this.code = code;
  }
}

/** Passes a count on, and throws for the -errno that the shim's functions return. */
export function check(syscall: string, result: number, about?: string): number {
  if (result < 0) throw new SystemError(syscall, -result, about);
  return result;
}

export const {
  EAGAIN,
  EBADF,
  EBUSY,
  ECONNABORTED,
  EINTR,
  EMFILE,
  EINVAL,
  ENODATA,
  ENFILE,
  ENOPROTOOPT,
  ENOTTY,
  EOPNOTSUPP,
  EPIPE,
  ECONNRESET,
  ERANGE,
} = constants.errno;
