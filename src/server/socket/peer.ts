/**
 * Who is at the other end of a connection, as the kernel says (SO_PEERCRED at accept), with the
 * name of its program for people to read.
 */
import { readFileSync } from 'node:fs';
import type { Peer } from '../../broker/buffer.js';

/** `pid` may have been reused by now: the name is for display, never for a decision. */
export function peerOf(pid: number, uid: number, gid: number): Peer {
  return { pid, uid, gid, executable: commandName(pid) };
}

function commandName(pid: number): string | null {
  try {
    // proc(5): /proc/pid/comm has at most 15 bytes and a newline.
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd();
  } catch {
    return null;
  }
}
