/** Who is at the other end: the kernel's word on users and groups, /proc's on the rest. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { NO_CGROUP } from '../../../src/broker/cgroup.js';
import { EINVAL, ENOPROTOOPT } from '../../../src/native/libc/errno.js';
import { close, isCloexec } from '../../../src/native/libc/fd.js';
import { hasExited, openPidfd } from '../../../src/native/libc/process.js';
import { listenUnix, peerCredentials, peerPidfd } from '../../../src/native/libc/socket.js';
import { identify, peerOf } from '../../../src/server/machine/peer.js';
import { accept } from '../../support/accept.js';
import { withoutLeaks } from '../../support/fds.js';
import { temporaryFolder } from '../../support/folder.js';

const connecting = (path: string, before: string) => `
  ${before}
  require('node:net').connect(${JSON.stringify(path)}, () => console.log('connected'));
`;

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

await withoutLeaks(t, 'peers', async (t) => {
  const folder = temporaryFolder(t);
  let sockets = 0;

  /** A process that has connected, and the socket to it. */
  async function connected(t: Test, before = '') {
    const path = join(folder, `${++sockets}.sock`);
    const listener = listenUnix(path);
    const child = spawn(process.execPath, ['-e', connecting(path, before)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.teardown(() => end(child));
    await once(child.stdout, 'data');
    const socket = accept(listener);
    close(listener);
    return { child, socket };
  }

  t.test('a living peer', async (t) => {
    const { child, socket } = await connected(t);
    const peer = peerOf(socket);
    const { pid, uid, gid, executable, cgroup } = peer;
    t.same({ pid, uid, gid }, { pid: child.pid, uid: process.getuid?.(), gid: process.getgid?.() });
    t.type(executable, 'string');
    t.match(cgroup, /^\//);
    // getgroups(2) may or may not name the group itself; Node always does.
    t.same(new Set([...peer.groups, gid]), new Set(process.getgroups?.()));
    const { pidfd } = identify(socket, peerCredentials(socket), peerPidfd(socket));
    if (pidfd === null) throw new Error('a living process has a pidfd');
    t.ok(isCloexec(pidfd));
    t.notOk(hasExited(pidfd));
    await end(child);
    t.ok(hasExited(pidfd));
    close(pidfd);
    close(socket);
  });

  t.test('more groups than fit at first', { skip: process.getuid?.() !== 0 }, async (t) => {
    const groups = Array.from({ length: 200 }, (_, i) => 5000 + i);
    const { socket } = await connected(t, `process.setgroups(${JSON.stringify(groups)});`);
    t.same(peerOf(socket).groups, groups);
    close(socket);
  });

  t.test('a peer that has ended keeps its uid and has no name', async (t) => {
    const { child, socket } = await connected(t);
    const pidfd = peerPidfd(socket);
    await end(child);
    const gone = { executable: null, ...NO_CGROUP };
    const known = identify(socket, peerCredentials(socket), pidfd);
    t.match(known.peer, { pid: child.pid, uid: process.getuid?.(), ...gone });
    if (known.pidfd !== null) close(known.pidfd);
    t.match(peerOf(socket), gone, 'no pidfd is made of its number');
    close(socket);
  });

  t.test('a kernel without SO_PEERPIDFD', async (t) => {
    const { child, socket } = await connected(t);
    const credentials = peerCredentials(socket);
    const good = identify(socket, credentials, -ENOPROTOOPT);
    t.type(good.peer.executable, 'string');
    if (good.pidfd === null) throw new Error('no pidfd was opened');
    close(good.pidfd);
    const other = { ...credentials, uid: credentials.uid + 1 };
    t.match(identify(socket, other, -ENOPROTOOPT), { pidfd: null, peer: { executable: null } });
    t.match(identify(socket, credentials, -EINVAL), { pidfd: null, peer: { executable: null } });
    t.match(identify(socket, { ...credentials, pid: 0 }, -ENOPROTOOPT), { pidfd: null });
    await end(child);
    t.equal(openPidfd(child.pid ?? 0), null);
    t.match(identify(socket, credentials, -ENOPROTOOPT), { pidfd: null });
    close(socket);
  });
});
