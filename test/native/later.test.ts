/** Calls in threads: one for each that waits, so that none waits for another. */
import t from 'tap';
import { addressOf, callInt, symbol } from '../../src/native/ffi.js';
import { callNow, closeCall, ioctlCall, Later } from '../../src/native/later.js';
import { EBADF } from '../../src/native/libc/errno.js';
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

await withoutLeaks(t, 'later', async (t) => {
  const wake = eventfd();
  const later = new Later(wake);
  const done: number[] = [];
  const closeLater = (fd: number, name: number, isConnection: boolean) =>
    later.begin(closeCall(fd, isConnection), (result) => {
      if (result === 0) done.push(name);
    });
  const has = (name: number) => () => {
    later.run();
    return done.includes(name);
  };
  const isOpen = (fd: number) => callInt(symbol('fcntl'), fd, 1) >= 0;

  await t.test('a socket that lingers holds up nobody else', async (t) => {
    const slow = [1, 2, 3].map(() => slowSocket());
    for (const [ticket, { fd }] of slow.entries()) t.ok(closeLater(fd, ticket, false));
    const quick = eventfd();
    t.ok(closeLater(quick, 100, false));
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
    t.ok(closeLater(fd, 7, false));
    t.ok(closeLater(eventfd(), 8, false));
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
    t.ok(closeLater(connection, 9, true));
    await eventually(has(9), 'it is closed');
    t.throws(() => send(peer, Buffer.alloc(8), []), { code: 'EPIPE' });
    t.equal(receive(peer)?.bytes.toString(), 'why');
    t.equal(receive(peer)?.bytes.length, 0, 'the end, and no error');
    close(peer);
  });

  await t.test('what a call returns, and its errno', async (t) => {
    const FIONREAD = 0x541b;
    const waiting = Buffer.alloc(4);
    const [one, other] = socketPair();
    send(other, Buffer.from('12345'), []);
    const results: number[] = [];
    t.ok(later.begin(ioctlCall(one, FIONREAD, waiting), (result) => results.push(result)));
    await eventually(() => {
      later.run();
      return results.length === 1;
    }, 'it has ended');
    t.same([results, waiting.readInt32LE()], [[0], 5]);
    t.ok(later.begin(ioctlCall(-1, FIONREAD, waiting), (result) => results.push(result)));
    await eventually(() => {
      later.run();
      return results.length === 2;
    }, 'it has failed');
    t.equal(results[1], -EBADF);
    t.equal(callNow(ioctlCall(-1, FIONREAD, waiting)), -EBADF, 'as here and now');
    for (const fd of [one, other]) close(fd);
  });

  later.close();
  close(wake);
});
