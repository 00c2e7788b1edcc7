/**
 * Requests that a client should never send, made from openapi.yaml's own schemas and from nothing:
 * whatever comes, the answer is a described one and never a 5xx, and the daemon goes on.
 */
import fc from 'fast-check';
import t from 'tap';
import { anyText } from '../../support/any-text.js';
import { withoutLeaks } from '../../support/fds.js';
import { atNight } from '../../support/night.js';
import { document, violation } from './support/conforms.js';
import { nearly, schemas } from './support/generate.js';
import { type Running, startServer } from './support/server.js';

/** Requests per property. */
const RUNS = atNight(
  { bodies: 400, mutants: 300, paths: 250, headers: 150, bytes: 150 },
  { bodies: 10_000, mutants: 8_000, paths: 5_000, headers: 3_000, bytes: 2_000 },
);
/** A property that takes longer stops early, so that a slow machine is not held up. */
const TIME_LIMIT_MS = atNight(30_000, 120_000);

/** Sends a request; fails where the answer is not a described one or the daemon's fault. */
async function mustBeDescribed(
  server: Running,
  method: string,
  path: string,
  options: Parameters<Running['request']>[2],
): Promise<number> {
  const answer = await server.request(method, path, options);
  const found = violation(method, path, answer);
  if (found !== undefined) throw new Error(`${method} ${path}: ${found}`);
  // The data plane's refusals are 4xx here: this one has memory enough.
  if (answer.status >= 500) throw new Error(`${answer.status}: ${answer.text}`);
  return answer.status;
}

const limited = (numRuns: number) => ({
  numRuns,
  interruptAfterTimeLimit: TIME_LIMIT_MS,
  markInterruptAsFailure: false,
});

await withoutLeaks(t, 'hostile requests', async (t) => {
  t.test('bodies that are nearly right', async (t) => {
    const server = await startServer(t);
    const seen = new Map<number, number>();
    const property = fc.asyncProperty(nearly(schemas.CreateBuffer ?? {}), async (body) => {
      const status = await mustBeDescribed(server, 'POST', '/v1/buffers', { body: body ?? null });
      seen.set(status, (seen.get(status) ?? 0) + 1);
      const { broker } = server.daemon;
      for (const buffer of [...broker.buffers]) broker.release(buffer, 'administrator');
    });
    const right = { kind: 'buffer', size: 4096, handle_types: ['memfd'] };
    await fc.assert(property, { ...limited(RUNS.bodies), examples: [[right]] });
    t.comment(Object.fromEntries(seen));
    t.ok(seen.get(201), 'some are right');
    t.ok(seen.get(400), 'some are wrong');
    t.ok(seen.get(422), 'some are right and cannot be served');
  });

  t.test('JSON that is cut, doubled or changed', async (t) => {
    const server = await startServer(t);
    const good = JSON.stringify({ kind: 'image', width: 64, height: 64, format: 'XR24' });
    const mutant = fc
      .tuple(fc.nat(good.length), fc.nat(good.length), anyText({ maxLength: 8 }))
      .map(([from, to, insert]) => good.slice(0, from) + insert + good.slice(to));
    const types = fc.constantFrom(
      'application/json',
      'application/json; charset=utf-16',
      'APPLICATION/JSON',
      'application/json;',
      'application/jsonx',
      'application/problem+json',
      'multipart/form-data; boundary=x',
      '/',
      '',
    );
    const property = fc.asyncProperty(mutant, types, async (raw, type) => {
      const headers = { 'content-type': type };
      await mustBeDescribed(server, 'POST', '/v1/buffers', { raw, headers });
    });
    await t.resolves(fc.assert(property, limited(RUNS.mutants)));
  });

  t.test('paths and methods', async (t) => {
    const server = await startServer(t);
    const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'SEARCH'];
    // What an HTTP client lets through: no spaces and no control characters.
    const piece = fc.stringMatching(/^[!-~]{0,24}$/);
    const path = fc.oneof(
      piece.map((id) => `/v1/buffers/${id}`),
      piece.map((rest) => `/${rest}`),
      piece.map((query) => `/v1/buffers?${query}`),
      fc.constantFrom('*', '//', '/v1//buffers', '/v1/../healthz', '/%00', '/v1/buffers/%2e%2e'),
      fc.constantFrom(...Object.keys(document.paths)),
    );
    const property = fc.asyncProperty(fc.constantFrom(...methods), path, async (method, path) => {
      if (method === 'GET' && path === '/v1/events') return; // Its answer has no end.
      // A fragment is no part of a request; what a server makes of one is not described.
      await mustBeDescribed(server, method, path.replaceAll('#', '%23'), {});
    });
    await t.resolves(fc.assert(property, limited(RUNS.paths)));
  });

  t.test('headers', async (t) => {
    const server = await startServer(t);
    const name = fc.constantFrom(
      'accept',
      'accept-version',
      'content-type',
      'content-encoding',
      'cookie',
      'expect',
      'host',
      'if-none-match',
      'origin',
      'range',
      'te',
      'x-http-method-override',
    );
    const value = fc.stringMatching(/^[!-~]{1,40}$/);
    const property = fc.asyncProperty(name, value, async (header, text) => {
      await mustBeDescribed(server, 'GET', '/v1/buffers', { headers: { [header]: text } });
      await mustBeDescribed(server, 'DELETE', '/v1/buffers/a', { headers: { [header]: text } });
    });
    await t.resolves(fc.assert(property, limited(RUNS.headers / 2)));
  });

  t.test('bytes', async (t) => {
    const server = await startServer(t);
    const line = fc.stringMatching(/^[ -~\r\n\t]{1,60}$/);
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 64 }).map((array) => Buffer.from(array)),
      line.map((text) => Buffer.from(`GET /healthz HTTP/1.1\r\n${text}\r\n\r\n`)),
      line.map((text) => Buffer.from(`${text}\r\nhost: localhost\r\n\r\n`)),
    );
    const property = fc.asyncProperty(bytes, async (sent) => {
      // The empty line ends whatever Node still waits for.
      const text = await server.raw(Buffer.concat([sent, Buffer.from('\r\n\r\n')]));
      if (text !== '' && !/^HTTP\/1\.1 [1-4]\d\d /.test(text)) throw new Error(text);
    });
    server.app.server.headersTimeout = 200;
    server.app.server.keepAliveTimeout = 50;
    await t.resolves(fc.assert(property, limited(RUNS.bytes)));
  });
});
