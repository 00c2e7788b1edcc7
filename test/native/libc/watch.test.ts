/** Being told that a socket is readable: each time, at its end too, and not after close. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { close } from '../../../src/native/libc/fd.js';
import { receive, send, shutdown } from '../../../src/native/libc/socket.js';
import { watch } from '../../../src/native/libc/watch.js';
import { connectedPair } from '../../support/accept.js';
import { withoutLeaks } from '../../support/fds.js';
import { temporaryFolder } from '../../support/folder.js';

const hello = Buffer.from('hello');

/** A watched connection; `told` resolves at the next call. */
function watched(t: Test) {
  const [server, client] = connectedPair(join(temporaryFolder(t), 'x.sock'));
  let calls = 0;
  let wake: () => void = () => {};
  const told = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });
  const observer = watch(client, () => {
    calls++;
    wake();
  });
  return { server, client, observer, told, calls: () => calls };
}

await withoutLeaks(t, 'watch', async (t) => {
  t.test('each time that there is something', async (t) => {
    const { server, client, observer, told } = watched(t);
    for (let i = 0; i < 3; i++) {
      const next = told();
      send(server, hello, []);
      await next;
      t.equal(receive(client)?.bytes.toString(), 'hello', 'nothing was read before');
      t.equal(receive(client), null);
    }
    shutdown(client);
    observer.close();
    for (const fd of [server, client]) close(fd);
  });

  t.test('the end', async (t) => {
    const { server, client, observer, told } = watched(t);
    const next = told();
    send(server, hello, []);
    close(server);
    await next;
    t.equal(receive(client)?.bytes.toString(), 'hello', 'what came before it is still there');
    t.equal(receive(client)?.bytes.length, 0);
    observer.close();
    close(client);
  });

  t.test('not after close', async (t) => {
    const { server, client, observer, calls } = watched(t);
    observer.close();
    send(server, hello, []);
    shutdown(client);
    for (let i = 0; i < 100; i++) await setImmediate();
    t.equal(calls(), 0);
    for (const fd of [server, client]) close(fd);
  });

  t.test('what cannot be watched leaves no fd', async (t) => {
    const before = readdirSync('/proc/self/fd').length;
    t.throws(() => watch(99_999, () => {}), { name: 'SystemError', code: 'EBADF' });
    t.equal(readdirSync('/proc/self/fd').length, before);
  });
});
