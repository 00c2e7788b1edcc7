/** A daemon that is none, or breaks off: a ConnectionError each time, and no fd is lost. */
import { closeSync, fstatSync, openSync, readdirSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { type Client, ConnectionError, connect } from '../../src/client/index.js';
import { close } from '../../src/native/libc/fd.js';
import { sealedBytes } from '../../src/native/libc/memory.js';
import { dmabroker_buffer_v1, dmabroker_manager_v1 } from '../../src/protocol/dmabroker-v1.gen.js';
import { wl_callback, wl_display, wl_registry } from '../../src/protocol/wayland.gen.js';
import { FakeDaemon } from '../support/fake-daemon.js';
import { withoutLeaks } from '../support/fds.js';
import { rejected } from '../support/refused.js';

// The ids that the client library chooses: in the order in which it makes objects.
const [DISPLAY, REGISTRY, CALLBACK, MANAGER, , BUFFER] = [1, 2, 3, 4, 5, 6];

/** Connects, and plays the daemon until the client is ready. */
async function ready(t: Test): Promise<{ daemon: FakeDaemon; client: Client }> {
  const daemon = new FakeDaemon(t);
  const connecting = connect({ socket: daemon.path, reconnect: false });
  daemon.accept();
  daemon.event(wl_registry, REGISTRY, 'global', 1, dmabroker_manager_v1.name, 1);
  daemon.event(wl_callback, CALLBACK, 'done', 0);
  daemon.event(dmabroker_manager_v1, MANAGER, 'done');
  return { daemon, client: await connecting };
}

/** Connects to a daemon that does `answer` and is expected to fail so. */
async function fails(
  t: Test,
  message: RegExp | string,
  answer: (daemon: FakeDaemon) => void | Promise<void>,
) {
  const daemon = new FakeDaemon(t);
  const connecting = connect({ socket: daemon.path, reconnect: false });
  const failed = t.rejects(connecting, { name: 'ConnectionError', message });
  daemon.accept();
  await answer(daemon);
  await failed;
}

const linear = { kind: 'buffer', size: 4096 } as const;
const openFds = () => readdirSync('/proc/self/fd').length;

await withoutLeaks(t, 'broken daemons', async (t) => {
  t.test('it hangs up', async (t) => {
    await fails(t, 'the daemon closed the connection', (daemon) => daemon.hangUp());
    // With what was asked for unread.
    await fails(t, 'recvmsg: ECONNRESET', async (daemon) => {
      await setImmediate();
      daemon.hangUp();
    });
  });

  t.test('it is something else', async (t) => {
    await fails(t, /no dmabroker_manager_v1 at this socket/, (daemon) => {
      daemon.event(wl_registry, REGISTRY, 'global', 1, 'wl_compositor', 6);
      daemon.event(wl_callback, CALLBACK, 'done', 0);
    });
    await fails(t, /^message of \d+ bytes$/, (daemon) =>
      daemon.send(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')),
    );
    await fails(t, /no object takes: 0 of 99/, (daemon) =>
      daemon.send(Buffer.from('6300000000000800', 'hex')),
    );
    await fails(t, /no object takes: 9 of 1/, (daemon) =>
      daemon.send(Buffer.from('0100000009000800', 'hex')),
    );
  });

  t.test('a protocol error', async (t) => {
    const { daemon, client } = await ready(t);
    const pending = client.sync();
    daemon.event(wl_display, DISPLAY, 'error', MANAGER, 7, 'no, no');
    const protocol = { object: MANAGER, code: 7 };
    await t.rejects(pending, { message: 'protocol error: no, no', protocol });
  });

  t.test('fds of a buffer that was never complete', async (t) => {
    const { daemon, client } = await ready(t);
    const file = openSync('/dev/zero', 'r');
    const before = openFds();
    const pending = client.allocate(linear);
    daemon.event(dmabroker_buffer_v1, BUFFER, 'info', 'a', 1, 4, 'memfd', 0, 1, 0, 0, 0, 0, 0);
    daemon.event(dmabroker_buffer_v1, BUFFER, 'plane', file, 4, 0, 0, 0, 0);
    daemon.event(dmabroker_buffer_v1, BUFFER, 'plane', file, 4, 1, 1, 0, 0);
    daemon.hangUp();
    await t.rejects(pending, ConnectionError);
    closeSync(file);
    // Gone are the file, both ends of the connection, and the client's watch; nothing has come.
    t.ok(openFds() < before, `${openFds()} of ${before} are left`);
  });

  t.test('an fd with an event that cannot be read', async (t) => {
    const { daemon, client } = await ready(t);
    const file = openSync('/dev/zero', 'r');
    const pending = client.allocate(linear);
    const event = Buffer.from(`0600000002002000${'00'.repeat(24)}`, 'hex');
    daemon.send(event, [file]);
    await t.rejects(pending, /plane: bytes are left over/);
    closeSync(file);
  });

  t.test('a long detail that is no file of its size', async (t) => {
    const { daemon, client } = await ready(t);
    const short = JSON.stringify({ constraint: 'name', truncated: true });
    const file = sealedBytes('detail', JSON.stringify({ constraint: 'name', requested: 'x' }));
    const zero = openSync('/dev/zero', 'r');
    const { size } = fstatSync(file);
    for (const [fd, told] of [
      [file, size],
      [file, size + 1],
      [zero, 10],
    ] as const) {
      const pending = client.allocate(linear);
      daemon.event(dmabroker_buffer_v1, BUFFER, 'long_detail', fd, told);
      daemon.event(dmabroker_buffer_v1, BUFFER, 'failed', 1, 'no', short);
      daemon.event(wl_display, DISPLAY, 'delete_id', BUFFER);
      daemon.event(wl_display, DISPLAY, 'delete_id', BUFFER - 1);
      const { refusal } = await rejected(pending);
      t.same(
        refusal,
        fd === file && told === size ? { constraint: 'name', requested: 'x' } : JSON.parse(short),
      );
    }
    closeSync(zero);
    close(file);
    client.close();
  });

  t.test('a buffer without a description', async (t) => {
    const { daemon, client } = await ready(t);
    const pending = client.allocate(linear);
    daemon.event(dmabroker_buffer_v1, BUFFER, 'done');
    await t.rejects(pending, { name: 'ConnectionError', message: 'done before info' });
    client.close();
  });
});
