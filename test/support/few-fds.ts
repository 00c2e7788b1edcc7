/** This process with few file descriptors left (RLIMIT_NOFILE, getrlimit(2)). */
import { existsSync } from 'node:fs';
import { addressOf, callInt, symbol } from '../../src/native/ffi.js';

const RLIMIT_NOFILE = 7;

/** struct rlimit: rlim_cur, rlim_max. */
const limits = new BigUint64Array(2);
const address = addressOf(new Uint8Array(limits.buffer));

/** Runs `body` while only `count` more can be opened. */
export function withFewFds<T>(count: number, body: () => T): T {
  let limit = 0;
  for (let free = 0; free < count; limit++) {
    if (!existsSync(`/proc/self/fdinfo/${limit}`)) free++;
  }
  callInt(symbol('getrlimit'), RLIMIT_NOFILE, address);
  const [soft = 0n] = limits;
  limits[0] = BigInt(limit);
  callInt(symbol('setrlimit'), RLIMIT_NOFILE, address);
  try {
    return body();
  } finally {
    limits[0] = soft;
    callInt(symbol('setrlimit'), RLIMIT_NOFILE, address);
  }
}
