/**
 * Who is at the other end of a Unix socket. uid, gid and groups are the kernel's word, from the
 * moment of connect(2); what /proc says of the process is for people to read, and only believed
 * where the pidfd shows that the process was still there when it had been read.
 */
import { readFileSync, statSync } from 'node:fs';
import type { Socket } from 'node:net';
import { type Cgroup, NO_CGROUP, parseCgroup } from '../../broker/cgroup.js';
import type { Peer } from '../../broker/who.js';
import { ENOPROTOOPT } from '../../native/libc/errno.js';
import { close, owning } from '../../native/libc/fd.js';
import { hasExited, openPidfd } from '../../native/libc/process.js';
import {
  type Credentials,
  peerCredentials,
  peerGroups,
  peerPidfd,
} from '../../native/libc/socket.js';

export interface Identity {
  readonly peer: Peer;
  /** The process, for as long as somebody wants to know whether it lives; the receiver's to close. */
  readonly pidfd: number | null;
}

/** Takes ownership of `pidfd`, which is -errno where SO_PEERPIDFD failed. The socket stays open. */
export function identify(socket: number, credentials: Credentials, pidfd: number): Identity {
  const process = pidfd >= 0 ? pidfd : withoutPeerPidfd(credentials, -pidfd);
  if (process === null) {
    return { peer: { ...credentials, groups: peerGroups(socket), ...NOTHING }, pidfd: null };
  }
  return owning(process, () => {
    const groups = peerGroups(socket);
    return {
      peer: { ...credentials, groups, ...described(credentials.pid, process) },
      pidfd: process,
    };
  });
}

/** Node keeps a socket's fd to itself; null where it has none any more. */
export function fdOf(socket: Socket): number | null {
  const fd = (socket as { _handle?: { fd?: number } | null })._handle?.fd;
  return fd === undefined || fd < 0 ? null : fd;
}

/** The peer alone, for a connection whose process is of no further interest. */
export function peerOf(socket: number): Peer {
  const { peer, pidfd } = identify(socket, peerCredentials(socket), peerPidfd(socket));
  if (pidfd !== null) close(pidfd);
  return peer;
}

type Described = Cgroup & { readonly executable: string | null };

const NOTHING: Described = { ...NO_CGROUP, executable: null };

/**
 * Before Linux 6.5 there is only the number. A process that has it now and runs as another user is
 * not the one that connected; one of the same user may be, which is good enough for what is shown.
 */
function withoutPeerPidfd({ pid, uid }: Credentials, errno: number): number | null {
  // Any other failure: the process has ended already. Number 0: it is of another pid namespace.
  if (errno !== ENOPROTOOPT || pid === 0) return null;
  const pidfd = openPidfd(pid);
  if (pidfd === null) return null;
  try {
    // proc(5): the folder belongs to the process's effective user.
    if (statSync(`/proc/${pid}`).uid === uid) return pidfd;
  } catch {
    // It has ended.
  }
  close(pidfd);
  return null;
}

function described(pid: number, pidfd: number): Described {
  try {
    const found = {
      // proc(5): at most 15 bytes and a newline.
      executable: readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd(),
      ...parseCgroup(readFileSync(`/proc/${pid}/cgroup`, 'utf8')),
    };
    return hasExited(pidfd) ? NOTHING : found;
  } catch (error) {
    // It has ended, or ProtectProc= hides it.
    if (error instanceof Error && 'syscall' in error) return NOTHING;
    throw error;
  }
}
