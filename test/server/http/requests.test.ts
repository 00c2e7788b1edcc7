/** Requests that are wrong: each is refused with the field and what it could have been. */
import t from 'tap';
import { BODY_LIMIT, HEADER_LIMIT } from '../../../src/server/http/limits.js';
import { withoutLeaks } from '../../support/fds.js';
import { conforms } from './support/conforms.js';
import { type RequestOptions, startServer } from './support/server.js';

const BUFFER = { kind: 'buffer', size: 1, handle_types: ['memfd'] };
const IMAGE = { kind: 'image', width: 1, height: 1, format: 'XR24', handle_types: ['memfd'] };

/** A body, the code of its refusal, the field that it names, and what would have been possible. */
const bodies: [unknown, string, string | undefined, unknown?][] = [
  [[], 'malformed_request', undefined],
  [null, 'malformed_request', undefined],
  [4096, 'malformed_request', undefined],
  [{}, 'malformed_request', 'kind', ['buffer', 'image']],
  [{ kind: 'texture' }, 'malformed_request', 'kind', ['buffer', 'image']],
  [{ kind: 'buffer' }, 'malformed_request', 'size'],
  [{ ...BUFFER, size: '4096' }, 'malformed_request', 'size'],
  [{ ...BUFFER, size: 1.5 }, 'malformed_request', 'size'],
  [{ ...BUFFER, size: null }, 'malformed_request', 'size'],
  [{ ...BUFFER, size: 0 }, 'invalid_argument', 'size', { minimum: 1 }],
  [{ ...BUFFER, size: 2 ** 53 }, 'too_large', 'size', { maximum: 2 ** 53 - 1 }],
  [{ ...BUFFER, width: 1 }, 'malformed_request', 'width'],
  [{ ...IMAGE, size: 1 }, 'malformed_request', 'size'],
  [{ ...IMAGE, width: -1 }, 'invalid_argument', 'width', { minimum: 1 }],
  [{ ...IMAGE, height: 2 ** 32 }, 'too_large', 'height', { maximum: 2 ** 32 - 1 }],
  [{ ...IMAGE, format: 'XR2' }, 'invalid_argument', 'format'],
  [{ ...IMAGE, format: 'XR\u00e94' }, 'invalid_argument', 'format'],
  [{ ...IMAGE, modifiers: [] }, 'invalid_argument', 'modifiers', { minItems: 1 }],
  [{ ...IMAGE, modifiers: ['0x0'] }, 'invalid_argument', 'modifiers[0]'],
  [{ ...IMAGE, modifiers: [0] }, 'malformed_request', 'modifiers[0]'],
  [{ ...BUFFER, usage: ['paint'] }, 'invalid_argument', 'usage[0]'],
  [{ ...BUFFER, usage: [] }, 'invalid_argument', 'usage', { minItems: 1 }],
  [
    { ...BUFFER, handle_types: ['fd'] },
    'invalid_argument',
    'handle_types[0]',
    ['dma_buf', 'opaque_fd', 'memfd'],
  ],
  [{ ...BUFFER, handle_types: ['memfd', 'memfd'] }, 'invalid_argument', 'handle_types'],
  [{ ...BUFFER, name: '' }, 'invalid_argument', 'name', { minLength: 1 }],
  [{ ...BUFFER, name: 'x'.repeat(65) }, 'invalid_argument', 'name', { maxLength: 64 }],
  [{ ...BUFFER, name: 'a\u001b[2Jb' }, 'invalid_argument', 'name'],
  [{ ...BUFFER, token: { uses: 0 } }, 'invalid_argument', 'token.uses', { minimum: 1 }],
  [{ ...BUFFER, token: { uses: 1001 } }, 'invalid_argument', 'token.uses', { maximum: 1000 }],
  [{ ...BUFFER, token: { seconds: 0 } }, 'invalid_argument', 'token.seconds', { minimum: 1 }],
  [{ ...BUFFER, token: { uid: 2 ** 32 - 1 } }, 'invalid_argument', 'token.uid'],
  [{ ...BUFFER, token: { user: 'root' } }, 'malformed_request', 'token.user'],
  [{ ...BUFFER, token: null }, 'malformed_request', 'token'],
];

await withoutLeaks(t, 'wrong requests', async (t) => {
  t.test('what Node would answer without a problem document, or take', async (t) => {
    const server = await startServer(t);
    const wrong: [head: string, constraint: string][] = [
      ['GET /healthz HTTP/1.1', 'host'],
      ['GET /nowhere HTTP/1.1', 'host'],
      ['GET /healthz HTTP/1.1\r\nhost: localhost\r\nhost: localhost', 'host'],
      ['GET /healthz HTTP/1.0\r\nhost: localhost\r\nHost: evil', 'host'],
      ['GET /healthz HTTP/1.1\r\nhost: localhost\r\nexpect: a miracle', 'expect'],
    ];
    for (const [head, constraint] of wrong) {
      const answer = await server.raw(`${head}\r\nconnection: close\r\n\r\n`);
      t.match(answer, /^HTTP\/1\.1 400 /, head);
      t.match(answer, /content-type: application\/problem\+json/);
      const problem = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4));
      t.match(problem, { code: 'malformed_request', refusal: { constraint } });
    }
    const asked = 'GET /healthz HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue';
    t.match(await server.raw(`${asked}\r\nconnection: close\r\n\r\n`), /HTTP\/1\.1 200 /);
  });

  t.test('a body in chunks, where none is taken', async (t) => {
    const server = await startServer(t);
    const { json } = await server.request('POST', '/v1/buffers', { body: BUFFER });
    const { id } = (json as { buffer: { id: string } }).buffer;
    const chunked = (chunks: string) =>
      server.raw(
        `DELETE /v1/buffers/${id} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n` +
          `content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${chunks}`,
      );
    t.match(await chunked('2\r\n{}\r\n0\r\n\r\n'), /^HTTP\/1\.1 400 [\s\S]*takes no body/);
    t.match(await chunked('0\r\n\r\n'), /^HTTP\/1\.1 204 /, 'an empty one is none');
  });

  t.test('a resource without its name is not there', async (t) => {
    const server = await startServer(t);
    const paths = ['/v1/buffers/', '/v1/clients/', '/v1/buffers//tokens', '/v1/quotas/user/'];
    for (const path of [...paths, '/healthz/']) {
      const answer = await server.request('GET', path);
      t.match(answer, { status: 404, json: { code: 'not_found' } }, path);
      t.match((answer.json as { detail: string }).detail, `there is no resource ${path}`);
    }
  });

  t.test('bodies', async (t) => {
    const server = await startServer(t);
    for (const [body, code, constraint, possible] of bodies) {
      const answer = await server.request('POST', '/v1/buffers', { body });
      conforms(t, 'POST', '/v1/buffers', answer);
      t.equal(answer.status, code === 'too_large' ? 422 : 400);
      const name = JSON.stringify(body).slice(0, 80);
      t.match(answer.json, { code, instance: '/v1/buffers' }, name);
      const { refusal } = answer.json as { refusal?: Record<string, unknown> };
      t.equal(refusal?.constraint, constraint, name);
      if (possible !== undefined) t.same(refusal?.possible, possible, name);
      // A number that JSON has not told as it was is not said.
      if (constraint === 'size' && code === 'too_large') t.notOk('requested' in (refusal ?? {}));
    }
    t.equal(server.daemon.buffers.length, 0);
    const good = await server.request('POST', '/v1/buffers', { body: BUFFER });
    t.equal(good.status, 201, 'the same body without the fault is taken');
  });

  const json = { 'content-type': 'application/json' };
  const others: [string, string, RequestOptions, number, object][] = [
    ['POST', '/v1/buffers', { raw: '{', headers: json }, 400, { code: 'malformed_request' }],
    ['POST', '/v1/buffers', { raw: '', headers: json }, 400, { code: 'malformed_request' }],
    ['POST', '/v1/buffers', {}, 400, { code: 'malformed_request' }],
    [
      'POST',
      '/v1/buffers',
      { raw: '{"__proto__":{},"kind":"buffer","size":1}', headers: json },
      400,
      { code: 'malformed_request' },
    ],
    [
      'POST',
      '/v1/buffers',
      { raw: JSON.stringify(BUFFER), headers: { 'content-type': 'text/plain' } },
      415,
      { code: 'unsupported_media_type', refusal: { possible: 'application/json' } },
    ],
    ['POST', '/v1/buffers', { raw: 'size=1' }, 415, { code: 'unsupported_media_type' }],
    [
      'POST',
      '/v1/buffers',
      { raw: ' '.repeat(BODY_LIMIT + 1), headers: json },
      413,
      { code: 'body_too_large', refusal: { possible: { bytes: BODY_LIMIT } } },
    ],
    ['GET', '/v1/buffers/ABC', {}, 400, { refusal: { constraint: 'id', requested: 'ABC' } }],
    ['DELETE', `/v1/buffers/${'a'.repeat(14)}`, {}, 400, { code: 'invalid_argument' }],
    ['GET', `/v1/buffers/${'a'.repeat(500)}`, {}, 400, { code: 'invalid_argument' }],
    ['GET', `/v1/buffers/${'a'.repeat(5000)}`, {}, 400, { code: 'malformed_request' }],
    ['GET', '/v1/buffers/', {}, 404, { code: 'not_found' }],
    ['GET', '/v1/buffers/%', {}, 400, { code: 'malformed_request' }],
    ['DELETE', '/v1/buffers/abc', { raw: 'x' }, 400, { code: 'malformed_request' }],
    ['DELETE', '/v1/buffers/abc', { headers: json }, 404, { code: 'not_found' }],
    ['POST', '/', {}, 405, { code: 'method_not_allowed' }],
    ['GET', '*', {}, 404, { code: 'not_found' }],
    ['GET', '/v1', {}, 404, { code: 'not_found' }],
    ['GET', '/v1/buffers/a/b', {}, 404, { code: 'not_found' }],
    ['POST', '/nowhere', { raw: 'x' }, 404, { code: 'not_found' }],
    ['GET', '/openapiXyaml', {}, 404, { code: 'not_found' }],
  ];
  t.test('everything else', async (t) => {
    const server = await startServer(t);
    for (const [method, path, options, status, problem] of others) {
      const answer = await server.request(method, path, options);
      conforms(t, method, path, answer);
      t.equal(answer.status, status, `${method} ${path.slice(0, 40)}`);
      t.match(answer.json, problem);
    }
  });

  t.test('other methods are named in Allow', async (t) => {
    const server = await startServer(t);
    const cases: [string, string, string][] = [
      ['PUT', '/v1/buffers', 'GET, HEAD, POST'],
      ['OPTIONS', '/v1/buffers/abc', 'GET, HEAD, DELETE, PATCH'],
      ['PROPFIND', '/v1/device', 'GET, HEAD'],
      ['POST', '/healthz', 'GET, HEAD'],
    ];
    for (const [method, path, allow] of cases) {
      const answer = await server.request(method, path, { raw: '{' });
      conforms(t, method, path, answer);
      t.equal(answer.status, 405);
      t.equal(answer.headers.allow, allow);
    }
  });

  t.test('what is no HTTP is answered with a problem, too', async (t) => {
    const server = await startServer(t);
    const cases: [string, number, string][] = [
      ['hello\r\n\r\n', 400, 'malformed_request'],
      ['GET / HTTP/1.1\r\n\r\n', 400, ''],
      [
        `GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'x'.repeat(HEADER_LIMIT)}\r\n\r\n`,
        431,
        'headers_too_large',
      ],
    ];
    for (const [bytes, status, code] of cases) {
      const text = await server.raw(bytes);
      t.match(text, new RegExp(`^HTTP/1.1 ${status} `));
      if (code !== '') {
        const [head = '', body = ''] = text.split('\r\n\r\n');
        t.match(head, 'content-type: application/problem+json');
        t.match(JSON.parse(body), { code, status });
      }
    }
  });
});
