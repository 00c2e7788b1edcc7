/**
 * Connections whose socket is elsewhere, too: in another process, in the daemon itself, in another
 * connection. A client whose process has ended is gone, and what it had sent before is still heard.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import t, { type Test } from 'tap';
import { close } from '../../../src/native/libc/fd.js';
import { ioctl } from '../../../src/native/libc/ioctl.js';
import { openPidfd } from '../../../src/native/libc/process.js';
import {
  dmabroker_manager_v1,
  dmabroker_params_v1,
} from '../../../src/protocol/dmabroker-v1.gen.js';
import { wl_display, wl_registry } from '../../../src/protocol/wayland.gen.js';
import { eventually, TestDaemon } from '../../support/daemon.js';
import { withoutLeaks } from '../../support/fds.js';
import { programFile } from '../../support/programs.js';
import { FREE, MANAGER, RawClient, REGISTRY } from '../../support/raw-client.js';

const PARAMS = FREE;
const SIOCOUTQ = 0x5411;
/** What nobody has received when it was looked at so often, 10 ms apart, is not received soon. */
const LOOKS = 20;

function program(name: string, ...args: string[]): ChildProcess {
  const file = programFile(name);
  return spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function firstLine({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error('no pipe');
  return (await once(createInterface(stdout), 'line'))[0];
}

/** How much of what a client has sent is not received (SIOCOUTQ, unix(7)). */
function unread({ fd }: RawClient): number {
  const bytes = Buffer.alloc(4);
  ioctl(fd, 'SIOCOUTQ', SIOCOUTQ, bytes);
  return bytes.readInt32LE();
}

const errorText = (client: RawClient) =>
  String(client.events.find(({ name }) => name === 'wl_display.error')?.values[2]);

await withoutLeaks(t, 'sockets that are handed on', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  await (await new RawClient(daemon.clientSocket).ready()).close();
  const before = await daemon.idleFds();
  const over = (t: Test) => t.resolves(daemon.settled(before), 'nothing of it is left');

  await t.test('a process that ends while another one has its socket', async (t) => {
    const child = program('heir', daemon.clientSocket);
    const exited = once(child, 'exit');
    const heir = Number(await firstLine(child));
    t.teardown(() => process.kill(heir));
    t.same(await exited, [0, null]);
    t.ok(process.kill(heir, 0), 'the other one has the socket still');
    await eventually(async () => (await daemon.clients()).length === 0, 'the connection has ended');
    t.same(await daemon.buffers(), [], 'the release that was sent before the end was heard');
    await over(t);
  });

  /** The ways to give a client's own socket, or another one's, to the daemon. */
  const ways: Record<string, (client: RawClient, fd: number) => void> = {
    'beside a request that takes none': (client, fd) =>
      client.send(client.peer.request(wl_display, 1, 'sync', FREE), [fd]),
    'as a plane': (client, fd) => {
      const { peer } = client;
      const params = peer.request(dmabroker_manager_v1, MANAGER, 'create_params', PARAMS);
      const plane = peer.request(dmabroker_params_v1, PARAMS, 'add_plane', -1, 0, 0, 0);
      client.send(Buffer.concat([params, plane]), [fd]);
    },
    'before a request is complete': (client, fd) => client.send(Buffer.alloc(3), [fd]),
  };
  for (const [how, give] of Object.entries(ways)) {
    await t.test(`a client gives the daemon its own socket ${how}`, async (t) => {
      const client = await new RawClient(daemon.clientSocket).ready();
      give(client, client.fd);
      await client.ended();
      t.match(errorText(client), /a socket: no request takes one/);
      client.close();
      await over(t);
    });
  }

  await t.test(
    'a client hangs up whose own end lies behind answers that it has not read',
    async (t) => {
      const client = new RawClient(daemon.clientSocket, { reading: false });
      const { peer } = client;
      const target = { interface: dmabroker_manager_v1.name, version: 1, id: MANAGER };
      client.request(wl_display, 1, 'get_registry', REGISTRY);
      client.request(wl_registry, REGISTRY, 'bind', 1, target);
      // The second answer has an fd, and waits until the first one was read: nothing more is received.
      for (const id of [FREE, FREE + 2]) client.send(client.asking(id));
      await eventually(async () => (await daemon.buffers()).length === 2, 'both are there');
      let [id, looks] = [FREE + 4, 0];
      await eventually(() => {
        looks = unread(client) > 0 ? looks + 1 : 0;
        if (looks === 0) client.request(wl_display, 1, 'sync', id++);
        return looks === LOOKS;
      }, 'it is not read any more');
      client.send(peer.request(wl_display, 1, 'sync', id), [client.fd]);
      // Not shut down, as RawClient does: the end that lies there is open still.
      close(client.fd);
      await over(t);
    },
  );

  await t.test('two clients give each the other’s socket, and are killed', async (t) => {
    const pair = program('pair', daemon.clientSocket);
    await firstLine(pair);
    const exited = once(pair, 'exit');
    pair.kill('SIGKILL');
    await exited;
    await over(t);
  });

  await t.test('a process that ends in the middle of a request', async (t) => {
    const child = program('victim', daemon.clientSocket, 'holding');
    await firstLine(child);
    const pidfd = openPidfd(child.pid ?? -1);
    t.not(pidfd, null);
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
    close(pidfd ?? -1);
    await over(t);
  });

  t.equal(await daemon.stop(), 0);
  t.same(daemon.errors, []);
});
