/**
 * How long clients are without their daemon when it is killed and started again: from SIGKILL until a client
 * that was connected is connected again and has taken up a buffer, with so many buffers kept. The service
 * manager listens meanwhile (socket activation), keeps the fds, and starts the daemon at once; systemd waits
 * RestartSec= first. Side by side with the least that a start of Node takes: a program that answers one byte
 * on the same kind of socket.
 *
 *   node dist/bench/restart.js [--rounds=5] [--most=1000]
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { SystemClock } from '../src/native/clock.js';
import { close } from '../src/native/libc/fd.js';
import { connectUnix, listenUnix, receive, send } from '../src/native/libc/socket.js';
import { eventually, type TestDaemon, withoutVulkan } from '../test/support/daemon.js';
import { FREE, RawClient } from '../test/support/raw-client.js';
import { ServiceManager } from '../test/support/service-manager.js';
import { temporaryFolder } from './support/programs.js';
import { figure, header, median, option, ratio, table } from './support/report.js';

const ROUNDS = option('rounds', 5);
const MOST = option('most', 1000);
const COUNTS = [1, 100, 1000, 4000].filter((count) => count <= MOST);
const clock = new SystemClock();

header('restart', 'From SIGKILL until a client has its buffer again');

const ends: (() => void)[] = [];
const bench = { teardown: (end: () => void) => ends.push(end) };

/** Milliseconds from the start of a bare Node until it has answered. */
async function bareNode(): Promise<number> {
  const path = join(temporaryFolder(), 'bare.sock');
  const listener = listenUnix(path);
  const answer = `new (require('node:net').Server)((s) => s.end('x')).listen({ fd: 3 })`;
  const began = clock.now();
  const child = spawn(process.execPath, ['-e', answer], {
    stdio: ['ignore', 'ignore', 'inherit', listener],
  });
  const client = connectUnix(path);
  send(client, Buffer.from('?'), []);
  await eventually(() => (receive(client)?.bytes.length ?? 0) > 0, 'it answers');
  const took = clock.now() - began;
  close(client);
  await ended(child);
  close(listener);
  return took;
}

async function ended(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** The value of the last event of a name. */
const last = (client: RawClient, name: string) =>
  client.events.findLast((event) => event.name === name)?.values[0] as string;

async function makeBuffers(client: RawClient, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    client.send(client.asking(FREE + 2 * i, 4096, 'until_released'));
    await client.until(() => client.count('dmabroker_buffer_v1.done') === i + 1);
  }
}

async function adopt(path: string, id: string, session: string): Promise<RawClient> {
  const client = await new RawClient(path).ready();
  client.adopt(id, session, []);
  await client.until(() => client.count('dmabroker_buffer_v1.done') === 1);
  return client;
}

async function downTimes(count: number): Promise<number[]> {
  const manager = new ServiceManager(bench);
  manager.listen();
  let daemon: TestDaemon = await manager.start([], { env: withoutVulkan });
  let client = await new RawClient(daemon.clientSocket).ready();
  await makeBuffers(client, count);
  await eventually(() => manager.names.length === count, 'all are stored');
  const id = last(client, 'dmabroker_buffer_v1.info');
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const session = last(client, 'dmabroker_manager_v1.session');
    const began = clock.now();
    await daemon.end('SIGKILL');
    const starting = manager.start([], { env: withoutVulkan, awaited: true });
    const next = await adopt(daemon.clientSocket, id, session);
    times.push(clock.now() - began);
    client.close();
    client = next;
    daemon = await starting;
  }
  client.close();
  await daemon.end('SIGKILL');
  manager.close();
  return times;
}

const rows: string[][] = [];
for (const count of COUNTS) {
  const times = await downTimes(count);
  const bare: number[] = [];
  for (let round = 0; round < ROUNDS; round++) bare.push(await bareNode());
  const cells = [median(times), Math.max(...times), median(bare)].map(figure);
  rows.push([`${count}`, ...cells, ratio(times, bare)]);
}
table(['buffers kept', 'down, ms', 'longest', 'bare Node, ms', 'down / bare Node'], rows);
for (const end of ends) end();
