/** Unix sockets with file descriptors: who owns what, what is lost on the way, and errors by name. */
import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { MAX_FDS } from '../../../src/memory/limits.js';
import { close, identity, isCloexec } from '../../../src/native/libc/fd.js';
import { sealedMemfd } from '../../../src/native/libc/memory.js';
import {
  connectUnix,
  listenUnix,
  peerCredentials,
  receive,
  send,
  shutdown,
} from '../../../src/native/libc/socket.js';
import { connectedPair } from '../../support/accept.js';
import { withoutLeaks } from '../../support/fds.js';
import { withFewFds } from '../../support/few-fds.js';
import { temporaryFolder } from '../../support/folder.js';
import { sendManyFds } from '../../support/many-fds.js';

await withoutLeaks(t, 'sockets', async (t) => {
  const folder = temporaryFolder(t);
  let sockets = 0;
  const pair = () => connectedPair(join(folder, `${++sockets}.sock`));
  const hello = Buffer.from('hello');

  t.test('bytes', async (t) => {
    const [server, client] = pair();
    t.ok(isCloexec(client));
    t.equal(receive(server), null, 'nothing yet, and no wait');
    t.equal(send(client, hello, []), 5);
    t.same(receive(server), { bytes: hello, fds: [], lost: false });
    send(client, hello, []);
    send(client, hello, []);
    t.equal(receive(server)?.bytes.toString(), 'hellohello', 'a stream has no bounds');
    close(client);
    t.same(receive(server), { bytes: Buffer.alloc(0), fds: [], lost: false }, 'the end');
    t.throws(() => send(server, hello, []), { syscall: 'sendmsg', code: 'EPIPE' });
    close(server);
  });

  t.test('fds travel and belong to the receiver', async (t) => {
    const [server, client] = pair();
    const sent = [sealedMemfd('one', 1), sealedMemfd('two', 1)];
    const names = sent.map(identity);
    t.equal(send(client, hello, sent), 5);
    t.same(sent.map(identity), names, 'the sender’s stay open');
    for (const fd of sent) close(fd);
    const received = receive(server);
    const fds = received?.fds ?? [];
    t.same(fds.map(identity), names, 'in order, even when the sender’s are closed');
    t.ok(fds.every(isCloexec));
    for (const fd of [...fds, server, client]) close(fd);
  });

  t.test('a message’s fds come with its first byte', async (t) => {
    const [server, client] = pair();
    const fd = openSync('/dev/zero', 'r');
    send(client, hello, []);
    send(client, hello, [fd]);
    send(client, hello, []);
    closeSync(fd);
    const first = receive(server);
    const second = receive(server);
    const all = [first, second, receive(server)];
    t.equal(all.map((each) => each?.bytes.toString() ?? '').join(''), 'hellohellohello');
    t.same(
      all.map((each) => each?.fds.length ?? 0).filter((count) => count > 0),
      [1],
    );
    for (const each of all) for (const received of each?.fds ?? []) close(received);
    for (const end of [server, client]) close(end);
  });

  t.test('28 fds, and more', async (t) => {
    const [server, client] = pair();
    const fd = openSync('/dev/zero', 'r');
    send(client, hello, Array(MAX_FDS).fill(fd));
    const full = receive(server);
    t.match(full, { lost: false, fds: { length: MAX_FDS } });
    t.throws(() => send(client, hello, Array(MAX_FDS + 1).fill(fd)), RangeError);
    t.equal(sendManyFds(client, hello, fd, MAX_FDS + 1), 5);
    const more = receive(server);
    t.match(more, { lost: false, fds: { length: MAX_FDS + 1 } }, 'whoever sends more');
    t.equal(sendManyFds(client, hello, fd, MAX_FDS), 5);
    const some = withFewFds(5, () => receive(server));
    t.match(some, { lost: true, fds: { length: 5 } }, 'it is told that some were lost');
    t.throws(() => send(client, hello, [99_999]), { code: 'EBADF' });
    for (const received of [full, more, some].flatMap((each) => each?.fds ?? [])) close(received);
    for (const end of [fd, server, client]) close(end);
  });

  t.test('a peer that does not read', async (t) => {
    const [server, client] = pair();
    const chunk = Buffer.alloc(65_536);
    const MOST = 1000;
    let [sent, last]: [number, number | null] = [0, 0];
    for (let i = 0; i < MOST && last !== null; i++) {
      last = send(client, chunk, []);
      sent += last ?? 0;
    }
    t.equal(last, null, 'full, and no wait');
    let got = 0;
    for (let each = receive(server); each !== null; each = receive(server))
      got += each.bytes.length;
    t.equal(got, sent, 'nothing is lost');
    t.ok((send(client, chunk, []) ?? 0) > 0, 'there is room again');
    for (const end of [server, client]) close(end);
  });

  t.test('shutdown is seen on both sides', async (t) => {
    const [server, client] = pair();
    shutdown(client);
    t.equal(receive(server)?.bytes.length, 0);
    t.equal(receive(client)?.bytes.length, 0);
    for (const end of [server, client]) close(end);
  });

  t.test('the peer’s credentials', async (t) => {
    const [server, client] = pair();
    const own = { pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() };
    t.same(peerCredentials(server), own);
    for (const end of [server, client]) close(end);
    t.throws(() => peerCredentials(server), { syscall: 'getsockopt', code: 'EBADF' });
  });

  t.test('errors', async (t) => {
    const nowhere = join(folder, 'nowhere.sock');
    t.throws(() => connectUnix(nowhere), { syscall: 'connect', code: 'ENOENT' });
    t.throws(() => connectUnix(folder), { code: 'ECONNREFUSED' });
    const path = join(folder, 'taken.sock');
    const listener = listenUnix(path);
    t.ok(existsSync(path));
    t.throws(() => listenUnix(path), { syscall: 'bind', code: 'EADDRINUSE' });
    close(listener);
    t.throws(() => connectUnix(path), { code: 'ECONNREFUSED' }, 'nobody listens any more');
    t.throws(() => listenUnix(join(folder, 'no', 'x.sock')), { code: 'ENOENT' });
    const long = join(folder, 'x'.repeat(108));
    t.throws(() => connectUnix(long), /at most 107 bytes/);
    t.throws(() => listenUnix(long), RangeError);
    t.throws(() => receive(listener), { syscall: 'recvmsg', code: 'EBADF' });
  });
});
