/** Each request has a name that its answer, its problem document and the log have; never a client's. */
import t from 'tap';
import { withoutLeaks } from '../../support/fds.js';
import { startServer } from './support/server.js';

const NAME = /^[0-9a-f]{16}$/;

await withoutLeaks(t, 'request ids', async (t) => {
  t.test('every answer has one of its own, what was refused too', async (t) => {
    const server = await startServer(t);
    const seen = new Set<unknown>();
    const asked: [string, string, object?][] = [
      ['GET', '/healthz'],
      ['HEAD', '/healthz'],
      ['GET', '/nowhere'],
      ['PUT', '/healthz'],
      ['GET', '/v1/buffers/%zz'],
      ['POST', '/v1/buffers', { kind: 'buffer', size: 0 }],
    ];
    for (const [method, path, body] of asked) {
      const { headers, json, status } = await server.request(method, path, body ? { body } : {});
      const name = headers['request-id'];
      t.match(name, NAME, `${method} ${path}`);
      seen.add(name);
      if (status < 400) continue;
      t.equal((json as { request_id: string }).request_id, name, `${method} ${path}`);
      t.ok(
        server.log.some(({ request_id, code }) => request_id === name && code !== undefined),
        `${method} ${path}: the log has it`,
      );
    }
    t.equal(seen.size, asked.length);
  });

  t.test('what changed something is told by its name', async (t) => {
    const server = await startServer(t);
    const body = { kind: 'buffer', size: 1, handle_types: ['memfd'] };
    const { headers } = await server.request('POST', '/v1/buffers', { body });
    t.match(
      server.log.find(({ msg }) => msg === 'done'),
      { request_id: headers['request-id'] },
    );
  });

  t.test('what is no HTTP, or answered before there is a request', async (t) => {
    const server = await startServer(t);
    const sent = ['nonsense\r\n\r\n', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\n\r\n`];
    for (const bytes of sent) {
      const answer = await server.raw(bytes);
      const [, name = ''] = /^request-id: (\S+)\r$/m.exec(answer) ?? [];
      t.match(name, NAME);
      const problem = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4));
      t.equal(problem.request_id, name);
      t.ok(server.log.some(({ request_id }) => request_id === name));
    }
  });

  t.test('one that a client sends comes neither into the answer nor into the log', async (t) => {
    const server = await startServer(t);
    const theirs = `${'z'.repeat(4000)}`;
    const headers = { 'request-id': theirs, 'x-request-id': theirs };
    const answer = await server.request('GET', '/nowhere', { headers });
    t.match(answer.headers['request-id'], NAME);
    t.notMatch(JSON.stringify(server.log), theirs);
    t.notMatch(answer.text, theirs);
  });
});
