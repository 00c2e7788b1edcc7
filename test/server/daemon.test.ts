/** The daemon's life: the files of its sockets, its log, how it ends and with what status. */
import { once } from 'node:events';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { connect } from '../../src/client/index.js';
import { eventually, runDaemon as run, TestDaemon, withoutVulkan } from '../support/daemon.js';
import { withoutLeaks } from '../support/fds.js';
import { temporaryFolder } from '../support/folder.js';
import { EventReader } from './http/support/event-reader.js';

const linear = { kind: 'buffer', size: 4096, handleTypes: ['memfd'] } as const;
const mode = (path: string) => statSync(path).mode & 0o7777;

/** The last line of a log, which says why the daemon ended. */
function lastWords(stderr: string): string {
  const { level, msg } = JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '') as {
    level: number;
    msg: string;
  };
  return `${level} ${msg}`;
}

await withoutLeaks(t, 'sockets', async (t) => {
  await t.test('their files, and those of a second daemon', async (t) => {
    const daemon = await TestDaemon.memfd(t);
    const { clientSocket, restSocket, folder } = daemon;
    t.equal(mode(clientSocket), 0o666);
    t.equal(mode(restSocket), 0o660);
    t.same(readdirSync(folder).sort(), ['client.sock', 'rest.sock', 'state'], 'and nothing else');

    const other = join(folder, 'other.sock');
    const same = await run('--socket', clientSocket, '--rest-socket', other);
    t.equal(same.status, 1);
    t.equal(lastWords(same.stderr), `60 another process listens on ${clientSocket}`);
    const sameRest = await run('--socket', other, '--rest-socket', restSocket);
    t.equal(sameRest.status, 1, 'exit status');
    t.equal(
      lastWords(sameRest.stderr),
      `60 another process listens on ${restSocket}`,
      'last words',
    );
    t.same(
      readdirSync(folder).sort(),
      ['client.sock', 'rest.sock', 'state'],
      'they leave nothing behind',
    );

    const client = await connect({ socket: clientSocket });
    t.ok(await client.allocate(linear).then((buffer) => buffer.close().then(() => true)));
    client.close();
    t.equal((await daemon.rest('GET', '/healthz')).status, 200, 'the first one goes on');
    t.equal(await daemon.stop(), 0);
  });

  await t.test('what is no socket is left alone', async (t) => {
    const folder = temporaryFolder(t);
    const file = join(folder, 'precious');
    writeFileSync(file, 'x');
    const { status, stderr } = await run('--socket', file, '--rest-socket', join(folder, 'r.sock'));
    t.equal(status, 1);
    t.match(lastWords(stderr), `60 ${file} is there and is no socket`);
    t.same(readdirSync(folder), ['precious']);
  });

  await t.test(
    'those of a daemon that was killed are replaced, with modes as configured; without a store its buffers end with it',
    async (t) => {
      const folder = temporaryFolder(t);
      const first = await TestDaemon.start([], { env: withoutVulkan, folder });
      const earlier = await connect({ socket: first.clientSocket, reconnect: false });
      const kept = await earlier.allocate({ ...linear, lifetime: 'until_released' });
      t.ok(first.log.some(({ msg }) => msg.includes('will not survive a restart')));
      const exited = once(first.process, 'exit');
      first.process.kill('SIGKILL');
      t.same(await exited, [null, 'SIGKILL']);
      t.ok(existsSync(first.clientSocket) && existsSync(first.restSocket), 'they are still there');
      const file = join(folder, 'dmabroker.toml');
      writeFileSync(file, '[clients]\nmode = "0600"\n[rest]\nmode = "0622"\n');
      const second = await TestDaemon.start(['--config', file], { env: withoutVulkan, folder });
      t.equal(mode(second.clientSocket), 0o600);
      t.equal(mode(second.restSocket), 0o622);
      t.same(await second.buffers(), []);
      await kept.close().catch(() => {});
      const client = await connect({ socket: second.clientSocket });
      t.same((await second.clients()).length, 1);
      client.close();
      t.equal(await second.stop(), 0);
    },
  );
});

await withoutLeaks(t, 'the end', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    await t.test(signal, async (t) => {
      const daemon = await TestDaemon.memfd(t);
      const { clientSocket, restSocket } = daemon;
      const client = await connect({ socket: clientSocket, reconnect: false });
      const closed = new Promise<Error>((resolve) => client.onClosed(resolve));
      const buffer = await client.allocate(linear);
      // With its streams: the last line of the log has been read then.
      const ended = once(daemon.process, 'close');
      daemon.process.kill(signal);
      t.same(await ended, [0, null]);
      t.match(await closed, { name: 'ConnectionError' });
      t.notOk(existsSync(clientSocket));
      t.notOk(existsSync(restSocket));
      t.equal(daemon.log.at(-1)?.msg, 'stopped', 'the last line');
      await buffer.close().catch(() => {});
      for (const line of daemon.log) {
        const { level, time, msg } = line;
        if (level === 0 || typeof msg !== 'string' || Number.isNaN(Date.parse(String(time)))) {
          t.fail(`no line of a log: ${JSON.stringify(line)}`);
        }
      }
      t.same(daemon.errors, []);
      const messages = daemon.log.map(({ msg }) => msg);
      t.ok(messages.some((msg) => msg.startsWith('source memfd (memfd): usable')));
      t.ok(
        messages.some((msg) => msg.startsWith('no dma_buf can be exported here')),
        'it warns',
      );
    });
  }
});

await withoutLeaks(t, 'events', async (t) => {
  await t.test(
    'what clients do is told over REST, and the stream ends with the daemon',
    async (t) => {
      const daemon = await TestDaemon.memfd(t);
      const reader = await EventReader.open(t, daemon.restSocket);
      const client = await connect({ socket: daemon.clientSocket });
      const buffer = await client.allocate(linear);
      await buffer.close();
      client.close();
      await reader.first(5);
      t.same(
        reader.events.map(({ name }) => name),
        [
          'client.connected',
          'buffer.created',
          'buffer.released',
          'buffer.gone',
          'client.disconnected',
        ],
      );
      const left = () => daemon.log.some(({ msg }) => msg === 'client left');
      await eventually(left, 'the log says it, too');
      t.match(
        daemon.log.find(({ msg }) => msg === 'client connected'),
        { pid: process.pid },
      );
      t.equal(await daemon.stop(), 0);
      await reader.ended;
      t.match(reader.events.at(-1), { name: 'dropped', data: 'stopping' });
    },
  );
});
