/** Waiting for memory over the wire and over REST: places, room that comes, what ends it, and what REST shows of it. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect as connectTo } from 'node:net';
import { json } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { BrokerError, connect } from '../../src/client/index.js';
import { MAX_PIPELINED, MAX_REST_WAITS } from '../../src/server/http/limits.js';
import { eventually, TestDaemon } from '../support/daemon.js';
import { withoutLeaks } from '../support/fds.js';

const ctl = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const REQUEST = { kind: 'buffer', size: 8192, handleTypes: ['memfd'] } as const;
const LONG = { ...REQUEST, waitMs: 600_000 };
const uid = process.getuid?.() ?? 0;

await withoutLeaks(t, 'waiting for memory', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  const client = await connect({ socket: daemon.clientSocket, reconnect: false });
  await daemon.rest('PUT', `/v1/quotas/user/${uid}`, { bytes: 16_384 });
  const waiting = async () => (await daemon.rest('GET', '/v1/waiting')).body;
  const waits = (count: number) =>
    eventually(async () => (await waiting()).length === count, `${count} wait`);

  await t.test('until there is room', async (t) => {
    const held = await client.allocateMany(REQUEST, 2);
    const places: number[][] = [[], []];
    const note = (of: number) => ({ onWaiting: (place: number) => places[of]?.push(place) });
    const first = client.allocate({ ...LONG, name: 'next' }, note(0));
    const second = client.allocateMany({ ...LONG, size: 4096 }, 2, note(1));
    await waits(2);
    t.match(await waiting(), [
      {
        place: 1,
        uid,
        pid: process.pid,
        name: 'next',
        bytes: 8192,
        count: 1,
        constraint: 'quota.user.bytes',
        reason: /16384/,
      },
      { place: 2, name: null, bytes: 8192, count: 2, constraint: null, reason: null },
    ]);
    const shown = await promisify(execFile)(process.execPath, [
      ...[ctl, '--socket', daemon.restSocket, 'waiting'],
    ]);
    t.match(shown.stdout, /PLACE +NAME +MEMORY[\s\S]*1 +next +8 KiB +1[\s\S]*its turn/);
    const planned = await client.test(LONG).catch((error: unknown) => error);
    t.match(planned, { code: 'limit_exceeded' }, 'a dry run does not wait');
    const hopeless = await client.allocate({ ...LONG, size: 20_000 }).catch((error) => error);
    t.match(hopeless, { code: 'limit_exceeded', refusal: { waitedMs: undefined } });

    await held[0]?.release();
    const made = await first;
    t.equal(made.size, 8192);
    await eventually(async () => places[1]?.at(-1) === 1, 'the next one has heard');
    t.same(places, [[1], [2, 1]]);
    await made.release();
    for (const buffer of await second) await buffer.release();
    await held[1]?.release();
    t.same(await waiting(), []);
  });

  await t.test('until its deadline', async (t) => {
    const held = await client.allocateMany(REQUEST, 2);
    const late = await client.allocate({ ...REQUEST, waitMs: 20 }).catch((error: unknown) => error);
    if (!(late instanceof BrokerError)) throw late;
    t.match(late, { code: 'limit_exceeded', message: /it has waited for \d+ ms/ });
    t.match(late.detail, { constraint: 'quota.user.bytes', nearest: null });
    t.ok(Number(late.refusal.waitedMs) >= 20);
    const long = await client.allocate({ ...REQUEST, waitMs: 86_400_001 }).catch((error) => error);
    t.match(long, { code: 'invalid_argument', refusal: { constraint: 'wait' } });
    for (const buffer of held) await buffer.release();
  });

  await t.test('until whoever asked is gone', async (t) => {
    const held = await client.allocateMany(REQUEST, 2);
    const giveUp = new AbortController();
    const given = [
      client.allocate(LONG, giveUp),
      client.allocateMany({ ...LONG, lifetime: 'until_released' }, 2, giveUp),
    ].map((answer) => answer.catch((error: unknown) => error));
    const other = await connect({ socket: daemon.clientSocket, reconnect: false });
    const lost = other.allocate({ ...LONG, lifetime: 'until_released' }).catch(() => 'ended');
    await waits(3);
    giveUp.abort(new Error('enough'));
    t.match(await Promise.all(given), [/enough/, /enough/]);
    await waits(1);
    other.close();
    t.equal(await lost, 'ended');
    await waits(0);
    for (const buffer of held) await buffer.release();
    await eventually(async () => (await daemon.buffers()).length === 0, 'nothing came of it');
  });

  const asked = { kind: 'buffer', size: 8192, handle_types: ['memfd'] };
  const post = (more: object) => daemon.rest('POST', '/v1/buffers', { ...asked, ...more });

  await t.test('over REST: until there is room, or a deadline', async (t) => {
    const held = await client.allocateMany(REQUEST, 2);
    const first = post({ wait_ms: 600_000, name: 'REST' });
    await waits(1);
    const shown = { client: null, uid, pid: process.pid, name: 'REST', bytes: 8192 };
    t.match(await waiting(), [{ place: 1, ...shown, constraint: 'quota.user.bytes' }]);
    const options = ['alloc', '--size', '8K', '--handle-type', 'memfd', '--wait'];
    const run = (wait: string) =>
      promisify(execFile)(process.execPath, [
        ...[ctl, '--json', '--socket', daemon.restSocket, ...options, wait],
      ]).catch((error: { stderr: string }) => error);
    const second = run('10min');
    await waits(2);
    const late = await post({ wait_ms: 20 });
    t.match(late, { status: 429, body: { code: 'limit_exceeded' } });
    t.ok(late.body.refusal.waited_ms >= 20);
    t.match(await post({ wait_ms: 600_001 }), { status: 400, body: { code: 'invalid_argument' } });
    const { body: planned } = await daemon.rest('POST', '/v1/buffers?dry_run=true', {
      ...{ ...asked, wait_ms: 600_000 },
    });
    t.match(planned, { code: 'limit_exceeded' }, 'a dry run does not wait');
    await held[0]?.release();
    const made = await first;
    t.match(made, { status: 201, body: { buffer: { name: 'REST', size: 8192 }, token: {} } });
    await held[1]?.release();
    const { stdout } = (await second) as { stdout: string };
    const other = JSON.parse(stdout);
    for (const { buffer } of [made.body, other])
      t.equal((await daemon.rest('DELETE', `/v1/buffers/${buffer.id}`)).status, 204);
    t.same(await waiting(), []);
  });

  await t.test('over REST: until whoever asked has hung up', async (t) => {
    const held = await client.allocateMany(REQUEST, 2);
    const send = (more: object = {}) => {
      const headers = { 'content-type': 'application/json', ...more };
      const where = { socketPath: daemon.restSocket, path: '/v1/buffers', method: 'POST' };
      const request = httpRequest({ ...where, headers, agent: false });
      request.on('error', () => {});
      request.end(JSON.stringify({ ...asked, wait_ms: 600_000 }));
      return request;
    };
    const key = { 'idempotency-key': 'one' };
    const gone = [send(key), ...Array.from({ length: MAX_REST_WAITS / 2 - 1 }, () => send())];
    await waits(gone.length);
    t.match(await post({ wait_ms: 1 }), {
      status: 429,
      body: { refusal: { constraint: 'waiting requests', possible: { max: gone.length } } },
    });
    for (const request of gone) request.destroy();
    await waits(0);
    for (const buffer of held) await buffer.release();
    await eventually(async () => (await daemon.buffers()).length === 0, 'nothing came of it');
    const [again] = (await once(send(key), 'response')) as [IncomingMessage];
    t.equal(again.statusCode, 201, 'the key may be used again');
    const { buffer } = (await json(again)) as { buffer: { id: string } };
    await daemon.rest('DELETE', `/v1/buffers/${buffer.id}`);
  });

  await t.test(
    'over REST: several that are pipelined, until their connection is closed',
    async (t) => {
      const held = await client.allocateMany(REQUEST, 2);
      const body = JSON.stringify({
        ...asked,
        wait_ms: 600_000,
        lifetime: { type: 'until_released' },
      });
      const head = `POST /v1/buffers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`;
      const one = `${head}Content-Length: ${body.length}\r\n\r\n${body}`;
      for (const count of [2, MAX_PIPELINED]) {
        const socket = connectTo(daemon.restSocket);
        socket.on('error', () => {});
        socket.write(one.repeat(count));
        await waits(count);
        socket.destroy();
        await waits(0);
      }
      // One too many has the daemon close it, before or while the others begin to wait.
      const flood = connectTo(daemon.restSocket);
      flood.on('error', () => {});
      flood.resume().write(one.repeat(MAX_PIPELINED + 1));
      await once(flood, 'close');
      await waits(0);
      for (const buffer of held) await buffer.release();
      t.same(await waiting(), []);
      await eventually(async () => (await daemon.buffers()).length === 0, 'nothing came of it');
      t.same(daemon.errors, []);
    },
  );

  await t.test('over REST: until the daemon stops', async (t) => {
    const held = await client.allocateMany(REQUEST, 2);
    const last = post({ wait_ms: 600_000 });
    await waits(1);
    const stopped = daemon.stop();
    t.match(await last, { status: 503, body: { code: 'unavailable', detail: 'the daemon stops' } });
    t.equal(await stopped, 0);
    for (const buffer of held) await buffer.close().catch(() => {});
  });
  client.close();
});
