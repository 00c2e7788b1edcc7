/**
 * Files whose close(2) waits for as long as their owner likes, given to the daemon in every way that there
 * is: nobody else waits for them, they count as their giver's until they are closed, and the daemon ends.
 */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import t, { type Test } from 'tap';
import { connect } from '../../../src/client/index.js';
import { close } from '../../../src/native/libc/fd.js';
import { connectUnix, send } from '../../../src/native/libc/socket.js';
import {
  dmabroker_manager_v1,
  dmabroker_params_v1,
} from '../../../src/protocol/dmabroker-v1.gen.js';
import { wl_display } from '../../../src/protocol/wayland.gen.js';
import { isEnding } from '../../../src/server/machine/proc.js';
import { eventually, TestDaemon } from '../../support/daemon.js';
import { withoutLeaks } from '../../support/fds.js';
import { FuseFile, fuseMissing } from '../../support/fuse.js';
import { FREE, MANAGER, RawClient } from '../../support/raw-client.js';
import { slowSocket } from '../../support/slow-socket.js';

const MEMFD = { kind: 'buffer', size: 4096, handleTypes: ['memfd'] } as const;
const PARAMS = FREE;
const BUFFER = FREE + 1;

/** Another client connects and allocates. */
async function othersAreServed(t: Test, { clientSocket }: TestDaemon): Promise<void> {
  const client = await connect({ socket: clientSocket, reconnect: false });
  const buffer = await client.allocate(MEMFD);
  t.equal(buffer.size, 4096, 'another client is served');
  await buffer.close();
  client.close();
}

interface SlowFile {
  /** The test closes it once it has been sent: the daemon's descriptor is then the last one. */
  readonly fd: number;
  /** From now on whoever closes it waits. */
  hold(): Promise<void>;
  /** Whoever closes it waits no more. */
  letGo(): Promise<void>;
}

async function tcp(): Promise<SlowFile> {
  const { fd, letGo } = slowSocket();
  return { fd, hold: async () => {}, letGo: async () => letGo() };
}

const fuse = async (t: Test): Promise<SlowFile> => opened(await FuseFile.mount(t));

function opened(file: FuseFile): SlowFile {
  return {
    fd: file.open(),
    hold: () => file.hold('FLUSH', 'GETATTR', 'STATFS', 'LSEEK', 'POLL'),
    letGo: () => file.letGo(),
  };
}

const kinds = [
  { what: 'a TCP socket that lingers', make: tcp, skip: false as const },
  { what: 'a file of a slow server', make: fuse, skip: fuseMissing() },
];

/** Sends while the daemon stands still, so that what is sent is the daemon's alone when it goes on. */
async function given(
  daemon: TestDaemon,
  file: SlowFile,
  send: (fd: number) => void,
): Promise<void> {
  await daemon.standStill();
  try {
    send(file.fd);
    close(file.fd);
    await file.hold();
  } finally {
    daemon.process.kill('SIGCONT');
  }
}

const params = ({ peer }: RawClient) =>
  Buffer.concat([
    peer.request(dmabroker_manager_v1, MANAGER, 'create_params', PARAMS),
    peer.request(dmabroker_params_v1, PARAMS, 'set_buffer', 0, 4096),
  ]);
const plane = ({ peer }: RawClient) =>
  peer.request(dmabroker_params_v1, PARAMS, 'add_plane', -1, 0, 0, 0);
const sync = ({ peer }: RawClient, id = FREE) => peer.request(wl_display, 1, 'sync', id);

const ways: Record<string, (client: RawClient, fd: number) => void> = {
  'as a plane': (client, fd) => client.send(Buffer.concat([params(client), plane(client)]), [fd]),
  'as a plane that is imported': (client, fd) => {
    const take = client.peer.request(dmabroker_params_v1, PARAMS, 'import', BUFFER);
    client.send(Buffer.concat([params(client), plane(client), take]), [fd]);
  },
  'as the same plane twice': (client, fd) =>
    client.send(Buffer.concat([params(client), plane(client), plane(client)]), [fd, fd]),
  'beside a request that takes none': (client, fd) => {
    client.send(sync(client), [fd]);
    client.send(sync(client, FREE + 1));
  },
  'before a request is complete': (client, fd) => client.send(sync(client).subarray(0, 5), [fd]),
  'behind a violation': (client, fd) => {
    client.send(Buffer.alloc(8, 0xff));
    client.send(sync(client), [fd]);
  },
  'many times over': (client, fd) => {
    for (let i = 0; i < 20; i++) client.send(sync(client, FREE + i), Array(28).fill(fd));
  },
};

await withoutLeaks(t, 'files that are slow to be closed', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  await othersAreServed(t, daemon);
  const before = await daemon.idleFds();

  for (const { what, make, skip } of kinds) {
    // One server for all ways.
    const served = make === fuse && skip === false ? await FuseFile.mount(t) : null;
    for (const [how, give] of Object.entries(ways)) {
      await t.test(`${what}, given ${how}`, { skip }, async (t) => {
        const file = served === null ? await make(t) : opened(served);
        const client = await new RawClient(daemon.clientSocket).ready();
        await given(daemon, file, (fd) => give(client, fd));
        await othersAreServed(t, daemon);
        client.close();
        await othersAreServed(t, daemon);
        t.equal((await daemon.rest('GET', '/healthz')).status, 200);
        await eventually(async () => (await daemon.clients()).length === 0, 'it has left');
        await file.letGo();
        await t.resolves(daemon.settled(before), 'nothing of it is left');
      });
    }
  }

  const lets = daemon.log.some(({ msg }) => msg.startsWith('this kernel lets clients of REST'));
  const skip = lets ? 'the kernel is older than Linux 6.16' : false;
  await t.test('a TCP socket that lingers, sent to REST', { skip }, async (t) => {
    const { fd, letGo } = slowSocket();
    const rest = connectUnix(daemon.restSocket);
    const line = Buffer.from('GET /healthz HTTP/1.1\r\n');
    t.throws(() => send(rest, line, [fd]), { code: 'EPERM' }, 'the kernel does not let it through');
    letGo();
    close(fd);
    close(rest);
    t.equal((await daemon.rest('GET', '/healthz')).status, 200);
    await t.resolves(daemon.settled(before), 'nothing of it is left');
  });

  t.equal(await daemon.stop(), 0);
  t.same(daemon.errors, []);
});

for (const { what, make, skip } of kinds) {
  const ending = async (t: Test) => {
    const daemon = await TestDaemon.memfd(t);
    const file = await make(t);
    const client = await new RawClient(daemon.clientSocket).ready();
    await given(daemon, file, (fd) => {
      client.send(sync(client), [fd]);
      client.send(sync(client, FREE + 1));
    });
    await client.ended();
    client.close();
    const exited = once(daemon.process, 'exit');
    daemon.process.kill('SIGTERM');
    const says = (text: string) => daemon.log.find(({ msg }) => msg.startsWith(text));
    await eventually(() => says('stopped') !== undefined, 'it has done all that it has to do');
    t.notOk(existsSync(daemon.clientSocket), 'its socket is gone');
    const uid = String(process.getuid?.());
    t.match(says('file descriptors of these users are not closed'), { left: { [uid]: Number } });
    // A signal ends a lingering close; a FUSE server can keep the process until it answers.
    if (make === fuse) await file.letGo();
    t.same(await exited, [0, null]);
    if (make === tcp) await file.letGo();
  };
  await withoutLeaks(t, 'the daemon’s end', async (t) => {
    await t.test(`while ${what} is being closed`, { skip }, ending);
  });
}

/** SIGQUIT is as a crash: it dumps core, for which every thread would have to stop. */
for (const signal of ['SIGKILL', 'SIGQUIT'] as const) {
  const what = `a daemon that ${signal} does not end, because of a client's file, keeps nobody from starting`;
  await t.test(what, { skip: fuseMissing() }, async (t) => {
    const killed = await TestDaemon.memfd(t);
    const file = await fuse(t);
    const client = await new RawClient(killed.clientSocket).ready();
    await given(killed, file, (fd) => {
      client.send(sync(client), [fd]);
      client.send(sync(client, FREE + 1));
    });
    await client.ended();
    client.close();
    const exited = once(killed.process, 'exit');
    killed.process.kill(signal);
    await eventually(() => isEnding(killed.pid), 'it runs no more');
    t.ok(existsSync(killed.clientSocket), 'it could not tidy up');
    const { folder } = killed;
    const next = await TestDaemon.memfd(t, { folder });
    t.ok(next.log.some(({ msg }) => /its place is taken/.test(msg)));
    await othersAreServed(t, next);
    t.equal((await next.rest('GET', '/healthz')).status, 200);
    const inItsPlace = (when: string) =>
      t.rejects(TestDaemon.memfd(t, { folder }), /another daemon uses/, when);
    // By then it is the same whichever signal it was.
    if (signal === 'SIGKILL') await inItsPlace('it is in its place');
    await file.letGo();
    t.same(await exited, [null, signal]);
    if (signal === 'SIGKILL') await inItsPlace('and stays there');
    await othersAreServed(t, next);
    t.equal(await next.stop(), 0);
  });
}
