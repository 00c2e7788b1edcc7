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
import { type Identities, Sum, type Sweep } from './sweep.js';

/** It ends itself before; and whoever has asked over REST waits for 30 s. */
export const PATIENCE_MS = 15_000;
/** Of 65,536 memories of each of some hundred processes. */
const MAX_ANSWER = 256 * 1024 * 1024;
const MAX_LINE = 16 * 1024 * 1024;

/** Nobody is there, or serves another user (unix(7)): this is not that daemon's machine. */
const NOBODY: readonly string[] = ['ENOENT', 'ECONNREFUSED', 'EACCES'];

/** Null where nobody is there to be asked; why, where somebody is and does not answer. */
export async function askLooker(
  path: string,
  clock: Clock,
  memories: Identities,
  patienceMs = PATIENCE_MS,
): Promise<Sweep | string | null> {
  const socket = createConnection(path).setEncoding('latin1');
  const timer = setTimeout(
    () => socket.destroy(new Error(`it has not ended within ${patienceMs / 1000} s`)),
    patienceMs,
  );
  try {
    return await told(socket, new Sum(clock.now(), memories));
  } catch (error) {
    return isSystemError(error) && NOBODY.includes(error.code) ? null : messageOf(error);
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

async function told(socket: Socket, sum: Sum): Promise<Sweep> {
  let pieces: string[] = [];
  let [all, length] = [0, 0];
  for await (const text of socket as AsyncIterable<string>) {
    const [first = '', ...lines] = text.split('\n');
    pieces.push(first);
    length += first.length;
    all += text.length;
    if (all > MAX_ANSWER || length > MAX_LINE) throw new Error('its answer is too long');
    for (const next of lines) {
      // As it was sent: what is beyond ASCII is UTF-8.
      const line = readLine(Buffer.from(pieces.join(''), 'latin1').toString());
      if ('unseen' in line) return sum.whole(line.unseen);
      sum.add(line.seen);
      pieces = [next];
      length = next.length;
    }
  }
  throw new Error('it ended before its answer did');
}
