/** The socket file: its mode, its folder, stale ones, and others' that are left alone. */
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import Fastify, { type FastifyInstance } from 'fastify';
import t, { type Test } from 'tap';
import { listenOnUnixSocket } from '../../../src/server/http/listen.js';
import { withoutLeaks } from '../../support/fds.js';
import { startServer, temporaryFolder } from './support/server.js';

function makeApp(t: Test): FastifyInstance {
  const app = Fastify();
  t.teardown(() => app.close());
  return app;
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve) => server.listen(path, resolve));
}

/** A socket file on which nobody listens any more, as after kill -9. */
async function leaveStale(folder: string, path: string): Promise<void> {
  const server = createServer();
  const first = join(folder, 'first');
  await listen(server, first);
  // Closing removes the name that it was made with: keep another.
  linkSync(first, path);
  await new Promise((resolve) => server.close(resolve));
}

await withoutLeaks(t, 'listen', async (t) => {
  t.test('the file has its mode, the folder is made, closing removes the file', async (t) => {
    const app = makeApp(t);
    const folder = join(temporaryFolder(t), 'made', 'here');
    const path = join(folder, 'rest.sock');
    const before = process.umask(0);
    t.teardown(() => process.umask(before));
    await listenOnUnixSocket(app, { path });
    t.equal(statSync(folder).mode & 0o777, 0o755);
    t.ok(lstatSync(path).isSocket());
    t.equal(lstatSync(path).mode & 0o777, 0o666);
    t.same(readdirSync(folder), ['rest.sock'], 'nothing else is left in the folder');
    await app.close();
    t.notOk(existsSync(path));
  });

  t.test('mode and group can be chosen', async (t) => {
    const { socketPath } = await startServer(t, { mode: 0o600, group: process.getgid?.() ?? 0 });
    t.equal(lstatSync(socketPath).mode & 0o777, 0o600);
    t.equal(lstatSync(socketPath).gid, process.getgid?.());
    const path = join(temporaryFolder(t), 'rest.sock');
    const group = 'no-such-group';
    await t.rejects(listenOnUnixSocket(makeApp(t), { path, group }), /no group no-such-group/);
    const byName = makeApp(t);
    await listenOnUnixSocket(byName, {
      path,
      ...(process.getuid?.() === 0 ? { group: 'root' } : {}),
    });
    t.ok(existsSync(path));
  });

  t.test('a stale socket is replaced', async (t) => {
    const folder = temporaryFolder(t);
    const path = join(folder, 'rest.sock');
    await leaveStale(folder, path);
    t.ok(lstatSync(path).isSocket());
    await listenOnUnixSocket(makeApp(t), { path });
    t.ok(lstatSync(path).isSocket());
  });

  t.test('a socket that somebody listens on is left alone', async (t) => {
    const { socketPath, request } = await startServer(t);
    const { ino } = lstatSync(socketPath);
    await t.rejects(
      listenOnUnixSocket(makeApp(t), { path: socketPath }),
      /another process listens/,
    );
    t.equal(lstatSync(socketPath).ino, ino);
    t.equal((await request('GET', '/healthz')).status, 200);
  });

  t.test('what is no socket is left alone', async (t) => {
    const folder = temporaryFolder(t);
    const file = join(folder, 'file');
    writeFileSync(file, 'precious');
    await t.rejects(listenOnUnixSocket(makeApp(t), { path: file }), /is no socket/);
    const link = join(folder, 'link');
    symlinkSync(file, link);
    await t.rejects(listenOnUnixSocket(makeApp(t), { path: link }), /is no socket/);
    const directory = join(folder, 'directory');
    mkdirSync(directory);
    await t.rejects(listenOnUnixSocket(makeApp(t), { path: directory }), /is no socket/);
    t.same(readdirSync(folder).sort(), ['directory', 'file', 'link']);
  });

  t.test('a path that the kernel would cut off is refused', async (t) => {
    const path = join(temporaryFolder(t), 'x'.repeat(100));
    await t.rejects(listenOnUnixSocket(makeApp(t), { path }), /107 bytes at most/);
  });

  t.test('closing does not remove the file of a successor', async (t) => {
    const folder = temporaryFolder(t);
    const path = join(folder, 'rest.sock');
    const first = makeApp(t);
    await listenOnUnixSocket(first, { path });
    unlinkSync(path);
    await listenOnUnixSocket(makeApp(t), { path });
    await first.close();
    t.ok(existsSync(path));
  });
});
