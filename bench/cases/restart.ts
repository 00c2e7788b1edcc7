/**
 * How long clients are without their daemon when it is killed and started again: from SIGKILL until a client
 * that was connected is connected again and has taken up a buffer, with so many buffers kept. The service
 * manager listens meanwhile (socket activation), keeps the fds, and starts the daemon at once; systemd waits
 * RestartSec= first. Held against the least that a start of Node takes: a program that answers one byte
 * on the same kind of socket.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { SystemClock } from '../../src/native/clock.js';
import { close } from '../../src/native/libc/fd.js';
import { connectUnix, listenUnix, receive, send } from '../../src/native/libc/socket.js';
import { eventually, type TestDaemon, withoutVulkan } from '../../test/support/daemon.js';
import { FREE, RawClient } from '../../test/support/raw-client.js';
import { ServiceManager } from '../../test/support/service-manager.js';
import type { Bench, Row } from '../support/bench.js';
import { end, temporaryFolder } from '../support/programs.js';
import { inTurns } from '../support/rounds.js';

const COUNTS = [1, 100, 1000, 4000];
const clock = new SystemClock();

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
  await end(child, 'SIGKILL');
  close(listener);
  return took;
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

async function downTimes(
  count: number,
  rounds: number,
): Promise<Record<'down' | 'bare', number[]>> {
  const ends: (() => void)[] = [];
  const manager = new ServiceManager({ teardown: (each: () => void) => ends.push(each) });
  manager.listen();
  let daemon: TestDaemon = await manager.start([], { env: withoutVulkan });
  let client = await new RawClient(daemon.clientSocket).ready();
  await makeBuffers(client, count);
  await eventually(() => manager.names.length === count, 'all are stored');
  const id = last(client, 'dmabroker_buffer_v1.info');
  const all = await inTurns(rounds, {
    bare: bareNode,
    down: async () => {
      const session = last(client, 'dmabroker_manager_v1.session');
      const began = clock.now();
      await daemon.end('SIGKILL');
      const starting = manager.start([], { env: withoutVulkan, awaited: true });
      const next = await adopt(daemon.clientSocket, id, session);
      const took = clock.now() - began;
      client.close();
      client = next;
      daemon = await starting;
      return took;
    },
  });
  client.close();
  await daemon.end('SIGKILL');
  for (const each of ends) each();
  return all;
}

export const restart: Bench = {
  name: 'restart',
  what: 'From SIGKILL until a client has its buffer again, against the start of a bare Node',
  place: 'host',
  amount: { rounds: 5, requests: 1 },
  quick: null,

  async run({ rounds, number }) {
    const most = number('most', 1000);
    const rows: Row[] = [];
    for (const count of COUNTS.filter((each) => each <= most)) {
      const { down, bare } = await downTimes(count, rounds);
      rows.push({
        case: `${count} buffers kept`,
        what: 'down, ms',
        better: 'less',
        sides: ['daemon', 'bare Node'],
        values: down,
        against: bare,
      });
    }
    return rows;
  },
};
