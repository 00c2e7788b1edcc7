/**
 * At the start: the file of what outlives the daemon, as the service manager has kept it, or a new one that it
 * keeps from now on. Runs in the main thread, before the data plane is there.
 *
 * A file that cannot be read is set aside, where it can be looked at; one of a later version is left as it is,
 * and the daemon does not start: a later one does.
 *
 * Owns: the mapping of the file's head. The fds are the data plane's.
 */
import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { messageOf } from '../../memory/errors.js';
import { KEPT_SLOTS, MAX_STORED_FDS } from '../../memory/limits.js';
import type { Inherited } from '../../native/inherited.js';
import { close } from '../../native/libc/fd.js';
import { NotifySocket } from '../../native/notify-socket.js';
import { HeadNumbers, LaterSlots, Slots } from '../../native/slots.js';
import { ConfigError } from '../config/config-error.js';
import { HeadNumber } from '../kept/head.js';
import { SET_ASIDE_NAME, STATE_NAME } from '../kept/names.js';
import { VERSION } from '../kept/records.js';
import type { KeptSetup } from '../words/messages.js';

type Tell = (state: string, fds?: readonly number[]) => void;

export interface Kept {
  readonly setup: KeptSetup;
  readonly numbers: HeadNumbers;
}

const MEMFD_NAME = 'dmabroker-state';
const MAX_RUN = 0xffffffff;
/** The manager is waited for so long, when it does not read. */
const SEND_MS = 5_000;
const RETRY_MS = 10;

/** Null where the manager keeps nothing. Throws ConfigError where a later daemon is needed; then nothing has changed. */
export function openKept(
  others: readonly Inherited[],
  { limit, socket }: { readonly limit: number; readonly socket: string },
  logger: Logger,
): Kept | null {
  const tell: Tell = (state, fds = []) => tellNow(socket, state, fds);
  const files = others.filter(({ name }) => name === STATE_NAME || name === SET_ASIDE_NAME);
  const named = others.filter((each) => !files.includes(each));
  const known = files.find(({ name }) => name === STATE_NAME);
  const ours = new Set(others.map(({ fd }) => fd));
  const letGo = (fd: number) => {
    if (ours.delete(fd)) close(fd);
  };
  let isAside = files.some(({ name }) => name === SET_ASIDE_NAME);
  try {
    let file = known !== undefined && isUsable(known.fd, logger) ? known.fd : null;
    if (file === null) {
      if (known !== undefined) setAside(known.fd, tell);
      isAside ||= known !== undefined;
      file = made(tell);
      ours.add(file);
    }
    for (const { fd } of files) if (fd !== file) letGo(fd);
    const numbers = new HeadNumbers(file);
    if (numbers.get(HeadNumber.run) === 0) {
      numbers.set(HeadNumber.run, (randomBytes(4).readUInt32LE() % MAX_RUN) + 1);
    }
    // One is the file's own, and one is what was set aside.
    const free = Math.max(0, limit - (isAside ? 2 : 1));
    return { setup: { file, socket, named, max: Math.min(free, MAX_STORED_FDS) }, numbers };
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    for (const fd of [...ours]) letGo(fd);
    const reason = messageOf(error);
    logger.error({ reason }, 'the service manager cannot be given what is to outlive the daemon');
    return null;
  }
}

/** False where it has to be another one. */
function isUsable(fd: number, logger: Logger): boolean {
  try {
    Slots.check(fd, VERSION);
    return true;
  } catch (error) {
    const reason = messageOf(error);
    if (error instanceof LaterSlots) {
      throw new ConfigError(
        `what was kept over the restart is of a later dmabrokerd (${reason}): install that again, or give up all buffers with \`systemctl stop dmabrokerd.socket dmabrokerd-rest.socket; systemctl reset-failed dmabrokerd; systemctl clean --what=fdstore dmabrokerd\``,
      );
    }
    const text = `what was kept over the restart cannot be read (${reason}): buffers of before are lost to their owners, and it is set aside as ${SET_ASIDE_NAME}`;
    logger.error({ reason }, text);
    return false;
  }
}

/** In place of one that was set aside before. */
function setAside(fd: number, tell: Tell): void {
  tell(`FDSTOREREMOVE=1\nFDNAME=${SET_ASIDE_NAME}`);
  tell(`FDSTOREREMOVE=1\nFDNAME=${STATE_NAME}`);
  tell(`FDSTORE=1\nFDPOLL=0\nFDNAME=${SET_ASIDE_NAME}`, [fd]);
}

function made(tell: Tell): number {
  const slots = Slots.make(MEMFD_NAME, KEPT_SLOTS, VERSION);
  try {
    tell(`FDSTORE=1\nFDPOLL=0\nFDNAME=${STATE_NAME}`, [slots.fd]);
    return slots.detach();
  } catch (error) {
    slots.close();
    throw error;
  }
}

/** Waits for a manager that does not read: nobody is served yet. */
function tellNow(path: string, state: string, fds: readonly number[]): void {
  const socket = NotifySocket.open(path);
  const nothing = new Int32Array(new SharedArrayBuffer(4));
  try {
    for (let waited = 0; !socket.send(state, fds); waited += RETRY_MS) {
      if (waited >= SEND_MS) throw new Error('it does not read its socket');
      Atomics.wait(nothing, 0, 0, RETRY_MS);
    }
  } finally {
    socket.close();
  }
}
