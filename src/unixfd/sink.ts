/** The socket of an unixfdsink, and what it is called when a stream's source has gone. */
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Unreachable, whyUnreachable } from '../cli/failure.js';
import { isSystemError } from '../native/libc/errno.js';
import { connectUnix } from '../native/libc/socket.js';

/** What was taken is good, and there is no more. */
export class SourceGone extends Error {}

const LOOK_MS = 50;

/** The sink's socket; where there is none yet, it is waited for. Throws Unreachable. */
export async function connectSink(
  path: string,
  seconds: number,
  stopped: AbortSignal,
): Promise<number> {
  for (let waited = 0; ; waited += LOOK_MS) {
    try {
      if (waited === 0 || existsSync(path)) return connectUnix(path, { wait: false });
    } catch (error) {
      if (!isSystemError(error)) throw error;
      if (waited >= seconds * 1000)
        throw new Unreachable(`no unixfdsink: ${whyUnreachable(error, path)}`);
    }
    if (stopped.aborted) throw new Unreachable(`there was no unixfdsink at ${path} yet`);
    if (waited >= seconds * 1000) throw new Unreachable(`no unixfdsink: ${path} does not exist`);
    await sleep(LOOK_MS);
  }
}
