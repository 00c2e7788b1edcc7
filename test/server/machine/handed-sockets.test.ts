/**
 * A daemon whose sockets a service manager listens on, which is this process: who connects before it is there waits for
 * it, and its end removes nothing. Where the manager and the configuration do not agree, it says so.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, lstatSync, openSync, readdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { close } from '../../../src/native/libc/fd.js';
import { connectUnix, listenUnix, receive } from '../../../src/native/libc/socket.js';
import { packageRoot } from '../../../src/package-root.js';
import { type StartOptions, TestDaemon, withoutVulkan } from '../../support/daemon.js';
import { withoutLeaks } from '../../support/fds.js';
import { temporaryFolder } from '../../support/folder.js';
import { handing } from '../../support/handed.js';
import { ask } from '../../support/rest.js';

function listening(t: Test, folder: string, ...names: readonly string[]): number[] {
  return names.map((name) => {
    const fd = listenUnix(join(folder, name));
    t.teardown(() => close(fd));
    return fd;
  });
}

async function start(
  t: Test,
  { fds, ...options }: Omit<StartOptions, 'env'> & { readonly fds: readonly number[] },
  extra: readonly string[] = [],
): Promise<TestDaemon> {
  const { wrapper, givenUp } = handing(fds);
  try {
    return await TestDaemon.memfd(t, { ...options, wrapper }, extra);
  } finally {
    givenUp();
  }
}

/** Its folder stays. */
async function end(daemon: TestDaemon): Promise<number | null> {
  daemon.process.kill();
  await once(daemon.process, 'exit');
  return daemon.process.exitCode;
}

const sockets = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.sock'))
    .toSorted();
const warnings = (daemon: TestDaemon) =>
  daemon.log
    .filter(({ level, msg }) => level === 40 && !msg.startsWith('no dma_buf can be exported'))
    .map(({ msg }) => msg);

await withoutLeaks(t, 'a daemon with sockets of a service manager', async (t) => {
  await t.test('who connects waits, over its end, too', async (t) => {
    const folder = temporaryFolder(t);
    const [client, rest] = [join(folder, 'client.sock'), join(folder, 'rest.sock')];
    // In another order than it is asked for: it is the path that says which is which.
    const fds = listening(t, folder, 'rest.sock', 'client.sock');
    chmodSync(client, 0o777);
    const health = () => ask({ socketPath: rest, method: 'GET', path: '/healthz', agent: false });
    const before = health();
    const first = await start(t, { fds, folder });
    t.equal((await before).status, 200, 'who came before it');
    t.same(warnings(first), []);
    t.equal(lstatSync(client).mode & 0o777, 0o666);
    t.equal(lstatSync(rest).mode & 0o777, 0o660);
    const inode = lstatSync(rest).ino;
    t.equal(await end(first), 0);
    t.same(sockets(folder), ['client.sock', 'rest.sock'], 'its end removes none');

    const between = health();
    const config = join(folder, 'c.toml');
    writeFileSync(config, '[rest]\nmode = "0600"\n');
    const second = await start(t, { fds, folder }, ['--config', config]);
    t.equal((await between).status, 200, 'who came between two');
    t.equal(lstatSync(rest).mode & 0o777, 0o600, 'the mode that is configured now');
    t.equal(lstatSync(rest).ino, inode);
    t.match(warnings(second), [/rest\.sock had mode 660 until now/]);
    t.equal((await second.clients()).length, 0);
    t.equal(await end(second), 0);
  });

  await t.test('the configuration names another', async (t) => {
    const folder = temporaryFolder(t);
    const fds = listening(t, folder, 'other.sock', 'rest.sock');
    const daemon = await start(t, { fds, folder });
    t.match(warnings(daemon), [
      /^nobody answers at .*other\.sock: the configuration names another/,
    ]);
    t.same(await daemon.clients(), []);
    await end(daemon);
    t.same(sockets(folder), ['other.sock', 'rest.sock'], 'it removes what it has made');
  });

  await t.test('its file was removed', async (t) => {
    const folder = temporaryFolder(t);
    const fds = listening(t, folder, 'client.sock', 'rest.sock');
    unlinkSync(join(folder, 'rest.sock'));
    const daemon = await start(t, { fds, folder });
    t.match(warnings(daemon), [/rest\.sock was removed, the daemon makes its own/]);
    t.equal((await daemon.rest('GET', '/healthz')).status, 200);
    await end(daemon);
    t.same(sockets(folder), ['client.sock']);
  });

  await t.test('what is no socket is told', async (t) => {
    const fd = openSync('/dev/null', 'r');
    t.teardown(() => close(fd));
    const daemon = await start(t, { fds: [fd, fd] });
    t.match(warnings(daemon), ['descriptors of the service manager are not known']);
  });

  await t.test('a wrong configuration: who waits is turned away', async (t) => {
    const folder = temporaryFolder(t);
    const fds = listening(t, folder, 'client.sock');
    const waiting = connectUnix(join(folder, 'client.sock'));
    t.teardown(() => close(waiting));
    writeFileSync(join(folder, 'c.toml'), 'nonsense = 1\n');
    const { wrapper, givenUp } = handing(fds);
    const [first = '', ...others] = wrapper;
    const program = join(packageRoot, 'bin/dmabrokerd.js');
    const child = spawn(
      first,
      [...others, process.execPath, program, '--config', join(folder, 'c.toml')],
      { env: withoutVulkan, stdio: 'ignore' },
    );
    givenUp();
    t.same(await once(child, 'exit'), [2, null]);
    t.equal(receive(waiting)?.bytes.length, 0, 'and does not wait for the next');
  });
});
