/** Defects and slowness of the daemon or its clients: told apart from refusals, logged, bounded. */
import { connect } from 'node:net';
import { text as readAll } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import { BrokerError } from '../../../src/memory/errors.js';
import { SECURITY_HEADERS } from '../../../src/server/http/guard.js';
import * as limits from '../../../src/server/http/limits.js';
import { createTcpServer, listenOnTcp } from '../../../src/server/http/tcp.js';
import { withoutLeaks } from '../../support/fds.js';
import { conforms } from './support/conforms.js';
import { startServer } from './support/server.js';

await withoutLeaks(t, 'defects', async (t) => {
  t.test('an unexpected error is logged with its stack and not shown', async (t) => {
    const server = await startServer(t);
    for (const failure of [
      new TypeError('secret cause'),
      new BrokerError('internal', 'secret cause\n    at stack of another thread'),
      Object.assign(new Error('secret cause'), { statusCode: 500 }),
      'secret cause',
    ]) {
      server.daemon.failure = failure;
      const answer = await server.request('GET', '/v1/device');
      conforms(t, 'GET', '/v1/device', answer);
      t.equal(answer.status, 500);
      t.match(answer.json, { code: 'internal' });
      t.notMatch(answer.text, /secret|stack/);
      const line = server.log.at(-1);
      t.match(line, { level: 50, path: '/v1/device' });
      t.match(JSON.stringify(line), 'secret cause');
    }
    const first = server.log.find(({ level }) => level === 50);
    t.match(first, { err: { stack: /TypeError: secret cause\n/ } });
    t.equal((await server.request('GET', '/v1/device')).status, 200, 'the daemon goes on');
  });

  t.test('a refusal is logged with its code, without a stack', async (t) => {
    const server = await startServer(t);
    await server.request('GET', '/v1/buffers/abc');
    const line = server.log.at(-1);
    t.match(line, { level: 30, code: 'not_found', path: '/v1/buffers/abc' });
    t.notOk(line?.err);
  });

  t.test('a data plane that hangs is a 503', async (t) => {
    const server = await startServer(t, { handlerTimeoutMs: 50 });
    server.daemon.hangs = true;
    const answer = await server.request('GET', '/v1/buffers');
    conforms(t, 'GET', '/v1/buffers', answer);
    t.equal(answer.status, 503);
    t.match(answer.json, { code: 'unavailable' });
  });

  t.test('a handler that hangs keeps no process from ending', async (t) => {
    const server = await startServer(t, { handlerTimeoutMs: 1000 });
    server.daemon.hangs = true;
    const timers = () =>
      process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
    const before = timers();
    const answer = server.request('GET', '/v1/buffers');
    await setTimeout(200);
    t.ok(timers() <= before, 'none of the timers that keep a process is its');
    t.equal((await answer).status, 503, 'and it is ended all the same');
  });

  t.test('every time-out and limit is set', async (t) => {
    const { app } = await startServer(t);
    t.equal(app.server.requestTimeout, limits.REQUEST_TIMEOUT_MS);
    t.equal(app.server.headersTimeout, limits.HEADERS_TIMEOUT_MS);
    t.equal(app.server.timeout, limits.CONNECTION_TIMEOUT_MS);
    t.equal(app.server.keepAliveTimeout, limits.KEEP_ALIVE_TIMEOUT_MS);
    t.equal(app.server.maxConnections, limits.CONNECTION_LIMIT);
    t.match(app.initialConfig, { handlerTimeout: limits.HANDLER_TIMEOUT_MS });
    t.equal(app.initialConfig.bodyLimit, limits.BODY_LIMIT);
  });

  t.test('over TCP, too', async (t) => {
    const { app } = await startServer(t);
    const server = createTcpServer(app);
    t.equal(server.requestTimeout, limits.REQUEST_TIMEOUT_MS);
    t.equal(server.headersTimeout, limits.HEADERS_TIMEOUT_MS);
    t.equal(server.timeout, limits.CONNECTION_TIMEOUT_MS);
    t.equal(server.keepAliveTimeout, limits.KEEP_ALIVE_TIMEOUT_MS);
    t.equal(server.maxConnections, limits.CONNECTION_LIMIT);
    const port = await listenOnTcp(app, { host: '127.0.0.1', port: 0 });
    const send = async (text: string) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(text));
      return readAll(socket.setEncoding('latin1'));
    };
    const long = 'x'.repeat(limits.HEADER_LIMIT);
    const headers = await send(
      `GET /healthz HTTP/1.1\r\nhost: localhost:${port}\r\nx: ${long}\r\n\r\n`,
    );
    t.match(headers, /^HTTP\/1.1 431 /);
    const nonsense = await send('nonsense\r\n\r\n');
    t.match(nonsense, /^HTTP\/1.1 400 /);
    const refused = await send(`GET /v1/buffers HTTP/1.0\r\nhost: localhost:${port}\r\n\r\n`);
    t.match(refused, /^HTTP\/1.1 401 /);
    for (const answer of [headers, nonsense, refused]) {
      for (const [name, value] of Object.entries(SECURITY_HEADERS)) {
        t.ok(answer.includes(`${name}: ${value}\r\n`), name);
      }
    }
  });

  t.test('a header that does not come to an end is a 408', async (t) => {
    const server = await startServer(t);
    server.app.server.headersTimeout = 100;
    const text = await server.raw('GET /healthz HTTP/1.1\r\nhost: local');
    t.match(text, /^HTTP\/1.1 408 /);
    t.match(JSON.parse(text.split('\r\n\r\n')[1] ?? ''), { code: 'request_timeout' });
  });

  t.test('more connections than the limit are closed, not served', async (t) => {
    const server = await startServer(t);
    server.app.server.maxConnections = 2;
    const held = [connect(server.socketPath), connect(server.socketPath)];
    await setTimeout(50);
    t.equal(await server.raw('GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n'), '');
    for (const socket of held) socket.destroy();
    await setTimeout(50);
    t.equal((await server.request('GET', '/healthz')).status, 200);
  });

  t.test('a client that leaves in the middle is no error', async (t) => {
    const server = await startServer(t);
    for (const bytes of ['', 'GET', 'POST /v1/buffers HTTP/1.1\r\nhost: localhost\r\n']) {
      const socket = connect(server.socketPath);
      socket.write(bytes);
      await setTimeout(10);
      socket.destroy();
    }
    t.equal((await server.request('GET', '/healthz')).status, 200);
    t.notOk(server.log.some(({ level }) => Number(level) >= 50));
  });
});
