/** The quotas' operations: answers as they are described, and what is refused. */

import t from 'tap';
import { BrokerError } from '../../../src/memory/errors.js';
import { peer } from '../../broker/support/world.js';
import { withoutLeaks } from '../../support/fds.js';
import { conforms } from './support/conforms.js';
import { type Running, startServer } from './support/server.js';

await withoutLeaks(t, 'quotas', async (t) => {
  const ask = async (server: Running, method: string, path: string, body?: unknown) => {
    const answer = await server.request(method, path, body === undefined ? {} : { body });
    conforms(t, method, path, answer);
    return answer;
  };

  await t.test('set, shown, and forgotten again', async (t) => {
    const server = await startServer(t);
    const path = '/v1/quotas/cgroup/%2Fuser.slice%2F*';
    const set = await ask(server, 'PUT', path, { bytes: 5, fds: null, priority: -1 });
    t.equal(set.status, 200);
    t.match(set.json, {
      scope: 'cgroup',
      key: '/user.slice/*',
      charge: null,
      settings: {
        bytes: { value: 5, from: 'rest' },
        fds: { value: null, from: 'rest' },
        buffers: { from: 'default' },
        priority: { value: -1, from: 'rest' },
      },
    });
    t.same((await ask(server, 'GET', path)).json, set.json);
    const list = (await ask(server, 'GET', '/v1/quotas')).json as { key: string }[];
    t.ok(list.some(({ key }) => key === '/user.slice/*'));
    const unset = await ask(server, 'DELETE', path);
    t.match(unset.json, { settings: { bytes: { value: null, from: 'default' } } });
  });

  await t.test('of a container without root, whose control group has a long path', async (t) => {
    const server = await startServer(t);
    const key = `/user.slice/user-1001.slice/user@1001.service/user.slice/libpod-${'a1'.repeat(32)}.scope/container`;
    const path = `/v1/quotas/cgroup/${encodeURIComponent(key)}`;
    t.equal((await ask(server, 'PUT', path, { bytes: 5 })).status, 200);
    t.match((await ask(server, 'GET', path)).json, { key, settings: { bytes: { value: 5 } } });
  });

  await t.test('users and cgroups', async (t) => {
    const server = await startServer(t);
    const { quotas } = server.daemon.broker;
    const owner = { client: null, peer: { ...peer, uid: 1000, cgroup: '/a/b' } };
    quotas.reserve(owner, 'memfd', { bytes: 4096, fds: 1 }, []);
    await ask(server, 'PUT', '/v1/quotas/user/default', { bytes: 4095 });
    const charge = { bytes: 4096, buffers: 1, fds: 1, pending: 1 };
    const users = await ask(server, 'GET', '/v1/users');
    t.match(users.json, [{ uid: 1000, charge, limits: { bytes: 4095 }, over_limit: true }]);
    const cgroups = (await ask(server, 'GET', '/v1/cgroups')).json as { path: string }[];
    t.same(cgroups.map(({ path }) => path).sort(), ['/', '/a', '/a/b']);
    t.match((await ask(server, 'GET', '/v1/quotas/user/default')).json, { over_limit: true });
    t.match((await ask(server, 'GET', '/v1/quotas/source/memfd')).json, { charge });
  });

  await t.test('a group: what its members have counts from the rule on', async (t) => {
    const server = await startServer(t);
    const { quotas } = server.daemon.broker;
    const owner = { client: null, peer: { ...peer, gid: 7, groups: [44] } };
    quotas.reserve(owner, 'memfd', { bytes: 4096, fds: 1 }, []);
    const path = '/v1/quotas/group/44';
    const unset = (await ask(server, 'GET', path)).json;
    t.match(unset, { scope: 'group', key: '44', charge: null, share: null, over_limit: false });
    const charge = { bytes: 4096, buffers: 1, fds: 1, pending: 1 };
    const set = (await ask(server, 'PUT', path, { bytes: 4095 })).json;
    t.match(set, { charge, over_limit: true, settings: { bytes: { value: 4095, from: 'rest' } } });
    const list = (await ask(server, 'GET', '/v1/quotas')).json as { scope: string }[];
    t.same(
      list.filter(({ scope }) => scope === 'group'),
      [set],
    );
    t.same((await ask(server, 'DELETE', path)).json, unset);
  });

  await t.test('a refusal names the quota', async (t) => {
    const server = await startServer(t);
    const quota = {
      scope: 'user',
      key: '7',
      dimension: 'bytes',
      limit: 1,
      in_use: 1,
      lingering: 0,
    };
    server.daemon.failure = new BrokerError('limit_exceeded', 'full', { quota });
    const answer = await ask(server, 'POST', '/v1/buffers', { kind: 'buffer', size: 1 });
    t.match(answer.json, { status: 429, refusal: { quota } });
  });

  await t.test('a heap', async (t) => {
    const server = await startServer(t);
    for (const key of ['vulkan:0', `vulkan:${'0a'.repeat(16)}:15`]) {
      const path = `/v1/quotas/source/${key}`;
      const bytes = { value: 4096, from: 'rest' };
      const set = await ask(server, 'PUT', path, { bytes: 4096 });
      t.match(set.json, { scope: 'source', key, settings: { bytes }, charge: { bytes: 0 } });
      t.match((await ask(server, 'GET', path)).json, { key, settings: { bytes } });
      const unset = await ask(server, 'DELETE', path);
      t.match(unset.json, { settings: { bytes: { value: null, from: 'default' } } });
    }
  });

  await t.test('mistakes', async (t) => {
    const server = await startServer(t);
    const put: [path: string, body: unknown, status: number, code: string][] = [
      ['daemon/other', {}, 404, 'not_found'],
      ['user/bob', {}, 404, 'not_found'],
      ['group/video', {}, 404, 'not_found'],
      ['group/default', {}, 404, 'not_found'],
      ['group/44', { weight: 1 }, 400, 'invalid_argument'],
      ['group/44', { priority: 1 }, 400, 'invalid_argument'],
      ['cgroup/relative', {}, 404, 'not_found'],
      ['planet/mars', {}, 400, 'invalid_argument'],
      ['user/1', { bytes: -1 }, 400, 'invalid_argument'],
      ['user/1', { bytes: '1' }, 400, 'malformed_request'],
      ['user/1', { speed: 1 }, 400, 'malformed_request'],
      ['user/1', { allocations_per_second: 0 }, 400, 'invalid_argument'],
      ['source/vulkan', { weight: 1 }, 400, 'invalid_argument'],
      ['source/vulkan:0', { pending: 1 }, 400, 'invalid_argument'],
      ['source/vulkan:0', { allocations_per_second: 1 }, 400, 'invalid_argument'],
      ['source/vulkan:16', {}, 404, 'not_found'],
      ['source/vulkan:main', {}, 404, 'not_found'],
      [`source/vulkan:${'A'.repeat(32)}:0`, {}, 404, 'not_found'],
      ['user/1', { reserve: 0.5 }, 400, 'invalid_argument'],
    ];
    for (const [path, body, status, code] of put) {
      const answer = await ask(server, 'PUT', `/v1/quotas/${path}`, body);
      t.match(answer.json, { status, code }, `${path} ${JSON.stringify(body)}`);
    }
    t.equal(server.daemon.broker.quotas.policy.rules('rest').size, 0);
  });
});
