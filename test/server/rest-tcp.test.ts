/** A real daemon with REST on a loopback address: who gets in, who does not, and what the log says. */

import { timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import t from 'tap';
import type { Actor } from '../../src/broker/who.js';
import type { WallTime } from '../../src/memory/clock.js';
import { loadAjv } from '../../src/server/config/ajv.js';
import { loadConfig } from '../../src/server/config/config.js';
import { digestOf, findRestToken, parseRestTokens } from '../../src/server/config/rest-tokens.js';
import { CONNECTIONS_PER_TOKEN } from '../../src/server/http/limits.js';
import { ctl } from '../cli/support/ctl.js';
import { FakeClock } from '../support/clock.js';
import { eventually, TestDaemon } from '../support/daemon.js';
import { temporaryFolder } from '../support/folder.js';

await loadAjv();

async function token(name: string, role: string, ...more: string[]) {
  const run = await ctl(['token', 'new', '--name', name, '--role', role, ...more]);
  const [secret = '', , ...entry] = run.stdout.split('\n');
  return { secret, entry: entry.join('\n') };
}

const wrongOf = (secret: string) => secret.replace(/.$/, (last) => (last === 'a' ? 'b' : 'a'));

const config = (file: string, listen = '127.0.0.1:0') =>
  `[rest.tcp]\nlisten = "${listen}"\ntokens_file = "${file}"\n`;

t.test('over TCP', { timeout: 110_000 }, async (t) => {
  const folder = temporaryFolder(t);
  const [tokens, file] = [join(folder, 'tokens.toml'), join(folder, 'dmabroker.toml')];
  const [reader, admin] = [await token('watcher', 'reader'), await token('root', 'admin')];
  const old = await token('old', 'admin');
  const expired = old.entry.replace(/expires = .*/, 'expires = 2020-01-01T00:00:00Z');
  writeFileSync(tokens, reader.entry + admin.entry + expired, { mode: 0o600 });
  writeFileSync(file, `${config(tokens)}[rest]\nrate_limit = 40\n`);
  const daemon = await TestDaemon.memfd(t, {}, ['--config', file]);
  const port = Number(daemon.log.find(({ msg }) => msg === 'REST over TCP')?.port);
  t.ok(port > 0);

  /** A connection for each request, and no more at once than a token may have. */
  const agent = new Agent({ maxSockets: CONNECTIONS_PER_TOKEN });
  const ask = async (
    method: string,
    path: string,
    secret?: string,
    headers: Record<string, string> = {},
    body?: object,
  ) => {
    const bearer = secret === undefined ? {} : { authorization: `Bearer ${secret}` };
    const json = body === undefined ? {} : { 'content-type': 'application/json' };
    const all = { ...json, ...bearer, ...headers };
    const outgoing = request({ port, host: '127.0.0.1', method, path, headers: all, agent });
    outgoing.end(body && JSON.stringify(body));
    const [answer] = await once(outgoing, 'response');
    const answered = await text(answer);
    return { status: answer.statusCode, headers: answer.headers, body: answered };
  };

  for (const path of ['/healthz', '/openapi.yaml', '/docs', '/docs/start.js']) {
    t.equal((await ask('GET', path)).status, 200, `${path} is public`);
  }
  const wrong = `dmabroker_${'a'.repeat(43)}`;
  for (const secret of [undefined, '', wrong, old.secret, reader.secret.slice(0, -1)]) {
    for (const [method, path] of [
      ['GET', '/v1/buffers'],
      ['HEAD', '/v1/device'],
      ['DELETE', '/v1/buffers/aaaaaaaaaaaa'],
    ] as const) {
      const answer = await ask(method, path, secret);
      t.equal(answer.status, 401, `${method} ${path}`);
      t.match(answer.headers['www-authenticate'], /^Bearer realm="dmabroker"/);
      if (method !== 'HEAD') t.equal(JSON.parse(answer.body).code, 'unauthenticated');
    }
  }
  t.equal((await ask('GET', '/v1/buffers', reader.secret)).status, 200);
  t.equal((await ask('GET', '/v1/device', reader.secret)).status, 200);
  const gone = '/v1/buffers/aaaaaaaaaaaa';
  t.equal((await ask('DELETE', gone, reader.secret)).status, 403);
  t.equal((await ask('DELETE', gone, admin.secret)).status, 404);
  t.equal((await ask('GET', `${gone}/preview.png`, reader.secret)).status, 403, 'pixels');

  const refused: Record<string, string>[] = [
    { host: 'rebound.example.org' },
    { host: `rebound.example.org:${port}` },
    { host: 'localhost' },
    { host: `localhost:${port + 1}` },
    { origin: `http://localhost:${port}` },
    { referer: `http://localhost:${port}/docs` },
  ];
  for (const headers of refused) {
    const answer = await ask('GET', '/healthz', admin.secret, headers);
    t.equal(answer.status, 403, JSON.stringify(headers));
    t.equal(JSON.parse(answer.body).code, 'origin_refused');
  }
  for (const host of ['localhost', '127.0.0.1', '[::1]']) {
    const answer = await ask('GET', '/v1/buffers', admin.secret, { host: `${host}:${port}` });
    t.equal(answer.status, 200, host);
  }

  const stream = request({
    port,
    path: '/v1/events',
    headers: { authorization: `Bearer ${reader.secret}` },
    agent: false,
  });
  stream.end();
  const [events] = await once(stream, 'response');
  const lastWords = text(events);

  const flood = () =>
    Promise.all(Array.from({ length: 60 }, () => ask('GET', '/v1/device', reader.secret)));
  await eventually(
    async () => (await flood()).some(({ status }) => status === 429),
    'a token has a limit',
  );
  t.equal((await ask('GET', '/v1/device', admin.secret)).status, 200, 'another one has its own');

  writeFileSync(tokens, admin.entry);
  daemon.process.kill('SIGHUP');
  await eventually(() => daemon.log.some(({ msg }) => msg.endsWith('read again')), 'read again');
  await eventually(
    async () => (await ask('GET', '/v1/buffers', reader.secret)).status === 401,
    'a token that was removed is not taken',
  );
  t.equal((await ask('GET', '/v1/buffers', admin.secret)).status, 200);
  t.match(await lastWords, /event: dropped\ndata: \{"reason":"unauthorized"/);

  const made = await ask('PUT', '/v1/log-level', admin.secret, {}, { level: 'debug' });
  t.equal(made.status, 200);
  const acts = () => daemon.log.filter(({ component }) => component === 'audit');
  const isSet = () => acts().some(({ act }) => act === 'set_log_level');
  await eventually(isSet, 'the last act is a line');
  const audit = acts();
  // What other threads have done meanwhile is told beside it.
  const set = audit.filter(({ act }) => act === 'set_log_level');
  t.match(set, [{ who: { token: 'root', uid: null, rest: true } }]);
  const codes = (name: string | null) =>
    audit.flatMap(({ who, code }) => ((who as Actor | null)?.token === name && code ? [code] : []));
  t.equal(codes('watcher').filter((code) => code === 'permission_denied').length, 2);
  t.equal(codes('root').filter((code) => code === 'origin_refused').length, refused.length);
  // Without a token, with one that is not good, and the watcher's after its end.
  const anonymous = codes(null).filter((code) => code === 'unauthenticated').length;
  t.ok(anonymous >= 16, `${anonymous} lines`);

  const log = JSON.stringify(daemon.log);
  t.match(log, '"by":"token watcher"');
  t.match(log, '"by":"anonymous"');
  for (const secret of [reader.secret, admin.secret, old.secret, wrong]) {
    t.notOk(log.includes(secret.slice(0, -1)), 'no secret in the log');
    t.notOk(log.includes(digestOf(secret).toString('hex')), 'no digest in the log');
  }
});

t.test('a configuration that opens too much is refused', async (t) => {
  const folder = temporaryFolder(t);
  const [tokens, file] = [join(folder, 'tokens.toml'), join(folder, 'dmabroker.toml')];
  writeFileSync(tokens, '', { mode: 0o600 });
  const load = async (listen?: string) => {
    writeFileSync(file, config(tokens, listen));
    return (await loadConfig(file, {}, new FakeClock())).config;
  };
  t.same((await load('[::1]:7070')).restTcp.listen, { host: '::1', port: 7070 });
  t.equal(
    (await loadConfig(null, {}, new FakeClock())).config.restTcp.listen,
    null,
    'off by default',
  );
  for (const listen of [
    '0.0.0.0:1',
    '192.168.0.1:1',
    '[::]:1',
    'localhost:1',
    '127.0.0.1',
    '127.0.0.1:65536',
  ]) {
    await t.rejects(load(listen), { name: 'ConfigError', message: /loopback/ }, listen);
  }
  for (const mode of [0o644, 0o640, 0o602]) {
    chmodSync(tokens, mode);
    await t.rejects(load(), { name: 'ConfigError', message: /chmod 600/ }, mode.toString(8));
  }
});

t.test('the file of tokens', async (t) => {
  const { secret, entry } = await token('a', 'reader', '--days', '1', '--preview');
  const tokens = parseRestTokens(entry, 'f');
  t.match(tokens, [{ name: 'a', role: 'reader', preview: true }]);
  const { expires = 0 } = tokens[0] ?? {};
  const date = (milliseconds: number) => milliseconds as WallTime;
  t.equal(findRestToken(tokens, secret, date(expires - 1))?.name, 'a');
  t.equal(findRestToken(tokens, secret, date(expires)), null);
  t.equal(findRestToken(tokens, `${secret}a`, date(0)), null);
  // Whichever it is, all are compared, in constant time: how long it takes tells nothing.
  const several = parseRestTokens(
    [entry, (await token('b', 'admin')).entry, (await token('c', 'operator')).entry].join(''),
    'f',
  );
  const lengths: number[] = [];
  const equal = (x: NodeJS.ArrayBufferView, y: NodeJS.ArrayBufferView) => {
    lengths.push(x.byteLength, y.byteLength);
    return timingSafeEqual(x, y);
  };
  for (const guess of [secret, 'x', wrongOf(secret)]) findRestToken(several, guess, date(0), equal);
  t.same(lengths, Array(3 * 3 * 2).fill(32));
  const wrong: [string, RegExp][] = [
    [entry + entry, /two tokens have the same name/],
    [entry.replace('reader', 'none'), /tokens\.0\.role/],
    [entry.replace(/expires = .*/, 'expires = 2027-01-01'), /tokens\.0\.expires must be a time/],
    [entry.replace(/expires = .*/, ''), /required property 'expires'/],
    [`tokens = [ ${secret}`, /^f:1:\d+: this is no TOML$/],
  ];
  for (const [text, message] of wrong) t.throws(() => parseRestTokens(text, 'f'), { message });
  const usage = await ctl(['token', 'new', '--name', 'a b', '--role', 'reader']);
  t.equal(usage.status, 2);
});
