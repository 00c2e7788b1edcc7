/**
 * Clients that break the protocol, or die, against the real daemon. After each of them another
 * client still allocates and redeems, and the daemon has as many clients, buffers and file
 * descriptors as before.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import t, { type Test } from 'tap';
import { connect } from '../../../src/client/index.js';
import { dmabroker_manager_v1 } from '../../../src/protocol/dmabroker-v1.gen.js';
import { wl_display } from '../../../src/protocol/wayland.gen.js';
import { eventually, TestDaemon } from '../../support/daemon.js';
import { withoutLeaks } from '../../support/fds.js';
import { sendManyFds } from '../../support/many-fds.js';
import { programFile } from '../../support/programs.js';
import { FREE, MANAGER, RawClient } from '../../support/raw-client.js';

/** Another client allocates, writes, shares; one more redeems and reads. */
async function othersAreServed(t: Test, socket: string): Promise<void> {
  const [giver, taker] = [
    await connect({ socket, reconnect: false }),
    await connect({ socket, reconnect: false }),
  ];
  const given = await giver.allocate({ kind: 'buffer', size: 4096, handleTypes: ['memfd'] });
  given.map().write((bytes) => bytes.write('hello'));
  const taken = await taker.redeem(await given.share());
  t.equal(
    taken.map().read((bytes) => bytes.toString('latin1', 0, 5)),
    'hello',
  );
  await Promise.all([given.close(), taken.close()]);
  giver.close();
  taker.close();
}

await withoutLeaks(t, 'hostile clients', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  await othersAreServed(t, daemon.clientSocket);
  const before = await daemon.idleFds();

  /** A test with a connection; afterwards all is as it was. */
  const attack = (name: string, run: (t: Test, client: RawClient) => Promise<void>) =>
    t.test(name, async (t) => {
      const client = new RawClient(daemon.clientSocket);
      try {
        await run(t, client);
      } finally {
        client.close();
      }
      await othersAreServed(t, daemon.clientSocket);
      await t.resolves(daemon.settled(before), 'nothing of it is left');
    });

  const errorText = (client: RawClient): string => {
    const error = client.events.find(({ name }) => name === 'wl_display.error');
    return String(error?.values[2]);
  };

  await attack('garbage', async (t, client) => {
    client.send(Buffer.alloc(4096, 0xff));
    await client.ended();
    t.equal(client.count('wl_display.error'), 1);
    for (let i = 0; i < 20; i++) {
      const other = new RawClient(daemon.clientSocket);
      other.send(randomBytes(1 + i * 200));
      other.close();
    }
  });

  await attack('a violation with much behind it', async (t, client) => {
    client.stop();
    // In one message, since the daemon hangs up as soon as it has read the first 4 KiB of it.
    client.send(Buffer.concat([Buffer.alloc(4096, 0xff), Buffer.alloc(16 * 1024)]));
    await eventually(async () => (await daemon.clients()).length === 0, 'it is dropped');
    t.throws(() => client.send(Buffer.alloc(8)), { code: 'EPIPE' }, 'nobody reads any more');
    client.read();
    await client.ended();
    t.equal(client.count('wl_display.error'), 1);
    // ECONNRESET behind it would be the end for libwayland 1.23, with the error undispatched.
    t.equal(client.failure, null, 'then comes the end of the stream');
  });

  await attack('half a message, then the end', async (t, client) => {
    const half = client.peer.request(wl_display, 1, 'get_registry', 2).subarray(0, 7);
    client.send(half);
    t.match(await daemon.clients(), [{ pid: process.pid, buffers: 0 }]);
  });

  await attack('half a message, then silence', async (t, client) => {
    await client.ready();
    client.send(client.peer.request(wl_display, 1, 'sync', FREE).subarray(0, 10));
    await othersAreServed(t, daemon.clientSocket);
    t.match(await daemon.clients(), [{ pid: process.pid }], 'only it is left');
    client.send(client.peer.request(wl_display, 1, 'sync', FREE).subarray(10));
    await client.until(() => client.count('wl_callback.done') === 1);
  });

  await attack('a wrong opcode', async (t, client) => {
    await client.ready();
    client.send(Buffer.from('03000000ff000800', 'hex'));
    await client.ended();
    t.match(errorText(client), /invalid method 255 of dmabroker_manager_v1@3/);
  });

  await attack('an fd that nobody asked for', async (t, client) => {
    const fd = openSync('/dev/zero', 'r');
    await client.ready();
    client.send(client.peer.request(wl_display, 1, 'sync', FREE), [fd]);
    await client.until(() => client.count('wl_callback.done') === 1);
    client.request(wl_display, 1, 'sync', FREE);
    await client.ended();
    closeSync(fd);
    t.match(errorText(client), /no request takes/);
  });

  await attack('more fds than a message may have', async (t, client) => {
    const fd = openSync('/dev/zero', 'r');
    await client.ready();
    const sync = client.peer.request(wl_display, 1, 'sync', FREE);
    t.equal(sendManyFds(client.fd, sync, fd, 100), sync.length);
    await client.ended();
    closeSync(fd);
    t.match(errorText(client), /more than 28 file descriptors/);
  });

  await attack('28 fds, again and again, in a message that never ends', async (t, client) => {
    const fd = openSync('/dev/zero', 'r');
    const bytes = Buffer.from('0100000000000c', 'hex');
    for (const at of bytes.keys()) {
      try {
        client.send(bytes.subarray(at, at + 1), Array(28).fill(fd));
      } catch {
        break; // It has been hung up on.
      }
    }
    await client.ended();
    closeSync(fd);
    t.match(errorText(client), /more than 28 file descriptors/);
  });

  for (const what of ['asking', 'holding'] as const) {
    await attack(`killed while ${what}`, async (t) => {
      const script = programFile('victim');
      const child = spawn(process.execPath, [script, daemon.clientSocket, what], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const ended = new Promise((resolve) => child.once('close', (_, signal) => resolve(signal)));
      await new Promise((resolve) => child.stdout.once('data', resolve));
      if (what === 'holding') t.match(await daemon.buffers(), { length: 100 });
      child.kill('SIGKILL');
      t.equal(await ended, 'SIGKILL');
    });
  }

  await attack('more allocations at once than are allowed', async (t, client) => {
    await client.ready();
    const MANY = 200;
    const all = Array.from({ length: MANY }, (_, i) => client.asking(FREE + 2 * i));
    client.send(Buffer.concat(all));
    const answered = () =>
      client.count('dmabroker_buffer_v1.done') + client.count('dmabroker_buffer_v1.failed');
    await client.until(() => answered() === MANY);
    const { limit_exceeded } = dmabroker_manager_v1.enums.refusal;
    const failed = client.events.filter(({ name }) => name === 'dmabroker_buffer_v1.failed');
    t.ok(failed.every(({ values }) => values[0] === limit_exceeded));
    t.match(await daemon.buffers(), { length: MANY - failed.length });
  });

  await attack('tokens that are guessed', async (t, client) => {
    await client.ready();
    for (let i = 0; i < 500; i++) {
      const guess = randomBytes(1 + (i % 60)).toString('hex');
      client.request(dmabroker_manager_v1, MANAGER, 'redeem', FREE + i, guess);
      // A full socket is another test's matter.
      if (i % 50 === 49) {
        await client.until(() => client.count('dmabroker_buffer_v1.failed') === i + 1);
      }
    }
    t.equal(client.count('dmabroker_buffer_v1.info'), 0);
  });

  t.equal(await daemon.stop(), 0);
  t.same(daemon.errors, []);
});
