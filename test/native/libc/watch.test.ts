/** Being told that a socket is readable: each time, at its end too, and not after close. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import t, { type Test } from 'tap';
import { close } from '../../../src/native/libc/fd.js';
import { listenUnix, receive, send, shutdown } from '../../../src/native/libc/socket.js';
import { watch } from '../../../src/native/libc/watch.js';
import { accept, connectedPair } from '../../support/accept.js';
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
  // Before threads are started, which close theirs when they have ended.
  t.test('what cannot be watched leaves no fd', async (t) => {
    const before = readdirSync('/proc/self/fd').length;
    t.throws(() => watch(99_999, () => {}), { name: 'SystemError', code: 'EBADF' });
    t.equal(readdirSync('/proc/self/fd').length, before);
  });

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

  t.test("what it calls may throw: that is the process's, and it goes on", async (t) => {
    const [server, client] = connectedPair(join(temporaryFolder(t), 'x.sock'));
    const thrown: unknown[] = [];
    const uncaught = (error: unknown): void => void thrown.push(error);
    process.on('uncaughtException', uncaught);
    let calls = 0;
    const observer = watch(client, () => {
      receive(client);
      calls++;
      if (calls === 1) throw new Error('not now');
    });
    for (let sent = 1; sent <= 2; sent++) {
      send(server, hello, []);
      while (calls < sent) await setImmediate();
    }
    await setImmediate();
    process.off('uncaughtException', uncaught);
    t.match(thrown, [{ message: 'not now' }]);
    observer.close();
    for (const fd of [server, client]) close(fd);
  });

  t.test('promises go on after it, in the context in which they were awaited', async (t) => {
    const { server, client, observer, told } = watched(t);
    const storage = new AsyncLocalStorage<number>();
    const next = storage.run(5, async () => {
      await told();
      return storage.getStore();
    });
    send(server, hello, []);
    t.equal(await next, 5);
    observer.close();
    for (const fd of [server, client]) close(fd);
  });

  t.test("it keeps a thread alive while it is ref'ed, and ends with one", async (t) => {
    const module = (path: string) => JSON.stringify(new URL(path, import.meta.url));
    const text = (body: string) => `
      const { watch } = await import(${module('../../../src/native/libc/watch.js')});
      const { connectUnix } = await import(${module('../../../src/native/libc/socket.js')});
      const { parentPort, workerData } = await import('node:worker_threads');
      const client = connectUnix(workerData);
      const observer = watch(client, () => parentPort.postMessage('readable'));
      parentPort.postMessage(client);
      ${body}`;
    const path = join(temporaryFolder(t), 'x.sock');
    const listener = listenUnix(path);
    const run = (body: string) =>
      new Worker(new URL(`data:text/javascript,${encodeURIComponent(text(body))}`), {
        workerData: path,
      });
    // The worker's fds are the process's: nobody closes them for it.
    const clients: number[] = [];
    for (const body of ['observer.unref();', 'observer.close();', 'process.exit(0);']) {
      const worker = run(body);
      worker.once('message', (fd) => clients.push(fd));
      t.same(await once(worker, 'exit'), [0], body);
    }
    for (let i = 0; i < 5; i++) {
      const worker = run('observer.unref(); observer.ref();');
      const [fd] = await once(worker, 'message');
      clients.push(fd);
      await setImmediate();
      t.equal(await worker.terminate(), 1, 'it was alive');
    }
    // One that is told again and again while it ends.
    const worker = run('observer.ref();');
    const [fd] = await once(worker, 'message');
    clients.push(fd);
    // One peer for each of them, in their order.
    const peers = clients.map(() => accept(listener));
    send(peers.at(-1) ?? -1, hello, []);
    await once(worker, 'message');
    t.equal(await worker.terminate(), 1);
    for (const each of [...clients, ...peers, listener]) close(each);
  });
});
