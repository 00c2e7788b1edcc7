/**
 * Asks the process that may look at all others (server/looker) for a look. What it says is trusted; how long it takes is
 * not, since it reads what others hold.
 *
 * Owns the connection, which is over when this is answered.
 */
import { createConnection, type Socket } from 'node:net';
import type { Clock } from '../../../memory/clock.js';
import { messageOf } from '../../../memory/errors.js';
import { isSystemError } from '../../../native/libc/errno.js';
import { readLine } from '../../words/look-lines.js';
import { Sum, type Sweep } from './sweep.js';

/** It ends itself before. */
const PATIENCE_MS = 40_000;

/** Nobody is there, or serves another user (unix(7)): this is not that daemon's machine. */
const NOBODY: readonly string[] = ['ENOENT', 'ECONNREFUSED', 'EACCES'];

/** Null where nobody answers; `failed` is told why, unless nobody was there to be asked. */
export async function askLooker(
  path: string,
  clock: Clock,
  failed: (reason: string) => void,
): Promise<Sweep | null> {
  const socket = createConnection(path).setEncoding('utf8');
  const timer = setTimeout(
    () => socket.destroy(new Error(`it has not ended within ${PATIENCE_MS / 1000} s`)),
    PATIENCE_MS,
  );
  try {
    return await told(socket, new Sum(clock.now()));
  } catch (error) {
    if (!isSystemError(error) || !NOBODY.includes(error.code)) failed(messageOf(error));
    return null;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

async function told(socket: Socket, sum: Sum): Promise<Sweep> {
  let rest = '';
  for await (const text of socket as AsyncIterable<string>) {
    const lines = `${rest}${text}`.split('\n');
    rest = lines.pop() ?? '';
    for (const each of lines) {
      const line = readLine(each);
      if ('unseen' in line) return sum.whole(line.unseen);
      sum.add(line.seen);
    }
  }
  throw new Error('it ended before its answer did');
}
