/**
 * Changes over REST with a real daemon: what a recall answers when it comes twice, to memory that was
 * released and to none; quotas that two administrators set at once.
 */
import { request } from 'node:http';
import { json } from 'node:stream/consumers';
import t from 'tap';
import { connect } from '../../src/client/index.js';
import type { BufferInfo, Problem, QuotaInfo } from '../../src/rest/contract.js';
import { TestDaemon } from '../support/daemon.js';
import { withoutLeaks } from '../support/fds.js';

const linear = { kind: 'buffer', size: 4096, handleTypes: ['memfd'] } as const;

await withoutLeaks(t, 'changes', async (t) => {
  const daemon = await TestDaemon.memfd(t);

  /** A request with If-Match. */
  const ask = (method: string, path: string, body?: unknown, ifMatch?: string) =>
    new Promise<{ status: number; etag: string; body: unknown }>((resolve, reject) => {
      const headers = {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }),
      };
      const { restSocket: socketPath } = daemon;
      const sent = request({ socketPath, method, path, headers, host: 'localhost', agent: false });
      sent.once('error', reject).once('response', async (answer) => {
        const { statusCode: status = 0, headers } = answer;
        resolve({ status, etag: headers.etag ?? '', body: await json(answer).catch(() => null) });
      });
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });

  await t.test('recalls', async (t) => {
    const client = await connect({ socket: daemon.clientSocket });
    const buffer = await client.allocate(linear);
    const path = `/v1/buffers/${buffer.id}`;
    const recall = (seconds: number, ifMatch?: string) =>
      ask('POST', `${path}/recall`, { seconds }, ifMatch);
    const first = await recall(60);
    t.match(first, { status: 200, body: { recall: { reason: 'administrator' } } });
    const { deadline } = (first.body as BufferInfo).recall ?? {};
    const again = await recall(600);
    t.equal(again.status, 200, 'the second takes the place of the first');
    t.ok(((again.body as BufferInfo).recall?.deadline ?? '') > (deadline ?? ''));
    t.match(await recall(5, first.etag), { status: 412 });
    t.match(await recall(5, again.etag), { status: 200 });

    const other = await connect({ socket: daemon.clientSocket });
    const held = await other.redeem(await buffer.share());
    t.equal((await ask('DELETE', path)).status, 204);
    t.match(await ask('GET', path), { status: 200, body: { state: 'lingering', recall: null } });
    const gone = { status: 404, body: { code: 'not_found' } };
    t.match(await recall(5), gone, 'nobody is asked for memory that was released');
    t.match(await ask('POST', '/v1/buffers/aaaaaaaaaaaaa/recall', { seconds: 5 }), gone);
    await held.close();
    await buffer.close();
    other.close();
    client.close();
  });

  await t.test('a lease, tokens and a re-issue', async (t) => {
    const lease = { type: 'lease', seconds: 60 };
    const wanted = { kind: 'buffer', size: 1, handle_types: ['memfd'], lifetime: lease };
    const made = await ask('POST', '/v1/buffers', wanted);
    const { buffer } = made.body as { buffer: BufferInfo };
    const path = `/v1/buffers/${buffer.id}`;
    const { etag: old } = await ask('GET', path);
    const extended = await ask('POST', `${path}/extend`, { seconds: 90 }, old);
    t.equal(extended.status, 200);
    t.equal(extended.etag, (await ask('GET', path)).etag);
    for (const [method, url, body] of [
      ['POST', 'extend', { seconds: 100 }],
      ['POST', 'tokens', {}],
      ['DELETE', 'tokens/t1', undefined],
      ['POST', 'reissue', undefined],
    ] as const) {
      const { status, body: problem } = await ask(method, `${path}/${url}`, body, old);
      t.equal(status, 412, url);
      t.match(problem as Problem, { refusal: { requested: old, possible: extended.etag } });
    }
    t.same(await ask('GET', path), extended, 'nothing has changed');
    t.equal((await ask('DELETE', path, undefined, extended.etag)).status, 204);
  });

  await t.test('of two who have seen the same quota, one sets it', async (t) => {
    const path = '/v1/quotas/user/4321';
    const { etag } = await ask('GET', path);
    const all = [1, 2, 3, 4, 5].map((buffers) => ask('PUT', path, { buffers }, etag));
    const answers = await Promise.all(all);
    const set = answers.filter(({ status }) => status === 200);
    t.equal(set.length, 1);
    t.equal(answers.filter(({ status }) => status === 412).length, 4);
    const now = await ask('GET', path);
    const settings = answers.flatMap(({ status, body }) =>
      status === 200 ? [(body as QuotaInfo).settings] : [],
    );
    t.same([(now.body as QuotaInfo).settings], settings);
    t.equal(now.etag, set[0]?.etag);
    t.equal((await ask('DELETE', path, undefined, etag)).status, 412);
    t.equal((await ask('DELETE', path, undefined, now.etag)).status, 200);
  });
});
