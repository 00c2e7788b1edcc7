/** What each role may do, for every operation of openapi.yaml; and that the log says who did it. */
import t from 'tap';
import { REST_ROLES, type RestAccess, type RestRole } from '../../../src/broker/policy.js';
import type { CreatedBuffer } from '../../../src/server/control.js';
import { readSpec } from '../../../src/server/http/spec.js';
import { peer } from '../../broker/support/world.js';
import { withoutLeaks } from '../../support/fds.js';
import { conforms } from './support/conforms.js';
import { openapiPath } from './support/root.js';
import { startServer } from './support/server.js';

const { operations, document } = readSpec(openapiPath);

/** Something for each parameter of a path; what is there does not matter for who may ask. */
const url = (path: string) =>
  path
    .replace('{id}', 'aaaaaaaaaaaa')
    .replace('{token_id}', 't1')
    .replace('{scope}', 'user')
    .replace('{key}', '1000')
    .replace('{file}', 'start.js');

/** Such operations end by themselves only where they are refused. */
const endless = new Set(['streamEvents']);

await withoutLeaks(t, 'access', async (t) => {
  t.test('every operation says which role it needs', async (t) => {
    const paths = document.paths as Record<string, Record<string, Record<string, unknown>>>;
    for (const { id, path, method } of operations) {
      const role = paths[path]?.[method.toLowerCase()]?.['x-role'];
      t.ok(REST_ROLES.includes(role as RestRole), `${id}: ${role}`);
    }
    const needed = (id: string) => operations.find((operation) => operation.id === id)?.access;
    t.same(needed('previewBuffer'), { role: 'reader', preview: true });
    t.same(needed('setQuota'), { role: 'admin', preview: false });
  });

  t.test('whoever has less is refused, whoever has it is not', async (t) => {
    let access: RestAccess = { role: 'none', preview: false };
    const server = await startServer(t, { peerOf: () => peer, accessOf: () => access });
    for (const role of REST_ROLES) {
      for (const preview of [false, true]) {
        access = { role, preview };
        for (const { id, path, method, access: needed } of operations) {
          const enough =
            REST_ROLES.indexOf(role) >= REST_ROLES.indexOf(needed.role) &&
            (preview || !needed.preview);
          if (enough && endless.has(id)) continue;
          const answer = await server.request(method, url(path));
          conforms(t, method, url(path), answer);
          t.equal(answer.status !== 403, enough, `${id} as ${role}, preview ${preview}`);
          if (!enough) t.match(answer.json, { code: 'permission_denied' });
          if (method !== 'GET' || endless.has(id)) continue;
          const head = await server.request('HEAD', url(path));
          t.equal(head.status, answer.status, 'HEAD is as GET');
        }
      }
    }
    t.equal(server.control.buffers.size, 0);
  });

  t.test('the log says who changed something, and never a secret', async (t) => {
    const server = await startServer(t, { peerOf: () => peer });
    const by = `uid ${peer.uid}`;
    const body = { kind: 'buffer', size: 4096, handle_types: ['memfd'] };
    const made = await server.request('POST', '/v1/buffers', { body });
    const { buffer, token } = made.json as CreatedBuffer;
    await server.request('GET', '/v1/buffers');
    await server.request('DELETE', `/v1/buffers/${buffer.id}`);
    await server.request('DELETE', `/v1/buffers/${buffer.id}`);
    const lines = server.log.filter((line) => 'by' in line);
    t.match(lines, [
      { by, method: 'POST', path: '/v1/buffers', status: 201 },
      { by, method: 'DELETE', path: `/v1/buffers/${buffer.id}`, status: 204 },
      { by, method: 'DELETE', code: 'not_found' },
    ]);
    t.equal(lines.length, 3);
    t.notOk(JSON.stringify(server.log).includes(token.token));
  });
});
