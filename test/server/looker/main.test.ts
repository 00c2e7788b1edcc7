/** The process that looks at all others: what it tells whom, and what the daemon makes of one that does not answer. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { SystemClock } from '../../../src/native/clock.js';
import { close, identity } from '../../../src/native/libc/fd.js';
import { sealedMemfd } from '../../../src/native/libc/memory.js';
import { connectUnix, listenUnix, receive, send } from '../../../src/native/libc/socket.js';
import { packageRoot } from '../../../src/package-root.js';
import { askLooker } from '../../../src/server/observe/holders/ask-looker.js';
import { sweep } from '../../../src/server/observe/holders/sweep.js';
import { lookingAt } from '../../../src/server/observe/holders/sweeper.js';
import { connectedPair } from '../../support/accept.js';
import { withoutLeaks } from '../../support/fds.js';
import { temporaryFolder } from '../../support/folder.js';

const clock = new SystemClock();
const program = join(packageRoot, 'bin/dmabroker-holders.js');
const isRoot = process.getuid?.() === 0;

/** As systemd starts it: the listening socket is fd 3, and the variables name the process (sd_listen_fds(3)). */
async function looker(t: Test): Promise<{ path: string; child: ChildProcess }> {
  const path = join(temporaryFolder(t), 'holders.sock');
  const listener = listenUnix(path);
  const command = `LISTEN_PID=$$ LISTEN_FDS=1 exec ${process.execPath} ${program} ${path}`;
  const child = spawn('sh', ['-c', command], { stdio: ['ignore', 'inherit', 'inherit', listener] });
  close(listener);
  t.teardown(() => end(child));
  await once(child, 'spawn');
  return { path, child };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

await withoutLeaks(t, 'the looker', async (t) => {
  const memfd = sealedMemfd('dmabroker:looker', 8192);
  const memory = identity(memfd);
  const holder = spawn('sleep', ['1000'], { stdio: ['ignore', memfd, memfd] });
  await once(holder, 'spawn');

  const wanted = { memories: new Set([memory]) };
  /** What was told; throws where nothing was. */
  const ask = async (path: string) => {
    const told = await askLooker(path, clock, wanted.memories);
    if (told === null || typeof told === 'string') throw new Error(told ?? 'nobody is there');
    return told;
  };

  await t.test('it tells what the daemon would see', async (t) => {
    const { path } = await looker(t);
    const [one, other] = connectedPair(join(temporaryFolder(t), 'pair'));
    send(one, Buffer.from('x'), [memfd, memfd]);
    const told = await ask(path);
    const seen = await sweep(clock, { ...wanted, messages: true });
    t.match(told.holders.get(memory), [{ pid: holder.pid, executable: 'sleep', fds: 2 }]);
    t.same(told.holders.get(memory), seen.holders.get(memory));
    t.same(told.own.get(memory), seen.own.get(memory), 'what this process has is its own');
    t.equal(told.unreadable, seen.unreadable);
    t.same(told.unread, seen.unread);
    t.equal(told.hidden, seen.hidden);
    // What others of this machine have on its way changes at any moment.
    const inFlight = ({ inFlight }: typeof told) => Math.max(0, ...inFlight.values());
    t.ok(inFlight(told) >= 2);
    t.ok(inFlight(seen) >= 2);
    const again = await Promise.all([1, 2, 3].map(() => ask(path)));
    for (const each of again) t.same(each.holders.get(memory), seen.holders.get(memory));
    for (const fd of receive(other)?.fds ?? []) close(fd);
    for (const fd of [one, other]) close(fd);
  });

  await t.test('who says much, or goes at once, keeps nobody', async (t) => {
    const { path } = await looker(t);
    for (let i = 0; i < 20; i++) {
      const fd = connectUnix(path);
      send(fd, Buffer.alloc(10_000, 'GET /1/2/3 HTTP/1.1\n'), []);
      close(fd);
    }
    t.ok(await ask(path));
  });

  await t.test('who leaves in the midst of an answer ends it for nobody else', async (t) => {
    // More than a socket holds: it waits to be read.
    const many = Array.from({ length: 4000 }, (_, i) => sealedMemfd(`dmabroker:${i}`, 4096));
    const { path, child } = await looker(t);
    for (let i = 0; i < 5; i++) {
      const socket = createConnection(path);
      await once(socket, 'readable');
      socket.destroy();
      await once(socket, 'close');
    }
    t.ok(await ask(path));
    t.equal(child.exitCode, null);
    for (const fd of many) close(fd);
  });

  await t.test(
    'another user gets nothing',
    { skip: !isRoot && 'it takes two users' },
    async (t) => {
      const { path } = await looker(t);
      chownSync(path, 65_534, 65_534);
      const told = await askLooker(path, clock, wanted.memories);
      t.equal(told, 'it ended before its answer did');
    },
  );

  await t.test('without systemd it does not start', async (t) => {
    const child = spawn(process.execPath, [program], { stdio: 'ignore' });
    const [status] = await once(child, 'exit');
    t.equal(status, 2);
  });

  await t.test('where there is none the daemon looks itself', async (t) => {
    const failures: string[] = [];
    const path = join(temporaryFolder(t), 'nobody.sock');
    const look = lookingAt(path, (reason) => failures.push(reason));
    t.match((await look(clock, wanted)).holders.get(memory), [{ pid: holder.pid }]);
    close(listenUnix(path));
    t.match((await look(clock, wanted)).holders.get(memory), [{ pid: holder.pid }], 'a stale file');
    rmSync(path);
    t.same(failures, [], 'that is no failure');
  });

  for (const [what, say] of [
    ['ends in the midst of it', (socket: Socket) => socket.end('{"pid":1,"uses":[]}\n{"pid"')],
    ['says something else', (socket: Socket) => socket.end('null\n')],
    ['speaks no JSON', (socket: Socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['never ends its line', (socket: Socket) => socket.end('x'.repeat(17 * 1024 * 1024))],
    ['is killed', (socket: Socket) => socket.destroy()],
  ] as const) {
    await t.test(`one that ${what}: the daemon says so, and looks itself`, async (t) => {
      const path = join(temporaryFolder(t), 'wrong.sock');
      const server = createServer(
        (socket) => void say(socket.on('error', () => {}).resume()),
      ).listen(path);
      await once(server, 'listening');
      const failures: string[] = [];
      const look = lookingAt(path, (reason) => failures.push(reason));
      for (let i = 0; i < 3; i++) {
        const seen = await look(clock, wanted);
        t.match(seen.holders.get(memory), [{ pid: holder.pid, fds: 2 }]);
      }
      t.equal(failures.length, 1, 'it is said once');
      server.close();
      await once(server, 'close');
    });
  }

  await t.test('one that is silent is not waited for', async (t) => {
    const path = join(temporaryFolder(t), 'silent.sock');
    const server = createServer((socket) => void socket.resume()).listen(path);
    await once(server, 'listening');
    t.equal(await askLooker(path, clock, wanted.memories, 50), 'it has not ended within 0.05 s');
    server.close();
    await once(server, 'close');
  });

  await end(holder);
  close(memfd);
});
