/** The end of a connection, from either side: what is pending rejects, what was received stays. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { BrokerError, ConnectionError, connect } from '../../src/client/index.js';
import { TestDaemon } from '../support/daemon.js';
import { withoutLeaks } from '../support/fds.js';
import { programFile } from '../support/programs.js';

const linear = { kind: 'buffer', size: 4096, handleTypes: ['memfd'] } as const;

await withoutLeaks(t, 'the daemon is killed', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  const client = await connect({ socket: daemon.clientSocket, reconnect: false });
  const buffer = await client.allocate(linear);
  const memory = buffer.map();
  memory.write((bytes) => bytes.write('hello'));
  const closed: Error[] = [];
  client.onClosed((error) => closed.push(error));

  // Nothing is answered from here on.
  await daemon.standStill();
  const pending = [client.allocate(linear), client.redeem('x'), buffer.share(), client.sync()];
  const results = Promise.allSettled(pending);
  daemon.process.kill('SIGKILL');
  for (const result of await results) {
    t.equal(result.status, 'rejected');
    t.ok(result.status === 'rejected' && result.reason instanceof ConnectionError);
  }
  t.equal(closed.length, 1, 'told once');
  t.ok(closed[0] instanceof ConnectionError);
  client.onClosed((error) => closed.push(error));
  t.equal(closed.length, 2, 'and whoever asks later, at once');

  t.equal(
    memory.read((bytes) => bytes.toString('latin1', 0, 5)),
    'hello',
    'memory stays',
  );
  t.equal(buffer.map().bytes.toString('latin1', 0, 5), 'hello', 'and can be mapped again');

  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on('warning', onWarning);
  for (let i = 0; i < 12; i++) {
    await t.rejects(client.allocate(linear), ConnectionError);
    await t.rejects(client.redeem('x'), ConnectionError);
  }
  await t.resolves(buffer.close(), 'the connection has taken it along');
  // Warnings are given in a later turn.
  await setImmediate();
  process.off('warning', onWarning);
  t.same(warnings, []);
  client.close();
});

await withoutLeaks(t, 'ends from this side', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  const socket = daemon.clientSocket;

  await t.test('closing rejects what is pending', async (t) => {
    const client = await connect({ socket });
    const pending = client.allocate(linear);
    client.close();
    client.close();
    await t.rejects(pending, { name: 'ConnectionError', message: 'the connection was closed' });
    await t.rejects(client.sync(), ConnectionError);
  });

  await t.test('stopping the daemon ends its connections', async (t) => {
    const other = await TestDaemon.memfd(t);
    const client = await connect({ socket: other.clientSocket, reconnect: false });
    const closed = new Promise<Error>((resolve) => client.onClosed(resolve));
    await other.stop();
    t.match(await closed, { name: 'ConnectionError', message: 'the daemon closed the connection' });
  });

  await t.test('a process ends by itself when it waits for nothing', async (t) => {
    const script = programFile('idle');
    const child = spawn(process.execPath, [script, socket], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'close');
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    t.equal(said.toString(), 'allocated\n');
    t.same(await ended, [0, null], 'with its connection open');
    while ((await daemon.clients()).length > 0);
    t.same(await daemon.buffers(), []);
  });

  t.equal(await daemon.stop(), 0);
});

t.test('the errors are the package’s own', async (t) => {
  t.not(BrokerError, ConnectionError);
  t.equal(new ConnectionError('x').protocol, null);
});
