/**
 * dmabroker-holders: looks at all processes for the daemon, which may not. A process of its own, for the capabilities
 * that it takes are as good as root (systemd/dmabroker-holders.service). It is started by a connection to its socket, answers
 * the user alone whose the socket's file is, and reads nothing of what is sent to it.
 *
 * Owns the connections; the listening socket is the service manager's (sd_listen_fds(3)).
 */
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { messageOf } from '../../memory/errors.js';
import { endAfter } from '../../native/libc/process.js';
import { peerCredentials } from '../../native/libc/socket.js';
import { look } from '../machine/look.js';
import { fdOf } from '../machine/peer.js';
import { LOOKER_SOCKET, seenLine, unseenLine } from '../words/look-lines.js';

/** SD_LISTEN_FDS_START */
const LISTENING_FD = 3;
/** What others hold may keep it (`/proc/PID/maps` waits for who maps just now): then the kernel ends it. */
const LOOK_SECONDS = 10;
/** It starts in less than a look's time, and takes 50 MB while it waits. */
const IDLE_MS = 20_000;
/** One user asks, and one question at a time. */
const MAX_CONNECTIONS = 8;

const { LISTEN_PID, LISTEN_FDS } = process.env;
if (Number(LISTEN_PID) !== process.pid || LISTEN_FDS !== '1') {
  console.error('dmabroker-holders: it is started by dmabroker-holders.socket of systemd');
  process.exit(2);
}
const path = process.argv[2] ?? LOOKER_SOCKET;

async function answer(socket: Socket): Promise<void> {
  const steps = look(true);
  // Not once(): that rejects at an error, which nobody might be waiting for.
  const closed = new Promise((resolve) => socket.once('close', resolve));
  while (!socket.destroyed) {
    const { value, done } = steps.next();
    if (done === true) {
      socket.end(unseenLine(value));
      return;
    }
    if (value === null || socket.write(seenLine(value))) continue;
    await Promise.race([once(socket, 'drain'), closed]);
  }
}

let busy: Promise<void> = Promise.resolve();
let idle = setTimeout(leave, IDLE_MS);

function leave(): void {
  process.exit();
}

const server = createServer((socket) => {
  clearTimeout(idle);
  socket.on('error', () => {}); // it has gone
  socket.once('close', () => {
    clearTimeout(idle);
    server.getConnections((_, count) => {
      if (count === 0) idle = setTimeout(leave, IDLE_MS);
    });
  });
  const fd = fdOf(socket);
  if (fd === null || peerCredentials(fd).uid !== statSync(path).uid) {
    socket.destroy();
    return;
  }
  // One after the other.
  busy = busy.then(async () => {
    endAfter(LOOK_SECONDS);
    await answer(socket).catch((error) => {
      if (!socket.destroyed) console.error(`dmabroker-holders: ${messageOf(error)}`);
      socket.destroy();
    });
    endAfter(0);
  });
});
server.maxConnections = MAX_CONNECTIONS;
server.listen({ fd: LISTENING_FD });
