/**
 * dmabroker-keeper: keeps file descriptors for the daemon, over its end, where the service manager's store is full or
 * would take too long. A process of its own: what it has is there for as long as it lives, so that it does nothing else
 * (systemd/dmabroker-keeper.service). It is started by a connection to its socket, serves the user alone whose the
 * socket's file is, and one connection at a time: a second one is a daemon that was started anew.
 *
 * It waits in poll(2) and not in Node's event loop, which would read a socket without its fds.
 *
 * Owns the connection and what is kept; the listening socket is the service manager's (sd_listen_fds(3)).
 */
import { statSync } from 'node:fs';
import { isSystemError } from '../../native/libc/errno.js';
import { close, owning, setCloexec, setNonBlocking } from '../../native/libc/fd.js';
import { POLLIN, waitFor } from '../../native/libc/poll.js';
import { accept, peerCredentials } from '../../native/libc/socket.js';
import { readMaxFds } from '../machine/max-fds.js';
import { KEEPER_SOCKET } from '../words/keeper-lines.js';
import { Shelf } from './shelf.js';
import { Talk } from './talk.js';

/** SD_LISTEN_FDS_START */
const LISTENING_FD = 3;
const IDLE_MS = 20_000;
/** fds that are not kept: Node's own, sockets, what is in a message. */
const OWN_FDS = 512;
const LINES_OF_LOG = 100;
const AGAIN_MS = 100;

const { LISTEN_PID, LISTEN_FDS } = process.env;
if (Number(LISTEN_PID) !== process.pid || LISTEN_FDS !== '1') {
  console.error('dmabroker-keeper: it is started by dmabroker-keeper.socket of systemd');
  process.exit(2);
}
const path = process.argv[2] ?? KEEPER_SOCKET;
const shelf = new Shelf(Math.max(0, readMaxFds() - OWN_FDS));
let talk = null as Talk | null;
let said = 0;

function say(wrong: string | null): void {
  if (wrong !== null && said++ < LINES_OF_LOG) console.error(`dmabroker-keeper: ${wrong}`);
}

function isServed(socket: number): boolean {
  // Its file may have gone.
  const file = statSync(path, { throwIfNoEntry: false });
  return file !== undefined && peerCredentials(socket).uid === file.uid;
}

function greet(): void {
  const socket = accept(LISTENING_FD);
  if (socket === null) return;
  if (!owning(socket, isServed)) {
    close(socket);
    return;
  }
  say(talk?.end() ?? null);
  talk = new Talk(socket, shelf);
}

setCloexec(LISTENING_FD);
setNonBlocking(LISTENING_FD);
for (;;) {
  const idle = talk === null && shelf.size === 0;
  const waiting: [number, number][] = [[LISTENING_FD, POLLIN]];
  if (talk !== null) waiting.push([talk.fd, talk.events]);
  const ready = waitFor(waiting, idle ? IDLE_MS : -1);
  if (ready?.size === 0) process.exit();
  if (talk !== null && ready?.has(talk.fd)) {
    say(talk.run());
    if (talk.ended) talk = null;
  }
  try {
    if (ready?.has(LISTENING_FD)) greet();
  } catch (error) {
    // The machine has no file descriptor left, or no memory: what is kept is not to go with that.
    if (!isSystemError(error)) throw error;
    say(error.message);
    waitFor([], AGAIN_MS);
  }
}
