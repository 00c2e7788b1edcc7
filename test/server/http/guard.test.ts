/** Web pages are kept away, and every answer says so to browsers. */
import t from 'tap';
import { SECURITY_HEADERS } from '../../../src/server/http/guard.js';
import { withoutLeaks } from '../../support/fds.js';
import { conforms } from './support/conforms.js';
import { startServer } from './support/server.js';

await withoutLeaks(t, 'guard', async (t) => {
  t.test('requests of browsers are refused on every path', async (t) => {
    const server = await startServer(t);
    const refused: [Record<string, string>, string][] = [
      [{ origin: 'https://example.org' }, 'origin'],
      [{ origin: 'null' }, 'origin'],
      [{ origin: '' }, 'origin'],
      [{ referer: 'http://localhost/' }, 'referer'],
      [{ host: 'rebound.example.org' }, 'host'],
      [{ host: 'localhost.example.org' }, 'host'],
      [{ host: 'localhost:80:80' }, 'host'],
    ];
    for (const path of ['/v1/buffers', '/healthz', '/openapi.yaml', '/nowhere']) {
      for (const [headers, constraint] of refused) {
        const answer = await server.request('GET', path, { headers });
        conforms(t, 'GET', path, answer);
        t.equal(answer.status, 403);
        t.match(answer.json, { code: 'origin_refused', refusal: { constraint } });
      }
    }
    for (const host of ['', 'host:\r\n', 'host: localhost, evil\r\n']) {
      const text = await server.raw(`GET / HTTP/1.0\r\n${host}\r\n`);
      t.match(text, /^HTTP\/1.1 403 /, 'with no host, an empty one, or two');
    }
    const headers = { origin: 'https://example.org' };
    const body = { kind: 'buffer', size: 1, handle_types: ['memfd'] };
    const answer = await server.request('POST', '/v1/buffers', { headers, body });
    conforms(t, 'POST', '/v1/buffers', answer);
    t.equal(answer.status, 403);
    t.equal(server.daemon.buffers.length, 0);
  });

  t.test('names of this machine are taken', async (t) => {
    const server = await startServer(t);
    for (const host of ['localhost', 'LOCALHOST', 'localhost:8080', '127.0.0.1', '[::1]:80']) {
      const answer = await server.request('GET', '/healthz', { headers: { host } });
      conforms(t, 'GET', '/healthz', answer);
      t.equal(answer.status, 200, host);
    }
  });

  t.test('every answer has the security headers', async (t) => {
    const server = await startServer(t);
    const paths = ['/healthz', '/openapi.yaml', '/nowhere', '/v1/buffers/%', '/v1/buffers/ABC'];
    for (const path of paths) {
      const answer = await server.request('GET', path);
      conforms(t, 'GET', path, answer);
      t.match(answer.headers, SECURITY_HEADERS, path);
    }
    const text = await server.raw('nonsense\r\n\r\n');
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) {
      t.ok(text.includes(`${name}: ${value}\r\n`), name);
    }
  });
});
