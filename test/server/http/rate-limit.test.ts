/** Each user has its own number of requests a second; what is beyond is refused, not delayed. */
import t from 'tap';
import { peer } from '../../broker/support/world.js';
import { FakeClock } from '../../support/clock.js';
import { withoutLeaks } from '../../support/fds.js';
import { conforms } from './support/conforms.js';
import { startServer } from './support/server.js';

await withoutLeaks(t, 'rate limit', async (t) => {
  t.test('beyond it: 429 with Retry-After, for paths that are not there, too', async (t) => {
    const server = await startServer(t, { rateLimit: 3, peerOf: () => peer });
    const statuses: number[] = [];
    for (let i = 0; !statuses.includes(429); i++) {
      const path = i % 2 === 0 ? '/healthz' : '/nowhere';
      const answer = await server.request('GET', path);
      conforms(t, 'GET', path, answer);
      statuses.push(answer.status);
      if (answer.status !== 429) continue;
      t.match(answer.json, { code: 'rate_limited', refusal: { possible: { max: 3 } } });
      t.equal(answer.headers['retry-after'], '1');
    }
    t.ok(statuses.length > 3, 'not before');
  });

  t.test('every answer tells what is left', async (t) => {
    const clock = new FakeClock();
    const server = await startServer(t, { rateLimit: 3, peerOf: () => peer, clock });
    const left: unknown[] = [];
    for (const path of ['/healthz', '/nowhere', '/v1/buffers?limit=0', '/healthz']) {
      const answer = await server.request('GET', path);
      conforms(t, 'GET', path, answer);
      t.equal(answer.headers['ratelimit-policy'], '"user";q=3;w=1', path);
      left.push(answer.headers.ratelimit);
    }
    t.same(left, ['"user";r=2;t=1', '"user";r=1;t=1', '"user";r=0;t=1', '"user";r=0;t=1']);
  });

  t.test('what a web page sends counts, too', async (t) => {
    const server = await startServer(t, { rateLimit: 3, peerOf: () => peer });
    const headers = { origin: 'http://example.org' };
    const statuses = new Set<number>();
    while (!statuses.has(429)) {
      statuses.add((await server.request('GET', '/healthz', { headers })).status);
    }
    t.same(statuses, new Set([403, 429]));
  });

  t.test('one user does not use up what another has', async (t) => {
    let uid = 1000;
    const server = await startServer(t, { rateLimit: 2, peerOf: () => ({ ...peer, uid }) });
    // A connection keeps its user, so each request has its own.
    const ask = async () =>
      (await server.raw('GET /healthz HTTP/1.0\r\nhost: localhost\r\n\r\n')).slice(9, 12);
    let last = '';
    while (last !== '429') last = await ask();
    uid = 1001;
    t.equal(await ask(), '200');
  });

  t.test('a second is over in a second, whatever the date is set to', async (t) => {
    const clock = new FakeClock();
    const server = await startServer(t, { rateLimit: 2, peerOf: () => peer, clock });
    const ask = async () => (await server.request('GET', '/healthz')).status;
    const used = async () => {
      for (let i = 0; i < 2; i++) t.equal(await ask(), 200);
      t.equal(await ask(), 429);
    };
    await used();
    clock.setDate(-3_600_000);
    clock.pass(999);
    t.equal(await ask(), 429);
    clock.pass(1);
    await used();
    clock.setDate(7_200_000);
    t.equal(await ask(), 429, 'the date is no time that has passed');
  });

  t.test('none by default', async (t) => {
    const server = await startServer(t);
    for (let i = 0; i < 50; i++) {
      const { status, headers } = await server.request('GET', '/healthz');
      t.match({ status, ...headers }, { status: 200, ratelimit: undefined });
    }
  });
});
