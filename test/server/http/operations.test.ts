/** Each operation does what openapi.yaml says, and what the data plane refuses is told as it is. */
import { readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { NO_CGROUP } from '../../../src/broker/cgroup.js';
import { Policy } from '../../../src/broker/policy.js';
import { BrokerError } from '../../../src/memory/errors.js';
import type { BufferInfo, CreatedBuffer, Token } from '../../../src/rest/contract.js';
import { peer } from '../../broker/support/world.js';
import { withoutLeaks } from '../../support/fds.js';
import { conforms } from './support/conforms.js';
import { FAKE_LIMITS } from './support/fake-daemon.js';
import { openDevice, otherDevice } from './support/fake-devices.js';
import { openapiPath } from './support/root.js';
import { type Answer, type RequestOptions, type Running, startServer } from './support/server.js';

const MEMFD = { handle_types: ['memfd'] };

/** Sends a request and holds the answer against openapi.yaml. */
async function ask(
  t: Test,
  server: Running,
  method: string,
  path: string,
  options?: RequestOptions,
): Promise<Answer> {
  const answer = await server.request(method, path, options);
  conforms(t, method, path, answer);
  return answer;
}

await withoutLeaks(t, 'operations', async (t) => {
  t.test('a buffer is made, listed, shown and released', async (t) => {
    const server = await startServer(t);
    const body = { kind: 'buffer', size: 4096, name: 'scratch', ...MEMFD };
    const made = await ask(t, server, 'POST', '/v1/buffers', { body });
    t.equal(made.status, 201);
    const { buffer, token } = made.json as CreatedBuffer;
    t.match(buffer, { size: 4096, kind: 'buffer', name: 'scratch', handle_type: 'memfd' });
    t.match(token, { uses: 1, expires_at: null });
    const path = `/v1/buffers/${buffer.id}`;
    t.equal(made.headers.location, path);

    const listed = await ask(t, server, 'GET', '/v1/buffers');
    t.same(listed.json, [buffer]);
    const shown = await ask(t, server, 'GET', path);
    t.same(shown.json, buffer);
    const head = await ask(t, server, 'HEAD', path);
    t.equal(head.status, 200);

    const released = await ask(t, server, 'DELETE', path);
    t.equal(released.status, 204);
    t.same((await ask(t, server, 'GET', '/v1/buffers')).json, []);
    t.equal((await ask(t, server, 'GET', path)).status, 404);
    t.equal((await ask(t, server, 'DELETE', path)).status, 404);
  });

  t.test('a lease is made and extended', async (t) => {
    const server = await startServer(t);
    const lifetime = { type: 'lease', seconds: 60 };
    const body = { kind: 'buffer', size: 4096, lifetime, ...MEMFD };
    const made = await ask(t, server, 'POST', '/v1/buffers', { body });
    const { buffer } = made.json as CreatedBuffer;
    t.match(buffer.lifetime, lifetime);
    const path = `/v1/buffers/${buffer.id}/extend`;
    const extended = await ask(t, server, 'POST', path, { body: { seconds: 120 } });
    t.match(extended.json, { id: buffer.id, lifetime: { type: 'lease', seconds: 120 } });
    for (const seconds of [0, 86_401, 1.5, '60']) {
      t.equal((await ask(t, server, 'POST', path, { body: { seconds } })).status, 400);
    }
    for (const wrong of [
      { type: 'lease' },
      { type: 'connection' },
      { type: 'lease', seconds: 0 },
    ]) {
      const refused = { body: { ...body, lifetime: wrong } };
      t.equal((await ask(t, server, 'POST', '/v1/buffers', refused)).status, 400);
    }
  });

  t.test('leaks', async (t) => {
    const server = await startServer(t);
    const nothing = await ask(t, server, 'GET', '/v1/leaks');
    t.match(nothing.json, { growing: { sampled_at: null, count: 0 }, lingering: { buffers: [] } });
    server.daemon.grows({ pid: 7, uid: 0, executable: 'x' }, 1, 6);
    const processes = [{ pid: 7, uid: 0, executable: 'x', ...NO_CGROUP, from: 1, to: 6 }];
    t.match((await ask(t, server, 'GET', '/v1/leaks')).json, { growing: { processes } });
  });

  t.test('a buffer is recalled', async (t) => {
    const server = await startServer(t);
    const body = { kind: 'buffer', size: 4096, ...MEMFD };
    const made = await ask(t, server, 'POST', '/v1/buffers', { body });
    const { buffer } = made.json as CreatedBuffer;
    t.equal(buffer.recall, null);
    const path = `/v1/buffers/${buffer.id}/recall`;
    const recalled = await ask(t, server, 'POST', path, { body: { seconds: 5 } });
    t.match(recalled.json, { id: buffer.id, recall: { reason: 'administrator' } });
    for (const seconds of [0, 86_401, 1.5, '60']) {
      t.equal((await ask(t, server, 'POST', path, { body: { seconds } })).status, 400);
    }
    const nobody = await ask(t, server, 'POST', '/v1/buffers/aaaaaaaaaaaa/recall', {
      body: { seconds: 5 },
    });
    t.equal(nobody.status, 404);
  });

  t.test('the history of a buffer', async (t) => {
    const server = await startServer(t);
    const body = { kind: 'buffer', size: 4096, name: 'first', ...MEMFD };
    const made = await ask(t, server, 'POST', '/v1/buffers', { body });
    const { buffer } = made.json as CreatedBuffer;
    await ask(t, server, 'PATCH', `/v1/buffers/${buffer.id}`, { body: { name: 'second' } });
    const history = await ask(t, server, 'GET', `/v1/buffers/${buffer.id}/history`);
    t.match(history.json, {
      events: [
        { time: buffer.created_at, type: 'buffer.created' },
        { type: 'buffer.shared' },
        { type: 'buffer.renamed', reason: 'second' },
      ],
      forgotten: 0,
    });
    t.equal((await ask(t, server, 'GET', '/v1/buffers/aaaaaaaaaaaa/history')).status, 404);
  });

  t.test('tokens of a buffer', async (t) => {
    const server = await startServer(t);
    const body = { kind: 'buffer', size: 4096, ...MEMFD };
    const made = await ask(t, server, 'POST', '/v1/buffers', { body });
    const path = `/v1/buffers/${(made.json as CreatedBuffer).buffer.id}/tokens`;
    const terms = { uses: 3, uid: 1000, may_renew: true };
    const shared = await ask(t, server, 'POST', path, { body: terms });
    t.equal(shared.status, 201);
    const { id, token } = shared.json as Token;
    const listed = await ask(t, server, 'GET', path);
    t.match(listed.json, [{ uses_left: 1 }, { id, uses_left: 3, uid: 1000, may_renew: true }]);
    t.notMatch(listed.text, token);
    t.equal((await ask(t, server, 'DELETE', `${path}/${id}`)).status, 204);
    t.equal((await ask(t, server, 'DELETE', `${path}/${id}`)).status, 404);
    t.equal((await ask(t, server, 'DELETE', `${path}/${token}`)).status, 400, 'no id');
    t.match((await ask(t, server, 'GET', path)).json, [{ id: 't1' }]);
    const wrong = await ask(t, server, 'POST', path, { body: { uses: 0 } });
    t.match(wrong.json, { code: 'invalid_argument', refusal: { constraint: 'uses' } });
  });

  t.test('an image with a modifier and a token for one user', async (t) => {
    const server = await startServer(t);
    const image = { kind: 'image', width: 1366, height: 768, format: 'XR24', usage: ['sample'] };
    const modifiers = ['0x0100000000000002', '0x0000000000000000'];
    const token = { uses: 3, seconds: 60, uid: 1000 };
    const body = { ...image, modifiers, token, ...MEMFD };
    const made = await ask(t, server, 'POST', '/v1/buffers', { body });
    t.equal(made.status, 201);
    const created = made.json as CreatedBuffer;
    t.match(created.buffer, { width: 1366, height: 768, format: 'XR24' });
    t.equal(created.token.uses, 3);
    t.ok(Date.parse(created.token.expires_at ?? '') > Date.now());
  });

  t.test('a dry run answers and makes nothing', async (t) => {
    const server = await startServer(t);
    const body = { kind: 'buffer', size: 4096, usage: ['scanout'], ...MEMFD };
    const path = '/v1/buffers?dry_run=true';
    const planned = await ask(t, server, 'POST', path, { body });
    t.equal(planned.status, 200);
    t.match(planned.json, { source: 'memfd', handle_type: 'memfd', size: 4096, kind: 'buffer' });
    t.equal(planned.headers.location, undefined);
    t.same((await ask(t, server, 'GET', '/v1/buffers')).json, []);
    const refused = await ask(t, server, 'POST', path, { body: { kind: 'buffer', size: 1 } });
    t.equal(refused.status, 422);
    const real = await ask(t, server, 'POST', '/v1/buffers?dry_run=false', { body });
    t.equal(real.status, 201);
    const odd = await ask(t, server, 'POST', '/v1/buffers?dry_run=perhaps', { body });
    t.equal(odd.status, 400);
    server.daemon.failure = new BrokerError('too_large', 'no', { nearest: { ...body, size: 1 } });
    const told = await ask(t, server, 'POST', '/v1/buffers', { body });
    t.match(told.json, { refusal: { nearest: { ...body, size: 1 } } });
  });

  t.test('what is left out has the default that the description names', async (t) => {
    const server = await startServer(t);
    const body = { kind: 'buffer', size: 1 };
    const refused = await ask(t, server, 'POST', '/v1/buffers', { body });
    t.equal(refused.status, 422, 'dma_buf is asked for, and memfd not substituted');
    t.match(refused.json, {
      code: 'unsupported_handle_type',
      refusal: { constraint: 'handle_types', requested: ['dma_buf'], possible: ['memfd'] },
    });
  });

  t.test('the requester is whoever the caller says is at the other end', async (t) => {
    const server = await startServer(t, { peerOf: () => peer });
    const body = { kind: 'buffer', size: 1, ...MEMFD };
    const made = await ask(t, server, 'POST', '/v1/buffers', { body });
    t.same(server.daemon.asked.at(-1)?.by, peer);
    t.match((made.json as CreatedBuffer).buffer.owner, { ...peer, client: null });

    const other = await startServer(t);
    await ask(t, other, 'POST', '/v1/buffers', { body });
    const nulls = Object.fromEntries(Object.keys(peer).map((key) => [key, null]));
    t.same(other.daemon.asked.at(-1)?.by, nulls, 'unknown without a callback');
  });

  t.test('device, formats, clients, health, description', async (t) => {
    const server = await startServer(t);
    server.daemon.connect({ ...peer, pid: 712 });
    for (const path of ['/v1/device', '/v1/device/formats', '/v1/clients', '/healthz']) {
      t.equal((await ask(t, server, 'GET', path)).status, 200, path);
    }
    const clients = await ask(t, server, 'GET', '/v1/clients');
    t.match(clients.json, [{ id: 'c1', pid: 712 }]);
    const description = await ask(t, server, 'GET', '/openapi.yaml');
    t.equal(description.text, readFileSync(openapiPath, 'utf8'));
  });

  t.test('the root says where everything is', async (t) => {
    const server = await startServer(t);
    const { json } = await ask(t, server, 'GET', '/');
    const { links } = json as { links: Record<string, string> };
    t.ok(Object.keys(links).length > 8);
    for (const path of Object.values(links)) {
      if (path === '/v1/events') continue; // It has no end.
      t.equal((await ask(t, server, 'GET', path)).status, 200, path);
    }
  });

  t.test('ready is more than alive', async (t) => {
    const server = await startServer(t);
    const { daemon } = server;
    t.match(await ask(t, server, 'GET', '/readyz'), {
      status: 200,
      json: { status: 'ready', sources_usable: ['memfd/memfd'] },
    });
    daemon.audit.held = true;
    const held = await ask(t, server, 'GET', '/readyz');
    t.match(held, { status: 503, json: { refusal: { constraint: 'log.audit_when_full' } } });
    daemon.audit.held = false;
    const { inventory } = daemon.allocator;
    const sources = inventory.sources.filter(({ usable }) => !usable);
    Object.assign(daemon.allocator, { inventory: { ...inventory, sources } });
    const nothing = await ask(t, server, 'GET', '/readyz');
    t.match(nothing, { status: 503, json: { refusal: { constraint: 'sources' } } });
    t.equal((await ask(t, server, 'GET', '/healthz')).status, 200, 'it is alive all the same');
  });

  t.test('who asks, and what they may do by which rule', async (t) => {
    const [nobody, group] = [
      { uids: [], gids: [] },
      { uids: [], gids: [peer.gid] },
    ];
    const policy = new Policy({
      ...{ connect: group, admin: nobody, operator: nobody, preview: nobody, owner: group },
      reader: { uids: [peer.uid], gids: [] },
      rules: [
        { who: { uids: [1], gids: [] }, import: true },
        { who: null, import: false, sources: ['memfd'] },
      ],
      groupNames: new Map([[peer.gid, 'staff']]),
    });
    const accessOf = () => policy.restAccess(peer);
    const server = await startServer(t, { peerOf: () => peer, accessOf });
    server.daemon.policy = () => policy;
    const { json } = await ask(t, server, 'GET', '/v1/whoami');
    const { uid, gid, groups, pid, executable, unit } = peer;
    t.same(json, {
      ...{ uid, gid, groups, pid, executable, unit, token: null },
      ...{ role: 'reader', preview: false, owner: true, connect: true },
      rights: [
        { right: 'connect', through: 'group staff' },
        { right: 'reader', through: `user ${uid}` },
        { right: 'owner', through: 'group staff' },
      ],
      rules: [
        { about: 'sources', rule: 1, allowed: ['memfd'] },
        { about: 'import', rule: 1, allowed: false },
      ],
    });
  });

  t.test('devices, open or not', async (t) => {
    const server = await startServer(t);
    t.same((await ask(t, server, 'GET', '/v1/devices')).json, []);
    server.daemon.has([openDevice, otherDevice]);
    const listed = await ask(t, server, 'GET', '/v1/devices');
    t.match(listed.json, [
      { main: true, open: true },
      { main: false, open: false, heaps: null },
    ]);
    const formats = `/v1/device/formats?device=${otherDevice.deviceUuid}`;
    t.equal((await ask(t, server, 'GET', formats)).status, 404);
    t.equal((await ask(t, server, 'GET', '/v1/device/formats?device=x')).status, 400);
    const body = { kind: 'buffer', size: 4096, ...MEMFD };
    const create = (device: string) =>
      ask(t, server, 'POST', '/v1/buffers', { body: { ...body, device } });
    t.equal((await create('01234567-89ab-cdef-0123-456789abcdef')).status, 400, 'no dashes');
    const refused = await create('00'.repeat(16));
    t.match(refused, { status: 422, json: { code: 'unsupported_device' } });
  });

  t.test('refusals of the data plane keep their code, sentence and both sides', async (t) => {
    const server = await startServer(t);
    const image = { kind: 'image', width: 1, height: 1, format: 'XR24', ...MEMFD };
    const cases: [object, number, object][] = [
      [
        { ...image, format: 'NV12' },
        422,
        { code: 'unsupported_format', refusal: { requested: 'NV12', possible: ['AR24', 'XR24'] } },
      ],
      [{ ...image, modifiers: ['0x0100000000000002'] }, 422, { code: 'unsupported_modifier' }],
      [
        { ...image, width: FAKE_LIMITS.dimension + 1 },
        422,
        { code: 'too_large', refusal: { constraint: 'width', possible: FAKE_LIMITS.dimension } },
      ],
    ];
    for (const [body, status, problem] of cases) {
      const answer = await ask(t, server, 'POST', '/v1/buffers', { body });
      t.equal(answer.status, status);
      t.match(answer.json, problem);
    }

    await ask(t, server, 'PUT', '/v1/quotas/daemon/default', { body: { buffers: 0 } });
    const limited = await ask(t, server, 'POST', '/v1/buffers', { body: image });
    t.equal(limited.status, 429);
    const constraint = 'quota.daemon.buffers';
    t.match(limited.json, { code: 'limit_exceeded', refusal: { constraint } });

    server.daemon.failure = new BrokerError('out_of_memory', 'the heap is full');
    const full = await ask(t, server, 'POST', '/v1/buffers', { body: image });
    t.equal(full.status, 507);
    server.daemon.failure = new BrokerError('device_lost', 'the device was lost');
    t.equal((await ask(t, server, 'POST', '/v1/buffers', { body: image })).status, 503);
    server.daemon.failure = new BrokerError('permission_denied', 'not yours');
    t.equal((await ask(t, server, 'DELETE', '/v1/buffers/abc')).status, 403);
  });

  t.test('buffers of clients, with everything that can be null or not', async (t) => {
    const server = await startServer(t);
    const now = new Date().toISOString();
    const buffer: BufferInfo = {
      id: 'mfzgk5dfmjza',
      generation: 2,
      former_of: 'mfzgk5dfmjzb',
      state: 'lingering',
      name: null,
      handle_type: 'dma_buf',
      further_handle_types: ['opaque_fd'],
      source: 'import',
      device: null,
      import: { checked: 'layout', reason: 'there is no Vulkan device' },
      exporter: 'udmabuf',
      funded_by: null,
      fell_back: null,
      vulkan: null,
      size: 4_227_072,
      kind: 'image',
      format: 'R8  ',
      modifier: '0x0000000000000000',
      width: 1366,
      height: 768,
      planes: [{ index: 0, memory: 0, offset: 0, stride: 5504 }],
      placement: ['host_visible'],
      unverified_usage: ['scanout', 'video_decode', 'video_encode'],
      scanout: null,
      lifetime: { type: 'connection' },
      owner: { client: 'c1', ...peer, groups: null, pid: null, executable: null },
      recipients: [
        {
          client: 'c1',
          ...peer,
          groups: [],
          cgroup: '/user.slice/user-1000.slice/user@1000.service/app.slice/a.service',
          unit: 'a.service',
          slice: 'app.slice',
          container: 'a1'.repeat(32),
          connected: false,
          received_at: now,
        },
      ],
      created_at: now,
      last_used_at: now,
      released_at: now,
      recall: { reason: 'share', deadline: now },
      tokens: 0,
      lasting: {
        ...{
          name: 'llama-3/shard-0',
          uid: 1000,
          writer: 'c1',
          claimers: ['c1', 'c2'],
          revision: 4,
        },
        committed: { at: now, digest: '0a'.repeat(32), metadata_bytes: 12 },
      },
      orphan: { ends_by: ['lease', 'owner', 'administrator'], ends_at: now },
    };
    server.daemon.dictated.getBuffer = () => buffer;
    await server.daemon.lists(buffer);
    t.same((await ask(t, server, 'GET', `/v1/buffers/${buffer.id}`)).json, buffer);
    const holder = {
      ...peer,
      fds: 2,
      mappings: 1,
    };
    const { gid: _gid, groups: _groups, ...shown } = holder;
    const process = { ...shown, startedAt: Date.parse(now), startTicks: '1', executable: 'test' };
    server.daemon.swept = {
      ...server.daemon.swept,
      holders: new Map([['0:1', [process]]]),
      own: new Map([['0:1', { fds: 1, mappings: 0 }]]),
      unreadable: 3,
    };
    server.daemon.dictated.memoriesOf = () => ({
      identities: ['0:1'],
      outside: 0,
      clients: [{ id: 'c1', pid: shown.pid }],
    });
    const report = {
      holders: [{ ...shown, started_at: now, clients: ['c1'] }],
      daemon: { fds: 1, mappings: 0 },
      complete: false,
      missing: /^3 processes of other users cannot be read: dmabroker-holders/,
      unreadable: 3,
    };
    const holders = await ask(t, server, 'GET', `/v1/buffers/${buffer.id}/holders`);
    t.match(holders.json, report);
    delete server.daemon.dictated.memoriesOf;
    t.equal((await ask(t, server, 'GET', '/v1/buffers/aaa/holders')).status, 404);
    t.same((await ask(t, server, 'GET', '/v1/buffers?state=lingering')).json, [buffer]);
    t.same((await ask(t, server, 'GET', '/v1/buffers?state=live')).json, []);
    t.equal((await ask(t, server, 'GET', '/v1/buffers?state=gone')).status, 400);
  });
});
