/** The event stream over HTTP: resumed without loss or repetition, filtered, and never unbounded. */
import { connect } from 'node:net';
import t from 'tap';
import type { RestAccess } from '../../../src/broker/policy.js';
import type { EventInfo } from '../../../src/rest/contract.js';
import { MAX_EVENT_READERS, MAX_READERS_PER_CALLER } from '../../../src/server/events/limits.js';
import { EventRing } from '../../../src/server/events/ring.js';
import { EventStreams } from '../../../src/server/events/streams.js';
import { SECURITY_HEADERS } from '../../../src/server/http/guard.js';
import { peer } from '../../broker/support/world.js';
import { eventually } from '../../support/daemon.js';
import { withoutLeaks } from '../../support/fds.js';
import { draft } from '../events/support/drafts.js';
import { conforms, mismatch } from './support/conforms.js';
import { EventReader } from './support/event-reader.js';
import { startServer } from './support/server.js';

const named = (...buffers: string[]) => buffers.map((buffer) => draft({ buffer }));

const buffersOf = (reader: EventReader) =>
  reader.events.map(({ data }) => (JSON.parse(data) as EventInfo).buffer);

await withoutLeaks(t, 'events', async (t) => {
  t.test('what happens is told as described, from now on', async (t) => {
    const server = await startServer(t);
    server.ring.push(named('before'));
    const reader = await EventReader.open(t, server.socketPath);
    t.equal(reader.answer.headers['content-type'], 'text/event-stream');
    t.match(reader.answer.headers, SECURITY_HEADERS);
    const about = { buffer: 'mfzgk5dfmjza', size: 4096, client: 'c7', uid: 1000, pid: 4242 };
    server.ring.push([draft({ ...about, executable: 'new\nline' })]);
    const [event] = await reader.first(1);
    t.equal(event?.name, 'buffer.created');
    const data: unknown = JSON.parse(event?.data ?? '');
    t.equal(mismatch('/components/schemas/Event', data), undefined);
    t.match(data, { ...about, id: reader.parser.lastId, executable: 'new\nline' });
  });

  t.test('who connects again gets what was missed, each event once', async (t) => {
    const server = await startServer(t);
    const names = Array.from({ length: 200 }, (_, i) => `b${i}`);
    const first = await EventReader.open(t, server.socketPath);
    server.ring.push(named(...names.slice(0, 50)));
    await first.first(50);
    first.answer.destroy();
    server.ring.push(named(...names.slice(50, 120)));
    const id = first.parser.lastId ?? '';
    const second = await EventReader.open(t, server.socketPath, '', { 'last-event-id': id });
    server.ring.push(named(...names.slice(120)));
    await second.first(150);
    t.same([...buffersOf(first), ...buffersOf(second)], names);
    const third = await EventReader.open(t, server.socketPath, `?last_event_id=${id}`);
    await third.first(150);
    t.same(buffersOf(third), names.slice(50), 'by the query, too');
  });

  t.test('a connection that saw no event can be resumed, too', async (t) => {
    const server = await startServer(t, { heartbeatMs: 5 });
    const query = '?types=client.connected';
    const first = await EventReader.open(t, server.socketPath, query);
    await first.until(() => first.parser.lastId !== null);
    const start = first.parser.lastId;
    server.ring.push(named('filtered'));
    await first.until(() => first.parser.lastId !== start);
    t.equal(first.parser.lastId, server.ring.idBefore(server.ring.next), 'by the heartbeat');
    first.answer.destroy();
    server.ring.push([draft({ type: 'client.connected', client: 'c1' })]);
    const headers = { 'last-event-id': start ?? '' };
    const second = await EventReader.open(t, server.socketPath, query, headers);
    t.match((await second.first(1))[0], { name: 'client.connected' });
  });

  t.test('readers that are pipelined go with their connection', async (t) => {
    const server = await startServer(t);
    const readers = async (count: number) => {
      const line = `dmabroker_event_readers ${count}`;
      const isTold = async () => (await server.request('GET', '/metrics')).text.includes(line);
      await eventually(isTold, `${count} read`);
    };
    const socket = connect(server.socketPath);
    socket.on('error', () => {});
    socket.write('GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(3));
    await readers(3);
    socket.destroy();
    await readers(0);
  });

  t.test('a gap is told before anything else', async (t) => {
    const server = await startServer(t, { ring: new EventRing(4) });
    server.ring.push(named('a'));
    const old = server.ring.at(1).id;
    server.ring.push(named('b', 'c', 'd', 'e', 'f'));
    for (const [id, reason] of [
      [old, 'overrun'],
      ['00000000-3', 'restarted'],
    ] as const) {
      const reader = await EventReader.open(t, server.socketPath, '', { 'last-event-id': id });
      const [reset] = await reader.first(1);
      t.equal(reset?.name, 'reset');
      t.match(JSON.parse(reset?.data ?? ''), { reason });
      server.ring.push(named('next'));
      await reader.first(2);
      t.match(reader.events[1], { name: 'buffer.created', data: '"buffer":"next"' });
    }
  });

  t.test('filters', async (t) => {
    const server = await startServer(t);
    const last = draft({ type: 'device.restored', buffer: 'b', client: 'c2', uid: 7 });
    const events = [
      draft({ type: 'client.connected', client: 'c1', uid: 1000 }),
      draft({ type: 'buffer.created', buffer: 'a', client: 'c1', uid: 1000 }),
      draft({ type: 'buffer.redeemed', buffer: 'a', client: 'c2', uid: 0 }),
      draft({ type: 'buffer.released', buffer: 'b', client: 'c1', uid: 1000 }),
      last,
    ];
    const cases: [string, number[]][] = [
      ['types=buffer.created,buffer.released,device.restored', [1, 3, 4]],
      ['types=device.restored', [4]],
      ['buffer=b', [3, 4]],
      ['client=c2', [2, 4]],
      ['client=c2&uid=7', [4]],
      ['', [0, 1, 2, 3, 4]],
    ];
    for (const [query, expected] of cases) {
      const reader = await EventReader.open(t, server.socketPath, `?${query}`);
      server.ring.push(events);
      await reader.until(() => reader.events.at(-1)?.name === 'device.restored');
      const names = reader.events.map(({ name }) => name);
      t.same(
        names,
        expected.map((index) => events[index]?.type),
        query,
      );
      reader.answer.destroy();
    }
    for (const query of ['types=nonsense', 'types=', 'buffer=A', 'client=7', 'uid=-1']) {
      const path = `/v1/events?${query}`;
      const answer = await server.request('GET', path);
      conforms(t, 'GET', path, answer);
      t.equal(answer.status, 400, query);
    }
    const headers = { 'last-event-id': 'nonsense' };
    const answer = await server.request('GET', '/v1/events', { headers });
    conforms(t, 'GET', '/v1/events', answer);
    t.match(answer.json, { code: 'invalid_argument', refusal: { constraint: 'last-event-id' } });
  });

  t.test('an owner is told what is theirs, and cannot count the rest', async (t) => {
    const access = { role: 'none', preview: false, owner: true } as const;
    const alice = { ...peer, uid: 1000 };
    const server = await startServer(t, { peerOf: () => alice, accessOf: () => access });
    const reader = await EventReader.open(t, server.socketPath);
    const [mine, bobs] = [
      { uid: 1000, owner: 1000 },
      { uid: 1001, owner: 1001 },
    ];
    const told = [
      draft({ type: 'buffer.created', buffer: 'a', ...mine }),
      draft({ type: 'buffer.redeemed', buffer: 'a', uid: 1001, owner: 1000 }),
      draft({ type: 'buffer.redeemed', buffer: 'b', uid: 1000, owner: 1001 }),
      draft({ type: 'refusal', uid: 1000 }),
      draft({ type: 'quota.changed', reason: 'user/1000' }),
      draft({ type: 'device.restored' }),
    ];
    const others = [
      draft({ type: 'buffer.created', buffer: 'b', ...bobs }),
      draft({ type: 'refusal', buffer: 'a', uid: 1001, owner: 1000 }),
      draft({ type: 'refusal', uid: null }),
      draft({ type: 'quota.changed', reason: 'user/1001' }),
      draft({ type: 'quota.changed', reason: 'daemon/default' }),
      draft({ type: 'client.connected', client: 'c2', uid: 1001 }),
      draft({ type: 'buffer.released', buffer: 'x', uid: null, owner: null }),
    ];
    server.ring.push([...others, ...told]);
    const events = await reader.first(told.length);
    t.same(
      events.map(({ data }) => JSON.parse(data)).map(({ id, ...event }) => event),
      told,
    );
    const { id } = JSON.parse(events[0]?.data ?? '');
    t.match(id, /^[0-9a-f]{8}-[0-9a-f]{32}$/);
    const headers = { 'last-event-id': id };
    const again = await EventReader.open(t, server.socketPath, '', headers);
    const [second] = await again.first(1);
    t.match(second?.data, '"type":"buffer.redeemed"', 'it goes on there');
    const filtered = await server.request('GET', '/v1/events?uid=1001');
    conforms(t, 'GET', '/v1/events', filtered);
    t.match(filtered.json, { code: 'limit_exceeded', refusal: { possible: { max: 2 } } });
  });

  t.test('a slow reader is dropped with a reason; nothing piles up for it', async (t) => {
    const size = 512;
    const server = await startServer(t, { ring: new EventRing(size) });
    const head = 'GET /v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n';
    const socket = connect(server.socketPath, () => socket.write(head));
    t.teardown(() => socket.destroy());
    await new Promise((resolve) => socket.once('readable', resolve));
    const busy = await EventReader.open(t, server.socketPath);
    // More than a Unix socket and the server's own buffer take together, and then the whole ring.
    const long = 'x'.repeat(1000);
    const dropped = () => server.log.some(({ reason }) => reason === 'overrun');
    let pushed = 0;
    for (; !dropped(); pushed += size / 2) {
      if (pushed > 100_000) throw new Error('it is never dropped');
      server.ring.push(Array.from({ length: size / 2 }, () => draft({ reason: long })));
      // The one who reads has its time to.
      await busy.first(pushed + size / 2);
    }
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk) => {
      text += chunk;
    });
    await new Promise((resolve) => socket.once('close', resolve));
    t.match(text, /event: dropped\r?\ndata: \{"reason":"overrun"/, 'it is told why');
    const received = text.split('event: buffer.created').length - 1;
    t.ok(pushed - received > size / 2, `it got ${received} of ${pushed}: the rest was not kept`);
    t.notOk(
      busy.events.some(({ name }) => name === 'dropped'),
      'the other one stays',
    );
  });

  t.test('one that reads nothing is dropped when heartbeats pile up', async (t) => {
    const server = await startServer(t, { heartbeatMs: 5 });
    const head = 'GET /v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n';
    const socket = connect(server.socketPath, () => socket.write(head));
    t.teardown(() => socket.destroy());
    await new Promise((resolve) => socket.once('readable', resolve));
    server.ring.push(Array.from({ length: 8000 }, () => draft({ reason: 'x'.repeat(100) })));
    while (!server.log.some(({ reason }) => reason === 'stalled')) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk) => {
      text += chunk;
    });
    await new Promise((resolve) => socket.once('close', resolve));
    t.match(text, /event: dropped\r?\ndata: \{"reason":"stalled"/);
  });

  t.test('there is a limit on readers, and a place again when one leaves', async (t) => {
    let connections = 0;
    const server = await startServer(t, { peerOf: () => ({ ...peer, uid: connections++ }) });
    const readers: EventReader[] = [];
    for (let i = 0; i < MAX_EVENT_READERS; i++) {
      readers.push(await EventReader.open(t, server.socketPath));
    }
    const refused = await server.request('GET', '/v1/events');
    conforms(t, 'GET', '/v1/events', refused);
    t.match(refused.json, { code: 'limit_exceeded', refusal: { constraint: 'event readers' } });
    readers[0]?.answer.destroy();
    for (;;) {
      const again = await EventReader.open(t, server.socketPath);
      if (again.answer.statusCode === 200) break;
      again.answer.destroy();
    }
  });

  t.test('one user with a role does not have all of them', async (t) => {
    let uid = 1;
    const server = await startServer(t, { peerOf: () => ({ ...peer, uid }) });
    for (let i = 0; i < MAX_READERS_PER_CALLER; i++) {
      t.equal((await EventReader.open(t, server.socketPath)).answer.statusCode, 200);
    }
    t.equal((await EventReader.open(t, server.socketPath)).answer.statusCode, 429);
    uid = 2;
    t.equal((await EventReader.open(t, server.socketPath)).answer.statusCode, 200);
  });

  t.test('who may not read any more is dropped, and told why', async (t) => {
    const [own, all] = [
      { role: 'none', preview: false, owner: true },
      { role: 'reader', preview: false, owner: false },
    ] as const;
    const none = { ...own, owner: false } as const;
    for (const [before, after, heartbeatMs, dropped] of [
      [all, none, 5, true],
      [all, none, 100_000, true],
      [own, none, 100_000, true],
      [all, own, 100_000, true],
      [own, all, 100_000, false],
    ] as const) {
      let access: RestAccess = before;
      const ring = new EventRing();
      const streams = new EventStreams(ring, heartbeatMs);
      const options = { peerOf: () => peer, accessOf: () => access, ring, streams };
      const server = await startServer(t, options);
      const reader = await EventReader.open(t, server.socketPath);
      t.equal(reader.answer.statusCode, 200);
      access = after;
      // Either something happens, or the policy is read again, or the next heartbeat comes.
      if (heartbeatMs > 5) {
        if (dropped && before === all && after === none) server.ring.push(named('secret'));
        else streams.checkAgain();
      }
      if (!dropped) {
        server.ring.push([draft({ uid: peer.uid })]);
        t.match(await reader.first(1), [{ name: 'buffer.created' }], 'it goes on');
        continue;
      }
      await reader.ended;
      t.same(
        reader.events.map(({ name }) => name),
        ['dropped'],
        'nothing more is told',
      );
      t.match(JSON.parse(reader.events[0]?.data ?? ''), { reason: 'unauthorized' });
      t.ok(server.log.some(({ reason }) => reason === 'unauthorized'));
    }
  });

  t.test('HEAD ends; a daemon that stops ends the streams', async (t) => {
    const server = await startServer(t);
    const head = await server.request('HEAD', '/v1/events');
    conforms(t, 'HEAD', '/v1/events', head);
    const reader = await EventReader.open(t, server.socketPath);
    await server.app.close();
    await reader.ended;
    const last = reader.events.at(-1);
    t.equal(last?.name, 'dropped');
    t.match(JSON.parse(last?.data ?? ''), { reason: 'stopping' });
  });
});
