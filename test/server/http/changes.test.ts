/** Renaming, ETags and If-Match; creations with an Idempotency-Key make nothing twice. */

import t from 'tap';
import { BrokerError } from '../../../src/memory/errors.js';
import { Idempotency } from '../../../src/server/http/idempotency.js';
import {
  IDEMPOTENCY_KEYS_PER_USER,
  IDEMPOTENCY_SECONDS,
  MAX_IDEMPOTENCY_KEYS,
} from '../../../src/server/http/limits.js';
import { FakeClock } from '../../support/clock.js';
import { withoutLeaks } from '../../support/fds.js';
import { conforms } from './support/conforms.js';
import { type RequestOptions, startServer } from './support/server.js';

const BODY = { kind: 'buffer', size: 1, handle_types: ['memfd'] };

await withoutLeaks(t, 'changes', async (t) => {
  t.test('a buffer is renamed only as it was seen', async (t) => {
    const server = await startServer(t);
    const made = await server.request('POST', '/v1/buffers', { body: BODY });
    const path = String(made.headers.location);
    const ask = async (method: string, options?: RequestOptions) => {
      const answer = await server.request(method, path, options);
      conforms(t, method, path, answer);
      return answer;
    };
    const { etag = '' } = (await ask('GET')).headers;
    t.match(etag, /^"[\w-]{22}"$/);
    const again = await ask('GET', { headers: { 'if-none-match': `"x", ${etag}` } });
    t.match(again, { status: 304, text: '' });
    t.equal((await ask('GET', { headers: { 'if-none-match': '"x"' } })).status, 200);
    const weak = { 'if-none-match': `W/"x", W/${etag}` };
    t.equal((await ask('GET', { headers: weak })).status, 304, 'a weak tag will do');
    const strong = { 'if-match': `W/${etag}` };
    t.equal((await ask('DELETE', { headers: strong })).status, 412, 'but not for a change');

    const headers = { 'if-match': etag };
    const renamed = await ask('PATCH', { body: { name: 'new' }, headers });
    t.match(renamed, { status: 200, json: { name: 'new' } });
    t.not(renamed.headers.etag, etag);
    t.equal((await ask('GET')).headers.etag, renamed.headers.etag);
    const stale = await ask('PATCH', { body: { name: 'newer' }, headers });
    t.match(stale, { status: 412, json: { code: 'precondition_failed' } });
    t.match(await ask('DELETE', { headers }), { status: 412 });
    t.match(await ask('PATCH', { body: { name: null } }), { status: 200, json: { name: null } });
    t.match(await ask('PATCH', { body: {} }), { status: 400 });
    t.match(await ask('DELETE', { headers: { 'if-match': '*' } }), { status: 204 });
    t.match(await ask('PATCH', { body: { name: null } }), { status: 404 });
  });

  t.test('every other change is made only to what was seen, too', async (t) => {
    const server = await startServer(t);
    const body = { ...BODY, lifetime: { type: 'lease', seconds: 60 } };
    const made = await server.request('POST', '/v1/buffers', { body });
    const path = String(made.headers.location);
    const ask = async (method: string, url: string, options?: RequestOptions) => {
      const answer = await server.request(method, url, options);
      conforms(t, method, url, answer);
      return answer;
    };
    await ask('POST', `${path}/tokens`, { body: {} });
    const [{ id = '' } = {}] = (await ask('GET', `${path}/tokens`)).json as { id: string }[];
    const changes: [string, string, object?][] = [
      ['POST', `${path}/extend`, { seconds: 70 }],
      ['POST', `${path}/recall`, { seconds: 70 }],
      ['POST', `${path}/reissue`],
      ['POST', `${path}/tokens`, {}],
      ['DELETE', `${path}/tokens/${id}`],
      ['PUT', '/v1/quotas/user/7', { bytes: 1 }],
      ['DELETE', '/v1/quotas/user/7'],
    ];
    for (const [method, url, body] of changes) {
      const stale = await ask(method, url, { body, headers: { 'if-match': '"old"' } });
      t.match(stale, { status: 412, json: { code: 'precondition_failed' } }, `${method} ${url}`);
    }
    const listed = (await ask('GET', `${path}/tokens`)).json;
    t.match(listed, [{ id }], 'no token was made or revoked');
    for (const [method, url, body] of changes) {
      const seen = url.startsWith(path) ? path : url;
      const { etag = '' } = (await ask('GET', seen)).headers;
      const answer = await ask(method, url, { body, headers: { 'if-match': etag } });
      t.ok(answer.status < 300, `${method} ${url}: ${answer.status}`);
      if (answer.status !== 200) continue;
      t.equal(answer.headers.etag, (await ask('GET', seen)).headers.etag, 'the tag of now');
    }
  });

  t.test('a creation that is sent again is answered again', async (t) => {
    const server = await startServer(t);
    const create = async (key: string, body: object) => {
      const headers = { 'idempotency-key': key };
      const answer = await server.request('POST', '/v1/buffers', { body, headers });
      conforms(t, 'POST', '/v1/buffers', answer);
      return answer;
    };
    const first = await create('a', BODY);
    t.equal(first.status, 201);
    const second = await create('a', BODY);
    t.match(second, { status: 201, text: first.text });
    t.equal(second.headers.location, first.headers.location);
    t.equal(server.daemon.buffers.length, 1);
    const other = await create('a', { ...BODY, size: 2 });
    t.match(other, { status: 422, json: { code: 'idempotency_key_reused' } });
    t.equal((await create('b', BODY)).status, 201);
    t.equal(server.daemon.buffers.length, 2);

    server.daemon.failure = new BrokerError('out_of_memory', 'full');
    t.equal((await create('c', BODY)).status, 507);
    t.equal((await create('c', BODY)).status, 201, 'a refusal made nothing');
  });

  t.test('a key is looked at only where the description has one, and so is If-Match', async (t) => {
    const server = await startServer(t);
    const made = await server.request('POST', '/v1/buffers', { body: BODY });
    const path = made.headers.location ?? '';
    const headers = { 'idempotency-key': 'k', 'if-match': '"old"' };
    const name = async (name: string) => {
      const change = { body: { name }, headers: { 'idempotency-key': 'k' } };
      t.equal((await server.request('PATCH', path, change)).status, 200);
    };
    for (const each of ['A', 'B', 'A']) await name(each);
    t.match((await server.request('GET', path, { headers })).json, { name: 'A' });
    t.equal((await server.request('DELETE', path)).status, 204);
    const gone = await server.request('GET', path, { headers });
    conforms(t, 'GET', path, gone);
    t.equal(gone.status, 404, 'what was answered before is no answer now');
  });

  t.test('so is a token, and a key is of one request', async (t) => {
    const server = await startServer(t);
    const paths: string[] = [];
    for (let i = 0; i < 2; i++) {
      const made = await server.request('POST', '/v1/buffers', { body: BODY });
      paths.push(`${made.headers.location}/tokens`);
    }
    const [path = '', other = ''] = paths;
    const share = async (path: string, body: object) => {
      const headers = { 'idempotency-key': 'a' };
      const answer = await server.request('POST', path, { body, headers });
      conforms(t, 'POST', path, answer);
      return answer;
    };
    const first = await share(path, { uses: 2 });
    t.equal(first.status, 201);
    t.match(await share(path, { uses: 2 }), { status: 201, text: first.text });
    t.equal(((await server.request('GET', path)).json as object[]).length, 2, 'with the first one');
    const reused = { status: 422, json: { code: 'idempotency_key_reused' } };
    t.match(await share(path, { uses: 3 }), reused, 'other terms');
    t.match(await share(other, { uses: 2 }), reused, 'another buffer');
    t.match(await share('/v1/buffers', BODY), reused, 'another operation');
  });

  t.test('while the first is under way, and after a defect', async (t) => {
    const keys = new Idempotency(new FakeClock());
    let answer: (value: number) => void = () => {};
    const first = keys.run(
      'uid 1',
      'k',
      {},
      () => new Promise<number>((resolve) => (answer = resolve)),
    );
    const never = () => Promise.reject(new Error('it was made twice'));
    await t.rejects(keys.run('uid 1', 'k', {}, never), { code: 'idempotency_in_progress' });
    t.equal(await keys.run('uid 2', 'k', {}, async () => 7), 7, 'the key is another user’s');
    answer(5);
    t.equal(await first, 5);
    t.equal(await keys.run('uid 1', 'k', {}, never), 5);

    const defect = new Error('a defect');
    await t.rejects(
      keys.run('uid 1', 'd', {}, () => Promise.reject(defect)),
      defect,
    );
    await t.rejects(keys.run('uid 1', 'd', {}, never), defect);
  });

  t.test('answers are kept for an hour, and not more than some', async (t) => {
    const clock = new FakeClock();
    const keys = new Idempotency(clock);
    for (let i = 0; i < IDEMPOTENCY_KEYS_PER_USER; i++)
      await keys.run('uid 1', `${i}`, {}, async () => i);
    await t.rejects(
      keys.run('uid 1', 'more', {}, async () => 0),
      { code: 'limit_exceeded' },
    );
    t.equal(await keys.run('uid 1', '0', {}, async () => -1), 0);
    clock.setDate(2 * IDEMPOTENCY_SECONDS * 1000);
    t.equal(await keys.run('uid 1', '0', {}, async () => -1), 0, 'the date does not end it');
    clock.pass(IDEMPOTENCY_SECONDS * 1000);
    t.equal(await keys.run('uid 1', '0', {}, async () => -1), -1);
  });

  t.test('many users, who do not come again', async (t) => {
    const clock = new FakeClock();
    const keys = new Idempotency(clock);
    const fill = async (from: number): Promise<number> => {
      for (let kept = 0; ; kept++) {
        const caller = `uid ${from + Math.floor(kept / IDEMPOTENCY_KEYS_PER_USER)}`;
        try {
          await keys.run(caller, `${kept}`, {}, async () => kept);
        } catch (error) {
          t.match(error, { code: 'limit_exceeded' });
          return kept;
        }
      }
    };
    const most = await fill(1);
    t.ok(most < MAX_IDEMPOTENCY_KEYS, 'some are left for who comes next');
    t.equal(await keys.run('uid 9999', 'k', {}, async () => 1), 1);
    clock.pass(IDEMPOTENCY_SECONDS * 1000);
    t.equal(await fill(1000), most, 'theirs are forgotten when their time is over');
  });
});
