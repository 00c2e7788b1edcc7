/** `dmabrokerctl events` shows what happens and goes on after a broken connection. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import t, { type Test } from 'tap';
import { draft } from '../server/events/support/drafts.js';
import { type Running, startServer } from '../server/http/support/server.js';
import { withoutLeaks } from '../support/fds.js';
import { ctl, main, userOf } from './support/ctl.js';

/** Starts the command; resolves when the daemon has its reader. */
async function follow(t: Test, server: Running, ...args: string[]) {
  const child = spawn(process.execPath, [main, '--socket', server.socketPath, 'events', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => child.kill());
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  const errors: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text) => errors.push(text));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async (): Promise<string> => (await lines.next()).value;
  while ((await connections(server)) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  return { next, closed, errors };
}

const connections = (server: Running) =>
  new Promise<number>((resolve) => server.app.server.getConnections((_, count) => resolve(count)));

/** Pushes until something arrives: a connection is not yet a reader. */
const push = (server: Running, buffer: string) =>
  server.ring.push([draft({ buffer, size: 4096, uid: 1000, executable: 'a\u001b[2Jb' })]);

await withoutLeaks(t, 'events', async (t) => {
  t.test('one line each, or the JSON as it came; ends by itself after --count', async (t) => {
    const server = await startServer(t);
    for (const [args, expected] of [
      [[], new RegExp(`Z {2}buffer\\.created {7}abc {2}4 KiB {2}ab \\(${userOf(1000)}\\)$`)],
      [['--json'], /^\{"id":"[0-9a-f]{8}-\d+","type":"buffer.created",.*"buffer":"abc"/],
    ] as const) {
      const run = await follow(t, server, '--count', '1', ...args);
      const timer = setInterval(() => push(server, 'abc'), 20);
      t.match(await run.next(), expected);
      t.equal(await run.closed, 0);
      clearInterval(timer);
    }
  });

  t.test('filters are passed on, and wrong ones refused', async (t) => {
    const server = await startServer(t);
    const run = await follow(t, server, '--type', 'device.lost,refusal', '--count', '1');
    const timer = setInterval(() => {
      push(server, 'abc');
      server.ring.push([draft({ type: 'device.lost', reason: 'VK_ERROR_DEVICE_LOST' })]);
    }, 20);
    t.match(await run.next(), /device\.lost {10}VK_ERROR_DEVICE_LOST$/);
    clearInterval(timer);
    await run.closed;
    const wrong = await ctl(['--socket', server.socketPath, 'events', '--buffer', '/']);
    t.equal(wrong.status, 1);
    t.match(wrong.stderr, 'buffer is not of the form');
    t.equal((await ctl(['--socket', '/nowhere', 'events'])).status, 3);
    t.equal((await ctl(['events', '--count', '0'])).status, 2);
  });

  t.test('it connects again and misses nothing', async (t) => {
    const server = await startServer(t);
    const run = await follow(t, server, '--count', '3', '--json');
    const timer = setInterval(() => push(server, 'first'), 20);
    const first = JSON.parse(await run.next()) as { id: string };
    clearInterval(timer);
    server.app.server.closeAllConnections();
    push(server, 'second');
    push(server, 'third');
    const numbers = [first.id];
    for (let i = 0; i < 2; i++) numbers.push((JSON.parse(await run.next()) as { id: string }).id);
    const [start = 0, ...rest] = numbers.map((id) => Number(id.split('-')[1]));
    t.same(rest, [start + 1, start + 2]);
    t.equal(await run.closed, 0);
  });
});
