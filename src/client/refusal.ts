/** Refusals as the daemon sends them. */
import { fstatSync, readSync } from 'node:fs';
import { catalogue, type ErrorCode } from '../memory/errors.js';
import { MAX_LONG_TEXT } from '../memory/limits.js';
import { close } from '../native/libc/fd.js';
import { BrokerError, inOwnWords } from './broker-error.js';

const codes = new Map<number, ErrorCode>(
  Object.entries(catalogue).map(([code, { number }]) => [number, code as ErrorCode]),
);

/** What the events of a refusal carry. */
type Said = [code: number, message: string, detail: string];

/** The refusals of one object: `long_detail`, where the detail is long, and then the event itself. */
export class Refusals {
  /** The whole of a detail that is longer than a message, until the refusal that it is of. */
  #whole: string | null = null;

  /** For `long_detail`; the fd is closed. */
  readonly longDetail = (fd: number, size: number): void => {
    try {
      this.#whole = textOf(fd, size);
    } finally {
      close(fd);
    }
  };

  /** A code of a later daemon is `internal`: the message says what it is about. */
  of(...[code, message, detail]: Said): BrokerError {
    const whole = this.#whole ?? detail;
    this.#whole = null;
    const told = JSON.parse(whole);
    return new BrokerError(codes.get(code) ?? 'internal', message, inOwnWords(told), told);
  }
}

/** Null for what is no file of that size, which could be read for ever or not at all. */
export function textOf(fd: number, size: number): string | null {
  const file = fstatSync(fd);
  if (!file.isFile() || file.size !== size || size > MAX_LONG_TEXT) return null;
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size; ) {
    const count = readSync(fd, bytes, at, size - at, at);
    if (count === 0) return null;
    at += count;
  }
  return bytes.toString('utf8');
}
