/**
 * What a file descriptor that somebody else gave is: the one place that says so.
 *
 * Only the kernel's own answers are asked, never the file: fstat(2), statfs(2), lseek(2), ioctl(2) and
 * mmap(2) of a FUSE file wait for its server, for as long as that likes. The link /proc/self/fd/<n> and
 * the first lines of fdinfo (proc(5)) come from what the kernel has in memory. A path in the link can be
 * anybody's choice, so that it proves nothing by itself: the mount that the file is in does, since nobody
 * opens a file of those that the kernel keeps for itself.
 *
 * Owns nothing: every fd stays its caller's.
 */
import { closeSync, openSync, readFileSync, readlinkSync } from 'node:fs';
import { isOutOfFds } from '../memory/errors.js';
import { parseInfo } from './dmabuf.js';
import { close } from './libc/fd.js';
import { sealedMemfd } from './libc/memory.js';

/**
 * `path`: opened with O_PATH, so that there is nothing to be done with it. `other`: no use is known.
 * `unasked`: the process had no descriptor left to ask with.
 */
export type FdKind =
  | 'dma_buf'
  | 'memfd'
  | 'sync_file'
  | 'socket'
  | 'device'
  | 'path'
  | 'other'
  | 'unasked';

/** fcntl.h; fdinfo has the flags in octal. */
const O_PATH = 0o10000000;

const fdinfo = (fd: number) => readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');

/** fdinfo's number of the mount that a file was opened in. */
const mountIn = (text: string) => /^mnt_id:\t(\d+)$/m.exec(text)?.[1] ?? null;

function opensWithPath(text: string): boolean {
  const flags = /^flags:\t([0-7]+)$/m.exec(text)?.[1] ?? '0';
  return (Number.parseInt(flags, 8) & O_PATH) !== 0;
}

/** Neither goes as long as the process lives: each is looked at once. */
let memfds: string | null = null;
let devices: string | null = null;

/** The kernel's own mount of tmpfs, where memfds are. */
function memfdMount(): string | null {
  if (memfds !== null) return memfds;
  const fd = sealedMemfd('dmabroker-kind', 1);
  try {
    memfds = mountIn(fdinfo(fd));
  } finally {
    close(fd);
  }
  return memfds;
}

/** The daemon's own /dev. */
function deviceMount(): string | null {
  if (devices !== null) return devices;
  const fd = openSync('/dev/null', 'r');
  try {
    devices = mountIn(fdinfo(fd));
  } finally {
    closeSync(fd);
  }
  return devices;
}

/** An fd that is not open is `other`. */
export function kindOf(fd: number): FdKind {
  let link: string;
  try {
    link = readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    // Not open, or a path longer than proc(5) tells: none of the kernel's own names.
    return 'other';
  }
  // Names that do not begin with a slash are the kernel's own (d_dname), and no path can look like one.
  if (link.startsWith('socket:')) return 'socket';
  if (link === 'anon_inode:sync_file') return 'sync_file';
  // The fdinfo of some others waits: an epoll's for a lock that is held while a file in it is polled.
  if (!/^\/(dmabuf:|memfd:|dev\/)/.test(link)) return 'other';
  try {
    return kindIn(link, fdinfo(fd));
  } catch (error) {
    return isOutOfFds(error) ? 'unasked' : 'other';
  }
}

function kindIn(link: string, text: string): FdKind {
  if (opensWithPath(text)) return 'path';
  // dma_buf_show_fdinfo alone writes its fields.
  if (parseInfo(text) !== null) return 'dma_buf';
  const mount = mountIn(text);
  if (link.startsWith('/memfd:') && mount === memfdMount()) return 'memfd';
  if (link.startsWith('/dev/') && mount === deviceMount()) return 'device';
  return 'other';
}

export const isDmaBuf = (fd: number): boolean => kindOf(fd) === 'dma_buf';
