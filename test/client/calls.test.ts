/**
 * Calls that are given up, tokens that are revoked, what a client is told of, and what keeps its process
 * alive.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { type ClientEvent, connect } from '../../src/client/index.js';
import { close } from '../../src/native/libc/fd.js';
import { connectUnix, listenUnix } from '../../src/native/libc/socket.js';
import { eventually, TestDaemon } from '../support/daemon.js';
import { withoutLeaks } from '../support/fds.js';
import { rejected } from '../support/refused.js';

const linear = { kind: 'buffer', size: 4096, handleTypes: ['memfd'] } as const;
const large = { ...linear, size: 64 * 1024 * 1024 };

await withoutLeaks(t, 'calls', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  const before = await daemon.idleFds();
  const client = await connect({ socket: daemon.clientSocket });
  const ids = async () => (await daemon.buffers()).map(({ id }) => id);

  t.test('an allocation that is given up leaves nothing', async (t) => {
    const giving = new AbortController();
    const asked = client.allocate({ ...large, lifetime: 'until_released' }, giving);
    giving.abort(new Error('no longer wanted'));
    await t.rejects(asked, { message: 'no longer wanted' });
    await eventually(async () => (await ids()).length === 0, 'it is gone');
    t.equal((await client.test(linear, { signal: AbortSignal.timeout(60_000) })).source, 'memfd');
  });

  t.test('to connect is given up while too many wait at the socket', async (t) => {
    const socket = join(daemon.folder, 'full.sock');
    const fds = [listenUnix(socket, 0)];
    const room = () => {
      try {
        fds.push(connectUnix(socket, { wait: false }));
        return true;
      } catch {
        return false;
      }
    };
    while (room());
    const signal = AbortSignal.timeout(20);
    await t.rejects(connect({ socket, signal }), { name: 'TimeoutError' });
    for (const fd of fds) close(fd);
  });

  t.test('work that is given up', async (t) => {
    const buffer = await client.allocate(large);
    const giving = new AbortController();
    const work: Promise<unknown>[] = [
      buffer.fill(1, giving),
      buffer.read(giving),
      buffer.renew(5, giving),
    ];
    giving.abort();
    for (const each of work) await t.rejects(each, { name: 'AbortError' });
    await buffer.fill(7);
    const { bytes } = await buffer.read({ offset: large.size - 4 });
    t.same([...bytes], [7, 0, 0, 0], 'and the next is done');
    await buffer.close();
  });

  t.test('who waits for an answer is told that the buffer is closed', async (t) => {
    for (const end of ['close', 'release'] as const) {
      const buffer = await client.allocate({ ...linear, lifetime: { lease: 60 } });
      const asked: Promise<unknown>[] = [
        buffer.renew(90),
        buffer.park(90),
        buffer.commit(),
        buffer.reissue(),
      ];
      const closed = { name: 'TypeError', message: 'the buffer is closed' };
      const told = asked.map((each) => t.rejects(each, closed));
      await buffer[end]();
      await Promise.all(told);
      await daemon.rest('DELETE', `/v1/buffers/${buffer.id}`);
    }
  });

  t.test('a token that is given up, and one that is revoked', async (t) => {
    const buffer = await client.allocate(linear);
    const tokens = async () =>
      (await daemon.rest('GET', `/v1/buffers/${buffer.id}/tokens`)).body as { id: string }[];
    const giving = new AbortController();
    const asked = buffer.share(giving);
    giving.abort();
    await t.rejects(asked, { name: 'AbortError' });
    await eventually(async () => (await tokens()).length === 0, 'nobody could know the token');
    const share = await buffer.shareRevocably({ uses: 5 });
    const again = await client.redeem(share.token);
    t.same(
      (await tokens()).map(({ id }) => id),
      [share.tokenId],
    );
    await share.revoke();
    await share.revoke();
    t.same(await tokens(), []);
    t.equal((await rejected(client.redeem(share.token))).code, 'invalid_token');
    await again.close();
    await buffer.close();
  });

  t.test('many at once go out in one flush', async (t) => {
    const asked = Array.from({ length: 50 }, () => client.allocate(linear));
    const buffers = await Promise.all(asked);
    t.equal(new Set(buffers.map(({ id }) => id)).size, 50);
    const tokens = await Promise.all(buffers.map((buffer) => buffer.share()));
    const redeemed = await Promise.all(tokens.map((token) => client.redeem(token)));
    t.same(
      redeemed.map(({ id }) => id),
      buffers.map(({ id }) => id),
    );
    await Promise.all([...redeemed, ...buffers].map((buffer) => buffer.close()));
  });

  t.test('a release is told, and what a listener throws is its own', async (t) => {
    const buffer = await client.allocate(linear);
    const told: string[] = [];
    buffer.onReleased(() => {
      throw new Error('a mistake of the caller');
    });
    const off = buffer.onReleased(() => told.push('never'));
    off();
    buffer.onReleased(() => told.push(`${buffer.released}`));
    const thrown = once(process, 'uncaughtException');
    await daemon.rest('DELETE', `/v1/buffers/${buffer.id}`);
    t.match(await thrown, [{ message: 'a mistake of the caller' }]);
    await eventually(() => told.length > 0, 'it is told');
    t.same(told, ['administrator']);
    await client.sync();
    await buffer.close();
  });

  t.test('what happens to all buffers, as a stream', async (t) => {
    const buffers = [await client.allocate(linear), await client.allocate(linear)];
    const events = client.events();
    const first = events.next();
    for (const { id } of buffers) await daemon.rest('DELETE', `/v1/buffers/${id}`);
    const told: (ClientEvent | undefined)[] = [];
    told.push((await first).value ?? undefined, (await events.next()).value ?? undefined);
    t.same(
      told.map((event) => [event?.type, event?.buffer?.id]),
      buffers.map(({ id }) => ['released', id]),
    );
    await events.return();
    const giving = new AbortController();
    const given = client.events(giving).next();
    giving.abort();
    await t.rejects(given, { name: 'AbortError' });
    for (const buffer of buffers) await buffer.close();
  });

  t.test('an end that nobody awaits ends no process', async (t) => {
    const other = await connect({ socket: daemon.clientSocket });
    const one = await other.allocate(linear);
    const two = await other.allocate(linear);
    const three = await other.allocate(linear);
    const stream = other.events().next();
    const unheard: unknown[] = [];
    const hear = (reason: unknown): void => void unheard.push(reason);
    process.on('unhandledRejection', hear);
    void two.release();
    void one.close();
    other.close();
    await t.resolves(three.close(), 'the connection has taken it along');
    t.match(await stream, { done: true }, 'the stream ends with it');
    await sleep(20);
    process.off('unhandledRejection', hear);
    t.same(unheard, []);
  });

  t.test('what keeps a process alive', async (t) => {
    const library = new URL('../../src/client/index.js', import.meta.url).href;
    const run = async (body: string) => {
      const program = `
        const { connect } = await import(${JSON.stringify(library)});
        const client = await connect({ socket: ${JSON.stringify(daemon.clientSocket)} });
        const buffer = await client.allocate(${JSON.stringify(linear)});
        const released = () => { console.log('released'); client.close(); };
        ${body}
        console.log(buffer.id);`;
      const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let said = '';
      child.stdout.setEncoding('utf8').on('data', (text) => {
        said += text;
      });
      const ended = once(child, 'close');
      return { said: () => said, ended, child };
    };
    const silent = await run('buffer.onReleased(released);');
    t.same(await silent.ended, [0, null], 'a listener alone does not');
    t.notMatch(silent.said(), /released/);
    for (const body of [
      'client.ref(); buffer.onReleased(released);',
      '(async () => { for await (const { type } of client.events()) if (type === "released") released(); })();',
    ]) {
      const alive = await run(body);
      await eventually(() => alive.said() !== '', 'it has its buffer');
      await sleep(50);
      t.equal(alive.child.exitCode, null);
      await daemon.rest('DELETE', `/v1/buffers/${alive.said().trim()}`);
      t.same(await alive.ended, [0, null]);
      t.match(alive.said(), /released/);
    }
  });

  t.test('nothing stays behind', async () => {
    client.close();
    await daemon.settled(before);
  });
});
