/** Threads that close: one for each fd that waits, so that none waits for another. */
import t from 'tap';
import { Closers } from '../../src/native/closers.js';
import { addressOf, callInt, symbol } from '../../src/native/ffi.js';
import { close } from '../../src/native/libc/fd.js';
import { isReady, POLLIN } from '../../src/native/libc/poll.js';
import { receive, send, shutdown } from '../../src/native/libc/socket.js';
import { eventfd } from '../../src/native/step.js';
import { eventually } from '../support/daemon.js';
import { withoutLeaks } from '../support/fds.js';
import { FuseFile, fuseMissing } from '../support/fuse.js';
import { slowSocket } from '../support/slow-socket.js';

/** Two connected Unix sockets; the caller's. */
function socketPair(): [number, number] {
  const fds = new Int32Array(2);
  const [AF_UNIX, SOCK_STREAM, CLOEXEC] = [1, 1, 0o2000000];
  const at = addressOf(new Uint8Array(fds.buffer));
  if (callInt(symbol('socketpair'), AF_UNIX, SOCK_STREAM | CLOEXEC, 0, at) < 0) throw new Error();
  return [fds[0] as number, fds[1] as number];
}

await withoutLeaks(t, 'closers', async (t) => {
  const wake = eventfd();
  const closers = new Closers(wake);
  const done: number[] = [];
  const has = (ticket: number) => () => {
    done.push(...closers.closed());
    return done.includes(ticket);
  };
  const isOpen = (fd: number) => callInt(symbol('fcntl'), fd, 1) >= 0;

  await t.test('a socket that lingers holds up nobody else', async (t) => {
    const slow = [1, 2, 3].map(() => slowSocket());
    for (const [ticket, { fd }] of slow.entries()) t.ok(closers.closeLater(fd, ticket, false));
    const quick = eventfd();
    t.ok(closers.closeLater(quick, 100, false));
    await eventually(has(100), 'what came last is closed');
    t.same(done.splice(0), [100], 'and nothing else');
    t.ok(isReady(wake, POLLIN), 'the eventfd says so');
    t.notOk(isOpen(quick));
    slow[1]?.letGo();
    await eventually(has(1), 'the one that was let go is closed');
    t.same(done.splice(0), [1]);
    slow[0]?.letGo();
    slow[2]?.letGo();
    await eventually(has(0), 'the others, too');
    await eventually(has(2), 'the others, too');
    done.splice(0);
  });

  await t.test('nor does a file whose server is slow', { skip: fuseMissing() }, async (t) => {
    const file = await FuseFile.mount(t);
    const fd = file.open();
    await file.hold('FLUSH');
    t.ok(closers.closeLater(fd, 7, false));
    t.ok(closers.closeLater(eventfd(), 8, false));
    await eventually(has(8), 'what came last is closed');
    t.same(done.splice(0), [8]);
    await file.letGo();
    await eventually(has(7), 'it is closed when its server answers');
  });

  await t.test('a connection ends without a reset, whatever is left in it', async (t) => {
    const [connection, peer] = socketPair();
    send(peer, Buffer.alloc(64 * 1024), [wake]);
    send(connection, Buffer.from('why'), []);
    shutdown(connection);
    t.ok(closers.closeLater(connection, 9, true));
    await eventually(has(9), 'it is closed');
    t.throws(() => send(peer, Buffer.alloc(8), []), { code: 'EPIPE' });
    t.equal(receive(peer)?.bytes.toString(), 'why');
    t.equal(receive(peer)?.bytes.length, 0, 'the end, and no error');
    close(peer);
  });

  closers.close();
  close(wake);
});
