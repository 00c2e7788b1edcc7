/** Lists over HTTP: pages by Link, filters, sorting, sparse fields, and what is refused. */
import t, { type Test } from 'tap';
import { Aliases } from '../../../src/broker/aliases.js';
import type { BufferInfo } from '../../../src/rest/contract.js';
import { bufferQuery } from '../../../src/server/http/lists.js';
import { FakeClock } from '../../support/clock.js';
import { withoutLeaks } from '../../support/fds.js';
import { conforms } from './support/conforms.js';
import { type Running, startServer } from './support/server.js';

async function list(t: Test, server: Running, query: string) {
  const path = `/v1/buffers${query}`;
  const answer = await server.request('GET', path);
  conforms(t, 'GET', path, answer);
  const [, next] = /^<([^>]*)>; rel="next"$/.exec(String(answer.headers.link)) ?? [];
  return { answer, buffers: answer.json as Partial<BufferInfo>[], next };
}

async function create(server: Running, body: object): Promise<string> {
  const answer = await server.request('POST', '/v1/buffers', {
    body: { handle_types: ['memfd'], ...body },
  });
  return (answer.json as { buffer: BufferInfo }).buffer.id;
}

await withoutLeaks(t, 'lists', async (t) => {
  t.test('pages', async (t) => {
    const server = await startServer(t);
    const made: string[] = [];
    for (let size = 1; size <= 7; size++) made.push(await create(server, { kind: 'buffer', size }));
    const seen: unknown[] = [];
    for (let query: string | undefined = '?limit=3&sort=-size'; query !== undefined; ) {
      const { buffers, next }: Awaited<ReturnType<typeof list>> = await list(t, server, query);
      t.ok(buffers.length <= 3);
      seen.push(...buffers.map(({ id }) => id));
      query = next?.slice('/v1/buffers'.length);
    }
    t.same(seen, made.reverse());
    t.equal((await list(t, server, '')).next, undefined);
  });

  t.test('a source is found by any of its names', async (t) => {
    const server = await startServer(t);
    const id = await create(server, { kind: 'buffer', size: 10 });
    const buffer = server.daemon.buffers.find((each) => each.id === id) as BufferInfo;
    const [name, alias] = ['dma-heap:default_cma_region', 'dma-heap:reserved'] as const;
    const aliases = new Aliases([{ name, aliases: [alias] }]);
    for (const source of [name, alias]) {
      const { filter } = bufferQuery({ source }, new FakeClock(), aliases);
      t.ok(filter({ ...buffer, source: name }), source);
      t.ok(filter({ ...buffer, source: alias }), 'also of one that a daemon before knew by it');
      t.notOk(filter(buffer), source);
    }
  });

  t.test('filters', async (t) => {
    const server = await startServer(t);
    const small = await create(server, { kind: 'buffer', size: 10, name: 'small one' });
    const large = await create(server, { kind: 'buffer', size: 1000 });
    const image = await create(server, { kind: 'image', width: 4, height: 4, format: 'XR24' });
    const { daemon } = server;
    const find = (id: string) => daemon.buffers.find((buffer) => buffer.id === id) as BufferInfo;
    const owner = { ...find(small).owner, uid: 1000, pid: 77, unit: 'a.service', client: 'c3' };
    const created_at = new Date(daemon.clock.today - 60_000).toISOString();
    await daemon.lists({ ...find(small), created_at, owner });
    const device = 'ab'.repeat(16);
    await daemon.lists({ ...find(large), state: 'lost', source: 'udmabuf', device });
    const cases: [string, string[]][] = [
      ['', [small, large, image]],
      ['?owner_uid=1000', [small]],
      ['?owner_uid=1001', []],
      ['?client=c3', [small]],
      ['?unit=a.service', [small]],
      ['?state=lost', [large]],
      ['?state=live&source=memfd', [small, image]],
      ['?state=lost,live', [small, large, image]],
      ['?state=lingering,unknown', []],
      ['?owner_pid=77', [small]],
      ['?kind=image', [image]],
      [`?device=${device}`, [large]],
      ['?format=XR24', [image]],
      ['?source=udmabuf', [large]],
      ['?name=all', [small]],
      ['?min_size=10&max_size=64', [small, image]],
      ['?older_than=30', [small]],
      ['?newer_than=30', [large, image]],
    ];
    for (const [query, expected] of cases) {
      const { buffers } = await list(t, server, query);
      t.same(buffers.map(({ id }) => id).sort(), expected.sort(), query);
    }
  });

  t.test('sparse fields', async (t) => {
    const server = await startServer(t);
    const id = await create(server, { kind: 'buffer', size: 10 });
    t.same((await list(t, server, '?fields=size,id')).buffers, [{ id, size: 10 }]);
    const { answer } = await list(t, server, '?fields=id,colour');
    const refusal = { constraint: 'fields[1]', requested: 'colour' };
    t.match(answer, { status: 400, json: { code: 'invalid_argument', refusal } });
  });

  t.test('what is refused', async (t) => {
    const server = await startServer(t);
    const cases: [string, string, string][] = [
      ['?limit=0', 'invalid_argument', 'limit'],
      ['?limit=1001', 'invalid_argument', 'limit'],
      ['?limit=some', 'malformed_request', 'limit'],
      ['?sort=colour', 'invalid_argument', 'sort'],
      ['?cursor=abc', 'invalid_argument', 'cursor'],
      ['?state=gone', 'invalid_argument', 'state[0]'],
      ['?state=live,live', 'invalid_argument', 'state'],
      ['?holder_pid=0', 'invalid_argument', 'holder_pid'],
      ['?colour=red', 'malformed_request', 'colour'],
      ['?limit=1&limit=2', 'malformed_request', 'limit'],
    ];
    for (const [query, code, constraint] of cases) {
      const { answer } = await list(t, server, query);
      t.match(answer, { status: 400, json: { code, refusal: { constraint } } }, query);
    }
  });
});
