/** What is in memfds that somebody else has, too, and may change or shorten meanwhile. */
import { readSync } from 'node:fs';
import { type Extent, PeerFault } from './codec/wire.js';

/** One memory after the other. read(2), since whoever shortens a mapped memfd ends who reads it. */
export function readAll(fds: readonly number[], memories: readonly Extent[], to: Buffer): void {
  let at = 0;
  for (const [index, { size, offset }] of memories.entries()) {
    const end = Math.min(at + size, to.length);
    for (let from = offset; at < end; ) {
      const count = readSync(fds[index] ?? -1, to, at, end - at, from);
      if (count === 0) throw new PeerFault(`a memory of ${size} bytes ends at ${from}`);
      at += count;
      from += count;
    }
  }
  if (at < to.length) throw new PeerFault(`a frame of ${at} bytes, and not ${to.length}`);
}

/** More than four times a frame of GStreamer's own layout is no frame of these caps. */
const MOST_BYTES = 2 ** 30;

export function readWhole(fds: readonly number[], memories: readonly Extent[]): Buffer {
  const size = memories.reduce((sum, memory) => sum + memory.size, 0);
  if (size > MOST_BYTES) throw new PeerFault(`a frame of ${size} bytes`);
  const whole = Buffer.allocUnsafe(size);
  readAll(fds, memories, whole);
  return whole;
}
