/** HEAD of everything that GET answers: the same status and headers, and no body. */
import t from 'tap';
import type { CreatedBuffer } from '../../../src/rest/contract.js';
import { peer } from '../../broker/support/world.js';
import { withoutLeaks } from '../../support/fds.js';
import { conforms, document } from './support/conforms.js';
import { startServer } from './support/server.js';

/** These differ from one answer to the next. */
const OWN = new Set([
  'date',
  'request-id',
  'ratelimit',
  'x-request-id',
  'keep-alive',
  'connection',
]);

await withoutLeaks(t, 'HEAD', async (t) => {
  const server = await startServer(t, { rateLimit: 10_000 });
  const image = { kind: 'image', width: 4, height: 4, format: 'XR24', handle_types: ['memfd'] };
  const made = await server.request('POST', '/v1/buffers', { body: image });
  const { buffer } = made.json as CreatedBuffer;
  const client = server.daemon.connect(peer);
  const picture = { fd: -1, ticket: 1, size: 64, format: 0, width: 4, height: 4, planes: [] };
  server.daemon.dictated.readImage = () => picture;
  const values: Record<string, string> = {
    id: buffer.id,
    file: 'start.js',
    scope: 'user',
    key: 'default',
  };
  const paths = Object.entries(document.paths).filter(([, item]) => 'get' in item);
  t.ok(paths.length > 20);
  for (const [template] of paths) {
    const path = template.replace(/\{(\w+)\}/g, (_, name: string) =>
      name === 'id' && template.startsWith('/v1/clients') ? client.id : (values[name] ?? name),
    );
    const head = await server.request('HEAD', path);
    conforms(t, 'HEAD', path, head);
    t.equal(head.text, '', `${path}: no body`);
    // A stream of events has no end.
    if (template === '/v1/events') {
      t.match(head, { status: 200, headers: { 'content-type': 'text/event-stream' } });
      continue;
    }
    const get = await server.request('GET', path);
    conforms(t, 'GET', path, get);
    t.equal(head.status, get.status, path);
    const without = ({ headers }: typeof get) =>
      Object.fromEntries(Object.entries(headers).filter(([name]) => !OWN.has(name)));
    // What is measured anew each time has another length.
    const [was, is] = [without(head), without(get)];
    t.same(Object.keys(was), Object.keys(is), path);
    for (const name of ['content-type', 'etag', 'link', 'allow', 'ratelimit-policy']) {
      t.equal(was[name], is[name], `${path} ${name}`);
    }
  }
});
