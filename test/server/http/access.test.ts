/** What each role may do, for every operation of openapi.yaml; and that the log says who did it. */
import t from 'tap';
import { REST_ROLES, type RestAccess, type RestRole } from '../../../src/broker/policy.js';
import type { CreatedBuffer } from '../../../src/rest/contract.js';
import { readSpec } from '../../../src/server/http/spec.js';
import { peer, request } from '../../broker/support/world.js';
import { withoutLeaks } from '../../support/fds.js';
import { conforms } from './support/conforms.js';
import { openapiPath } from './support/root.js';
import { startServer } from './support/server.js';

const { operations, document } = readSpec(openapiPath);

const paths = document.paths as Record<string, Record<string, Record<string, unknown>>>;

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
    for (const { id, path, method } of operations) {
      const role = paths[path]?.[method.toLowerCase()]?.['x-role'];
      t.ok(REST_ROLES.includes(role as RestRole), `${id}: ${role}`);
    }
    const needed = (id: string) => operations.find((operation) => operation.id === id)?.access;
    t.same(needed('previewBuffer'), { role: 'reader', preview: true, owner: false });
    t.same(needed('setQuota'), { role: 'admin', preview: false, owner: false });
    t.same(needed('releaseBuffer'), { role: 'operator', preview: false, owner: true });
  });

  t.test('whoever has less is refused, whoever has it is not', async (t) => {
    let access: RestAccess = { role: 'none', preview: false, owner: false };
    const server = await startServer(t, { peerOf: () => peer, accessOf: () => access });
    for (const role of REST_ROLES) {
      for (const preview of [false, true]) {
        access = { role, preview, owner: false };
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
    t.equal(server.daemon.buffers.length, 0);
  });

  t.test('an owner is told of what is theirs alone, and refused the rest', async (t) => {
    const access = { role: 'none', preview: false, owner: true } as const;
    const server = await startServer(t, { peerOf: () => peer, accessOf: () => access });
    const { broker } = server.daemon;
    const stranger = broker.connect({ ...peer, uid: peer.uid + 1 });
    broker.allocate({ client: stranger, peer: stranger.peer }, request(), () => {});
    const other = [...broker.buffers][0]?.id ?? '';
    for (const { id, path, method, access: needed } of operations) {
      if (endless.has(id)) continue;
      const { asked } = server.daemon;
      const before = asked.length;
      const body =
        id === 'createBuffer' ? { kind: 'buffer', size: 1, handle_types: ['memfd'] } : {};
      const withBody = paths[path]?.[method.toLowerCase()]?.requestBody !== undefined;
      const answer = await server.request(method, url(path), withBody ? { body } : {});
      conforms(t, method, url(path), answer);
      if (needed.role === 'none') continue;
      t.equal(answer.status === 403, !needed.owner, id);
      // What is not well-formed is refused before anything is asked.
      const questions = asked.slice(before);
      if (!needed.owner || answer.status === 400) t.same(questions, [], id);
      else {
        t.ok(questions.length > 0, id);
        // Of the whole registry, main tells what is the user's.
        const held = questions.every(
          ({ only, question }) => only === peer.uid || question === 'catchUp',
        );
        t.ok(held, `${id} is held to the user`);
        t.notOk(answer.text.includes(other), `${id} does not tell of another user's`);
      }
    }
  });

  t.test('a picture is not shown to who may no longer see it when it is made', async (t) => {
    const seeing: RestAccess = { role: 'reader', preview: true, owner: false };
    let access = seeing;
    const server = await startServer(t, { peerOf: () => peer, accessOf: () => access });
    const body = { kind: 'image', width: 4, height: 4, format: 'XR24', handle_types: ['memfd'] };
    access = { ...seeing, role: 'admin' };
    const made = await server.request('POST', '/v1/buffers', { body });
    access = seeing;
    const path = `/v1/buffers/${(made.json as CreatedBuffer).buffer.id}/preview.png`;
    const content = { fd: -1, ticket: 1, size: 64, format: 0, width: 4, height: 4, planes: [] };
    server.daemon.dictated.readImage = () => content;
    t.equal((await server.request('GET', path)).status, 200);
    server.daemon.dictated.readImage = () => {
      access = { ...seeing, preview: false };
      return content;
    };
    const answer = await server.request('GET', path);
    conforms(t, 'GET', path, answer);
    t.match(answer, { status: 403, json: { code: 'permission_denied' } });
  });

  t.test('of whom no user is known, nothing is theirs', async (t) => {
    const access = { role: 'none', preview: false, owner: true } as const;
    const server = await startServer(t, { accessOf: () => access });
    t.equal((await server.request('GET', '/v1/buffers')).status, 403);
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
