/**
 * Puts a listening Unix socket at its path: with its final mode and group from the first moment,
 * replacing a file that nobody listens on, and never in place of another daemon's. Used for the
 * client socket and for REST's.
 */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fstatSync,
  linkSync,
  lstatSync,
  openSync,
  type Stats,
  unlinkSync,
} from 'node:fs';
import { connect } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { allow, allowNobodyElse, type Named } from '../../native/libc/acl.js';
import { socketIdentity, socketLine } from './holder.js';
import { makeFolder } from './make-folder.js';
import { NamesNow } from './names.js';

export interface SocketFile {
  readonly path: string;
  /** The socket file's mode; 0666 by default: who may do what the policy decides. */
  readonly mode?: number;
  /** The socket file's group, by name or number; the daemon's own by default. */
  readonly group?: string | number;
}

/** state/folder.ts; without it nothing is known of daemons that were killed and have not ended. */
export interface Publishing {
  /** Sockets whose process never does anything again. */
  readonly abandoned: ReadonlySet<string> | null;
  readonly note: (line: string) => void;
}

/** A socket's file that is there. */
export interface Published {
  /** Removes it, if it is still ours. */
  unpublish(): void;
  /**
   * Who is named may open it, too (acl(5)); `mode` is for all others. Null: the mode alone says who. Throws where it is
   * not ours any more.
   */
  admit(named: Named | null, mode: number): void;
}

/** Not among Node's constants: the file itself, without opening what it is. */
const O_PATH = 0o10000000;
const DEFAULT_MODE = 0o666;
/** To connect takes writing (unix(7)). */
const MAY_CONNECT = 0o222;
/** A folder that is made: whoever may open a socket in it must get there. */
const FOLDER_MODE = 0o755;
/** sockaddr_un's sun_path has 108 bytes with its NUL (unix(7)). */
const PATH_LIMIT = 107;

function makeFolderOf(path: string, folder: string): void {
  try {
    makeFolder(folder, FOLDER_MODE);
  } catch (error) {
    const advice = '--socket and --rest-socket name other paths, XDG_RUNTIME_DIR another folder';
    throw new Error(`${folder} for ${basename(path)} cannot be made (${codeOf(error)}): ${advice}`);
  }
}

/**
 * Calls `listen` with a path to bind, then gives the file its real name. Throws, with a sentence
 * for people, where somebody else listens on it or the file cannot be had; what `listen` opened is
 * then the caller's to close.
 */
export async function publishSocket(
  { path, mode = DEFAULT_MODE, group }: SocketFile,
  listen: (path: string) => unknown,
  state: Publishing = { abandoned: null, note: () => {} },
): Promise<Published> {
  const folder = dirname(path);
  // The file gets its name only once it is complete, and never in place of another's: a daemon that
  // starts at the same moment is not robbed of its socket.
  const temporary = join(folder, `.${randomBytes(3).toString('hex')}`);
  const longest = Math.max(Buffer.byteLength(path), Buffer.byteLength(temporary));
  if (longest > PATH_LIMIT) {
    throw new Error(`${path} is too long for a Unix socket: ${PATH_LIMIT} bytes at most`);
  }
  const gid = group === undefined ? undefined : groupNumber(group);
  makeFolderOf(path, folder);
  await removeStale(path, state.abandoned);

  await listen(temporary);
  try {
    if (gid !== undefined) chownSync(temporary, -1, gid);
    chmodSync(temporary, mode);
    linkSync(temporary, path);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw new Error(`another process has just made ${path}`);
    throw error;
  } finally {
    remove(temporary);
  }

  state.note(socketLine(path));
  const made = lstatSync(path);
  let removed = false;
  return {
    unpublish: () => {
      // Somebody may have removed it and another daemon have made its own.
      if (!removed && isSame(lstatSync(path, { throwIfNoEntry: false }), made)) remove(path);
      removed = true;
    },
    admit: (named, mode) => admitAt(path, made, named, mode),
  };
}

/**
 * The file of a socket that the service manager has made and listens on: it gets the mode and the group that are
 * configured, and is never removed here, nor noted as this process's (holder.ts): it outlives it. `wider` is told the
 * mode that has let in more until now. Null where the file is not there any more; throws where it is another user's.
 */
export function adoptSocketFile(
  { path, mode = DEFAULT_MODE, group }: SocketFile,
  wider: (mode: number) => void = () => {},
): Published | null {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return null;
  const gid = group === undefined ? process.getgid?.() : groupNumber(group);
  const made = withFile(path, (found, self) => {
    const before = found.mode & 0o777;
    try {
      // What is right is left alone: with an access list a mode says something else (acl(5)).
      if (gid !== undefined && found.gid !== gid) chownSync(self, -1, gid);
      if (before !== mode) chmodSync(self, mode);
    } catch (error) {
      const advice = `SocketUser= of its unit is to be the daemon's user (${codeOf(error)})`;
      throw new Error(`${path} belongs to user ${found.uid}: ${advice}`);
    }
    if ((before & ~mode & MAY_CONNECT) !== 0) wider(before);
    return found;
  });
  return { unpublish: () => {}, admit: (named, mode) => admitAt(path, made, named, mode) };
}

/** `use` gets what the file is, and a name of it that nothing else can be put in the place of. */
function withFile<T>(path: string, use: (found: Stats, self: string) => T): T {
  const fd = openSync(path, O_PATH | constants.O_NOFOLLOW);
  try {
    return use(fstatSync(fd), `/proc/self/fd/${fd}`);
  } finally {
    closeSync(fd);
  }
}

const isSame = (now: Stats | undefined, made: Stats) =>
  now?.dev === made.dev && now.ino === made.ino;

function admitAt(path: string, made: Stats, named: Named | null, mode: number): void {
  withFile(path, (found, self) => {
    if (!isSame(found, made)) throw new Error(`${path} is not this daemon's any more`);
    if (named !== null) {
      allow(self, named, mode);
      return;
    }
    // One that an earlier daemon has made.
    allowNobodyElse(self);
    if ((found.mode & 0o777) !== mode) chmodSync(self, mode);
  });
}

/** Removes a socket file on which nobody listens; throws for anything else that is there. */
async function removeStale(path: string, abandoned: Publishing['abandoned']): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new Error(`${path} is there and is no socket: it is not touched`);
  // Its listener is there, and nobody will ever accept.
  if (abandoned?.has(socketIdentity(path)) === true) {
    remove(path);
    return;
  }
  const state = await probe(path);
  if (state === 'ECONNREFUSED') remove(path);
  else if (state === 'connected' || state === 'EAGAIN') {
    // EAGAIN: somebody listens, and has no time just now.
    throw new Error(`another process listens on ${path}`);
  } else if (state !== 'ENOENT') {
    throw new Error(`cannot tell whether somebody listens on ${path}: ${state}`);
  }
}

function probe(path: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve('connected');
    });
    socket.once('error', (error) => resolve(codeOf(error) ?? error.message));
  });
}

function groupNumber(group: string | number): number {
  if (typeof group === 'number') return group;
  const gid = new NamesNow().group(group);
  if (gid === null) {
    throw new Error(
      `this machine has no group ${group} (getent group ${group}); a number would do`,
    );
  }
  return gid;
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
