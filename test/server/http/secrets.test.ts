/** Wherever somebody puts a secret into a request, it is in no line of the log. */

import pino from 'pino';
import t from 'tap';
import { EventRing } from '../../../src/server/events/ring.js';
import { HEADER_LIMIT } from '../../../src/server/http/limits.js';
import { createHttpServer } from '../../../src/server/http/server.js';
import { FakeClock } from '../../support/clock.js';
import { withoutLeaks } from '../../support/fds.js';
import { FakeDaemon } from './support/fake-daemon.js';
import { openapiPath } from './support/root.js';
import { startServer } from './support/server.js';

const SECRET = 'dmabroker_SaY-n0tHiNg';

await withoutLeaks(t, 'secrets', async (t) => {
  const server = await startServer(t);
  const json = { 'content-type': 'application/json' };
  const create = { kind: 'buffer', size: 64, handle_types: ['memfd'] };
  const requests: [number, string, string, object][] = [
    [200, 'GET', '/v1/buffers', { headers: { authorization: `Bearer ${SECRET}` } }],
    [400, 'GET', `/v1/buffers?access_token=${SECRET}`, {}],
    [404, 'GET', `/v1/nothing?token=${SECRET}`, {}],
    [403, 'GET', '/v1/buffers', { headers: { origin: 'x', authorization: `Basic ${SECRET}` } }],
    [200, 'GET', '/v1/buffers', { headers: { cookie: `token=${SECRET}` } }],
    [403, 'GET', '/v1/buffers', { headers: { referer: `http://x/?token=${SECRET}` } }],
    [400, 'POST', '/v1/buffers', { raw: `{"token":"${SECRET}`, headers: json }],
    [400, 'POST', '/v1/buffers', { raw: SECRET, headers: json }],
    [400, 'POST', '/v1/buffers', { body: { ...create, secret: SECRET } }],
    [415, 'POST', '/v1/buffers', { raw: SECRET, headers: { 'content-type': 'text/plain' } }],
    [201, 'POST', '/v1/buffers', { body: create, headers: { 'idempotency-key': SECRET } }],
    [400, 'GET', '/v1/events', { headers: { 'last-event-id': SECRET } }],
  ];
  for (const [status, method, path, options] of requests) {
    const answer = await server.request(method, path, options);
    t.equal(answer.status, status, `${method} ${path} ${JSON.stringify(options)}`);
  }
  await server.raw(`${SECRET}\r\n\r\n`);
  await server.raw(`GET / HTTP/1.1\r\nauthorization: ${SECRET.repeat(HEADER_LIMIT / 8)}\r\n\r\n`);
  server.daemon.failure = new Error('a defect');
  const headers = { authorization: `Bearer ${SECRET}` };
  t.equal((await server.request('GET', '/v1/buffers', { headers })).status, 500);
  t.ok(server.log.length > 8, 'there is a log');
  t.notOk(JSON.stringify(server.log).includes(SECRET.slice(0, 15)));
});

await withoutLeaks(t, 'secrets at level debug', async (t) => {
  const lines: string[] = [];
  const logger = pino({ level: 'trace' }, { write: (line: string) => lines.push(line) });
  const app = createHttpServer({
    world: new FakeDaemon(),
    logger,
    openapiPath,
    ring: new EventRing(),
    clock: new FakeClock(),
  });
  t.teardown(() => app.close());
  const headers = { host: 'localhost', authorization: `Bearer ${SECRET}` };
  const payload = { kind: 'buffer', size: 64, handle_types: ['memfd'] };
  const made = await app.inject({ method: 'POST', url: '/v1/buffers', headers, payload });
  t.equal(made.statusCode, 201);
  const { token } = made.json();
  t.match(token.token, /^[a-z2-7]{26}$/);
  t.ok(lines.length > 0);
  t.notOk(lines.join('').includes(SECRET));
  t.notOk(lines.join('').includes(token.token));
});
