/**
 * Memory with a lasting name, of a real daemon: a process leaves it, the next one has it with what was in it, others
 * read along; REST says who and what.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import {
  type ClientBuffer,
  type ConnectOptions,
  connect,
  layoutDigest,
} from '../../src/client/index.js';
import { MAX_METADATA_BYTES } from '../../src/memory/limits.js';
import { sealedBytes, sealedMemfd } from '../../src/native/libc/memory.js';
import { dmabroker_buffer_v1, dmabroker_manager_v1 } from '../../src/protocol/dmabroker-v1.gen.js';
import { Actor } from '../support/actor.js';
import { eventually } from '../support/daemon.js';
import { FREE, MANAGER, RawClient } from '../support/raw-client.js';
import { rejected } from '../support/refused.js';
import { ALICE, BOB, clientOf, daemonForTwo, unlessRoot } from '../support/two-users.js';

const { claim } = dmabroker_manager_v1.enums;
const ctl = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
/** fds that the daemon's memory and documents have: fewer than those who keep documents would like. */
const MOST = 60;
const METADATA = { tensors: { weight: { offset: 0, dtype: 'f32', shape: [16, 64] } } };

t.test('with one daemon', async (t) => {
  const own = `{ users = [${process.getuid?.()}], write = { users = [${BOB}] } }`;
  const rules = `rules = [{ users = [${ALICE}], claim = { users = [${BOB}] } }, ${own}]\n`;
  const toml = `[quotas.daemon]\nfds = ${MOST}\n`;
  const daemon = await daemonForTwo(t, { policy: rules, toml });
  const as = (options: ConnectOptions = {}) =>
    connect({ socket: daemon.clientSocket, reconnect: false, ...options });
  const make = async (lastingName: string) => {
    const client = await as();
    const buffer = await client.allocate({
      ...{ kind: 'buffer', size: 4096, handleTypes: ['memfd'], lifetime: 'until_released' },
      lastingName,
    });
    return { client, buffer };
  };
  const rest = async (path: string) => (await daemon.rest('GET', path)).body;
  const found = async (name: string) => (await rest(`/v1/buffers?lasting_name=${name}`))[0];
  /** That the daemon has open. */
  const documents = () => {
    const links = readdirSync(`/proc/${daemon.pid}/fd`).map((fd) => {
      try {
        return readlinkSync(`/proc/${daemon.pid}/fd/${fd}`);
      } catch {
        return '';
      }
    });
    return links.filter((link) => link.startsWith('/memfd:dmabroker-text')).length;
  };

  t.test('a process leaves what the next one goes on with', async (t) => {
    const { client, buffer } = await make('model');
    buffer.map().write((bytes) => bytes.fill(7));
    const first = await buffer.commit({ metadata: METADATA });
    t.same(first, { revision: 1, digest: layoutDigest(buffer) });
    t.same(buffer.metadata, METADATA);
    t.match(await found('model'), {
      id: buffer.id,
      orphan: null,
      lasting: { name: 'model', uid: process.getuid?.(), revision: 1, claimers: [] },
    });
    client.close();
    await eventually(
      async () => (await found('model')).orphan !== null,
      () => 'nobody has it',
    );
    const orphan = await found('model');
    t.same(orphan.orphan, { ends_by: ['owner', 'administrator'], ends_at: null });
    t.equal(orphan.lasting.writer, null);
    t.equal(orphan.lasting.committed.metadata_bytes, JSON.stringify(METADATA).length);
    const all: { id: string }[] = await rest('/v1/buffers?orphan=true&fields=id');
    t.same(all, [{ id: buffer.id }]);
    t.same(await rest('/v1/buffers?orphan=false'), []);
    t.same(await rest(`/v1/buffers/${buffer.id}/metadata`), METADATA);

    const next = await as();
    const again = await next.claim('model', { writer: true, committed: true });
    t.equal(again.id, buffer.id);
    t.equal(again.map({ write: false }).bytes[4095], 7, 'what was in it is');
    t.same([again.committed, again.metadata], [first, METADATA]);
    t.equal(again.committed?.digest, layoutDigest(again));
    const reader = await as();
    const read = await reader.claim('model');
    const told = new Promise<void>((resolve) => read.onCommitted(resolve));
    t.same(await again.commit({ revision: 9 }), { ...first, revision: 9 });
    t.same(again.metadata, METADATA, 'without another one the document stays');
    await told;
    t.same([read.committed?.revision, read.metadata], [9, METADATA]);
    const { lasting, orphan: none } = await found('model');
    t.equal(none, null);
    t.equal(lasting.claimers.length, 2);
    t.ok(lasting.claimers.includes(lasting.writer));
    const lastWord = await rejected(read.commit());
    t.match([lastWord.code, lastWord.refusal.constraint], ['permission_denied', 'writer']);
    const token = await again.share();
    t.equal(
      (await reader.redeem(token)).committed?.revision,
      9,
      'who redeems a token is told, too',
    );
    await again.release();
    await eventually(
      () => read.released === 'owner',
      () => 'its successor has released it',
    );
    t.equal((await rejected(reader.claim('model'))).code, 'not_found');
    reader.close();
    next.close();
    const { client: other } = await make('model');
    await (await other.claim('model')).close();
    t.equal((await daemon.rest('DELETE', `/v1/buffers/${(await found('model')).id}`)).status, 204);
    other.close();
  });

  t.test('a former owner has no rights by another of its objects', async (t) => {
    const { client, buffer } = await make('moved');
    const also = await client.claim('moved');
    t.equal((await rejected(also.commit())).refusal.constraint, 'writer', 'it is another object');
    await buffer.close();
    const next = await as();
    const its = await next.claim('moved', { writer: true, wait: 10_000 });
    const { owner } = await found('moved');
    t.equal(owner.client, (await found('moved')).lasting.writer, 'the writer is its owner');
    const refused = await rejected(also.park(1));
    t.match([refused.code, refused.refusal.constraint], ['permission_denied', 'rights']);
    await also.renew(60).then(
      () => t.fail('it has no lease'),
      ({ code }) => t.not(code, 'permission_denied', 'that its user may, as who claims it'),
    );
    await also.release();
    await client.sync();
    await next.sync();
    t.match(await found('moved'), { state: 'live', lifetime: { type: 'until_released' }, owner });
    t.equal(its.released, null);
    await its.commit();
    // What is asked of its owner, whoever is that then is told, and nobody else.
    await daemon.rest('POST', `/v1/buffers/${its.id}/recall`, { seconds: 600 });
    await eventually(() => its.recalled !== null, 'its owner is asked for it');
    const third = await client.claim('moved');
    await its.close();
    const back = await client.claim('moved', { writer: true, wait: 10_000 });
    await eventually(() => back.recalled !== null, 'and its heir');
    t.equal(third.recalled, null);
    await back.release();
    t.same(await rest('/v1/buffers?lasting_name=moved'), []);
    client.close();
    next.close();
  });

  t.test('a claim waits, is withdrawn and ends with its connection', async (t) => {
    const waiting = await as();
    const late = await rejected(waiting.claim('soon', { wait: 1 }));
    t.match([late.code, late.refusal.constraint], ['not_found', 'lasting_name']);
    const ended = new AbortController();
    const given = waiting.claim('soon', { wait: 60_000, signal: ended.signal });
    const gone = await as();
    const lost = gone.claim('soon', { wait: 60_000 });
    const soon = waiting.claim('soon', { wait: 60_000, committed: true });
    await waiting.sync();
    await gone.sync();
    ended.abort(new Error('enough'));
    gone.close();
    await t.rejects(given, { message: 'enough' });
    await t.rejects(lost, { name: 'ConnectionError' });
    const { client, buffer } = await make('soon');
    await buffer.commit();
    t.equal((await soon).id, buffer.id);
    t.equal((await soon).metadata, null);
    const { lasting, recipients } = await found('soon');
    t.equal(lasting.claimers.length, 1, 'the others have nothing');
    t.equal(recipients.length, 2);
    const busy = await rejected(waiting.claim('soon', { writer: true, wait: 1 }));
    t.match([busy.code, busy.refusal.constraint], ['busy', 'writer']);
    const writing = waiting.claim('soon', { writer: true, wait: 60_000 });
    await waiting.sync();
    await buffer.close();
    t.equal((await writing).id, buffer.id, 'who has let go of its object writes no more');
    await buffer.release().catch(() => {});
    client.close();
    await daemon.rest('DELETE', `/v1/buffers/${buffer.id}`);
    waiting.close();
  });

  t.test('over REST', async (t) => {
    const body = { kind: 'buffer', size: 4096, handle_types: ['memfd'], lasting_name: 'by-rest' };
    const lease = { lifetime: { type: 'lease', seconds: 600 } };
    const { status, body: made } = await daemon.rest('POST', '/v1/buffers', { ...body, ...lease });
    t.equal(status, 201);
    const { id, orphan } = made.buffer;
    t.match(orphan, { ends_by: ['lease', 'owner', 'administrator'] });
    t.equal(orphan.ends_at, made.buffer.lifetime.ends_at);
    const twice = await daemon.rest('POST', '/v1/buffers', body);
    t.match(twice, {
      status: 409,
      body: { code: 'name_taken', refusal: { taken_by: { buffer: id } } },
    });
    const dry = await daemon.rest('POST', '/v1/buffers?dry_run=true', body);
    t.match(dry, { status: 409, body: { code: 'name_taken' } });
    t.equal((await daemon.rest('GET', `/v1/buffers/${id}/metadata`)).status, 404);
    t.equal((await daemon.rest('GET', '/v1/buffers?lasting_name=a%20b')).status, 400);
    const client = await as();
    const claimed = await client.claim('by-rest', { writer: true });
    t.equal((await claimed.commit({ metadata: {} })).revision, 1);
    const { events } = await rest(`/v1/buffers/${id}/history`);
    t.match(
      events.slice(-2).map(({ type, reason }: { type: string; reason: string }) => [type, reason]),
      [
        ['buffer.claimed', 'writer'],
        ['buffer.committed', 'revision 1'],
      ],
    );
    await claimed.release();
    client.close();
  });

  t.test('a document is over REST what was committed, byte for byte', async (t) => {
    const { client, buffer } = await make('exact');
    const metadata =
      ' {"big": 9007199254740993,  "far":1e999,"small":1.0,"a":1,"a":2, "e":"\\u00e9\\ud800é"}\n';
    await buffer.commit({ metadata });
    t.match(buffer.metadata, { small: 1, a: 2 }, 'here it is what a parser makes of it');
    const options = { socketPath: daemon.restSocket, path: `/v1/buffers/${buffer.id}/metadata` };
    const [answer] = (await once(get({ ...options, agent: false }), 'response')) as [
      IncomingMessage,
    ];
    t.equal(answer.headers['content-type'], 'application/json; charset=utf-8');
    t.equal(await text(answer), metadata);
    t.equal((await found('exact')).lasting.committed.metadata_bytes, Buffer.byteLength(metadata));
    for (const bad of ['[1]', '{"a":', ''])
      await t.rejects(async () => buffer.commit({ metadata: bad }), { name: 'TypeError' });
    const file = join(t.testdir({ 'model.json': metadata }), 'model.json');
    await buffer.close();
    const sockets = ['--client-socket', daemon.clientSocket, '--metadata', file];
    await promisify(execFile)(process.execPath, [ctl, 'commit', 'exact', ...sockets]);
    const [again] = (await once(get({ ...options, agent: false }), 'response')) as [
      IncomingMessage,
    ];
    t.equal(await text(again), metadata, 'of dmabrokerctl, too');
    client.close();
    await daemon.rest('DELETE', `/v1/buffers/${buffer.id}`);
  });

  t.test('documents that are none', async (t) => {
    const { client: maker, buffer } = await make('bad');
    await maker.sync();
    await buffer.close();
    const raw = await new RawClient(daemon.clientSocket).ready();
    raw.request(dmabroker_manager_v1, MANAGER, 'claim', FREE, 'bad', 1000, claim.writer);
    await raw.until((events) => events.some(({ name }) => name === 'dmabroker_buffer_v1.done'));
    const good = Buffer.from('{"a":1}');
    const unsealed = sealedMemfd('size-alone', good.length);
    const plain = openSync('/proc/self/exe', 'r');
    const sealed = (content: string | Uint8Array) => sealedBytes('document', content);
    const bad: Record<string, readonly [number, number]> = {
      'sealed against less than every change': [unsealed, good.length],
      'a file': [plain, good.length],
      'shorter than it is said': [sealed(good), good.length + 1],
      'longer than it is said': [sealed(good), good.length - 1],
      empty: [sealed(''), 0],
      'no JSON': [sealed('{"a":'), 5],
      'no object': [sealed('[1]'), 3],
      'a byte too long': [sealed('{}'.padEnd(MAX_METADATA_BYTES + 1)), MAX_METADATA_BYTES + 1],
    };
    const refusals = () => raw.count('dmabroker_buffer_v1.commit_refused');
    const send = (fd: number, size: number) => {
      const { peer } = raw;
      const set = peer.request(dmabroker_buffer_v1, FREE, 'set_metadata', 0, size);
      const commit = peer.request(dmabroker_buffer_v1, FREE, 'commit', 0, 0);
      raw.send(Buffer.concat([set, commit]), [fd]);
    };
    for (const [name, [fd, size]] of Object.entries(bad)) {
      const before = refusals();
      send(fd, size);
      await raw.until(() => refusals() > before);
      const { values } = raw.events.at(-1) ?? { values: [] };
      t.match(JSON.parse(String(values[2])), { constraint: 'metadata' }, name);
      closeSync(fd);
    }
    const fd = sealed(good);
    send(fd, good.length);
    closeSync(fd);
    await raw.until((events) =>
      events.some(({ name }) => name === 'dmabroker_buffer_v1.committed'),
    );
    t.equal((await found('bad')).lasting.committed.metadata_bytes, good.length);
    const again = sealed('{"b":2}');
    const more = sealed('{"c":3}');
    const { peer } = raw;
    const set = () => peer.request(dmabroker_buffer_v1, FREE, 'set_metadata', 0, 7);
    raw.send(
      Buffer.concat([set(), set(), peer.request(dmabroker_buffer_v1, FREE, 'commit', 0, 0)]),
      [again, more],
    );
    closeSync(again);
    closeSync(more);
    await raw.until(() => raw.count('dmabroker_buffer_v1.committed') === 2);
    t.same(await rest(`/v1/buffers/${buffer.id}/metadata`), { c: 3 }, 'the last one counts');
    raw.request(dmabroker_manager_v1, MANAGER, 'claim', FREE + 2, 'bad', 0, 4);
    await raw.ended();
    t.match(
      raw.events.at(-1)?.values,
      [MANAGER, dmabroker_manager_v1.enums.error.invalid_claim],
      'unknown bits end the connection',
    );
    raw.close();
    await daemon.rest('DELETE', `/v1/buffers/${buffer.id}`);
    maker.close();
  });

  t.test('a reader that does not read holds one document of the daemon’s', async (t) => {
    const { client, buffer } = await make('busy');
    const deaf = new RawClient(daemon.clientSocket);
    await deaf.ready();
    deaf.request(dmabroker_manager_v1, MANAGER, 'claim', FREE, 'busy', 0, 0);
    await deaf.until((events) => events.some(({ name }) => name === 'dmabroker_buffer_v1.done'));
    deaf.stop();
    for (let n = 1; n <= 50; n++) await buffer.commit({ metadata: { n } });
    t.ok([1, 2].includes(documents()), `${documents()} documents`);
    deaf.read();
    const last = () =>
      deaf.events.findLast(({ name }) => name === 'dmabroker_buffer_v1.committed')?.values[1];
    await deaf.until(() => last() === 50);
    t.ok(deaf.count('dmabroker_buffer_v1.committed') < 50, 'it hears of the newest');
    deaf.close();
    await buffer.release();
    client.close();
  });

  t.test(
    'readers that keep every revision cost their own user',
    { skip: unlessRoot },
    async (t) => {
      const bob = await clientOf(t, daemon, BOB);
      const open = daemon.openFds();
      const names = Array.from({ length: 10 }, (_, i) => `every-${i}`);
      const client = await as();
      const all: ClientBuffer[] = [];
      for (const lastingName of names) {
        const wanted = { kind: 'buffer', size: 4096, handleTypes: ['memfd'] } as const;
        all.push(await client.allocate({ ...wanted, lifetime: 'until_released', lastingName }));
      }
      const chargedTo = async (uid?: number): Promise<number> =>
        (await rest('/v1/users')).find((user: { uid: number }) => user.uid === uid)?.charge.fds;
      /** Documents, whoever is charged for them. */
      const charged = async (): Promise<number> =>
        (await rest('/v1/quotas/source/metadata')).charge.fds;
      const own = process.getuid?.();
      t.equal(await charged(), 0);
      /** Why not, but for how many there may be in a second. */
      const refusalOf = async (buffer: ClientBuffer) => {
        for (;;) {
          const error = await buffer.commit({ metadata: METADATA }).then(
            () => null,
            (why) => why,
          );
          if (error?.refusal.constraint !== 'metadata') return error;
          await setTimeout(100);
        }
      };
      for (const buffer of all) t.equal(await refusalOf(buffer), null);
      t.equal(await charged(), names.length);
      // Each stops reading at another revision.
      const deaf: RawClient[] = [];
      let refusal = null;
      while (refusal === null && deaf.length < 8) {
        const reader = await new RawClient(daemon.clientSocket).ready();
        for (const [i, name] of names.entries())
          reader.request(dmabroker_manager_v1, MANAGER, 'claim', FREE + i, name, 0, 0);
        const [done, failed] = ['dmabroker_buffer_v1.done', 'dmabroker_buffer_v1.failed'];
        await reader.until(() => reader.count(done) + reader.count(failed) === names.length);
        t.equal(reader.count(failed), 0, 'who reads its own is let in');
        reader.stop();
        deaf.push(reader);
        for (const buffer of all) refusal ??= await refusalOf(buffer);
      }
      t.match(refusal, { code: 'limit_exceeded', refusal: { constraint: 'quota.daemon.fds' } });
      const kept = await charged();
      t.ok(kept > 2 * names.length, `${kept} documents: what they keep is charged`);
      t.ok((await chargedTo(own)) >= names.length + kept, 'to their user');
      t.ok(documents() <= kept, `${documents()} are open`);
      t.ok(daemon.openFds() <= open + MOST + deaf.length, `${daemon.openFds()} are open`);
      t.same(
        (await rest(`/v1/buffers/${all[0]?.id}/metadata`)) ?? null,
        METADATA,
        'nothing is lost',
      );
      // Another user works on.
      const wanted = { size: 4096, source: 'memfd', lifetime: { lease: 600 }, lastingName: 'bobs' };
      const { number } = await bob.tell<{ number: number }>({
        what: 'allocate',
        ...wanted,
      } as const);
      for (let n = 1; n <= 5; n++)
        t.equal(await bob.tell({ what: 'commit', number, terms: { metadata: { n } } }), n);
      t.match(await bob.tell({ what: 'claim', name: 'bobs', terms: {} }), { revision: 5 });
      t.equal(await chargedTo(BOB), 2);
      await bob.tell({ what: 'release', number });
      for (const each of deaf) each.close();
      await eventually(async () => (await charged()) === names.length, 'it ends with them');
      for (const buffer of all) t.equal(await refusalOf(buffer), null);
      for (const buffer of all) await buffer.release();
      client.close();
      await eventually(async () => (await charged()) === 0, 'nothing is charged');
      await eventually(
        () => daemon.openFds() === open,
        () => `${daemon.openFds()} fds are open, ${open} were`,
      );
      await bob.end('kill');
    },
  );

  t.test('two users', { skip: unlessRoot }, async (t) => {
    const [alice, bob] = [await clientOf(t, daemon, ALICE), await clientOf(t, daemon, BOB)];
    const wanted = { size: 4096, source: 'memfd', lifetime: { lease: 600 }, lastingName: 'hers' };
    const hers = (await alice.tell({ what: 'allocate', ...wanted } as const)) as { number: number };
    await alice.tell({ what: 'commit', number: hers.number, terms: { metadata: METADATA } });
    const claims = (name: string, terms = {}) => bob.tell({ what: 'claim', name, terms });
    await t.rejects(claims('hers'), { code: 'not_found' }, 'he has none of that name');
    const his = await claims(`hers@${ALICE}`);
    t.match(his, { revision: 1 });
    await t.rejects(claims(`hers@${ALICE}`, { writer: true }), { code: 'permission_denied' });
    const { number } = his as { number: number };
    await t.rejects(bob.tell({ what: 'renew', number, seconds: 60 }), {
      code: 'permission_denied',
    });
    const own = { ...wanted, lastingName: 'his' };
    await bob.tell({ what: 'allocate', ...own } as const);
    const theft = alice.tell({ what: 'claim', name: `his@${BOB}`, terms: { wait: 1 } });
    await t.rejects(
      theft,
      { code: 'not_found' },
      'nobody lets her, and nobody says that it is there',
    );
    const lists = (uid: number) => rest(`/v1/buffers?owner_uid=${uid}`);
    t.match((await lists(ALICE))[0].recipients.length, 2);
    // Her process is killed, and the next one goes on.
    await alice.end('kill');
    const next = Actor.start(daemon, ALICE);
    t.teardown(() => next.end('kill'));
    await next.tell({ what: 'connect' });
    const terms = { writer: true, wait: 10_000 };
    const again = (await next.tell({ what: 'claim', name: 'hers', terms })) as { number: number };
    t.equal(await next.tell({ what: 'commit', number: again.number, terms: {} }), 2);
    await next.tell({ what: 'release', number: again.number });
    t.same(
      (await lists(ALICE)).map((each: { state: string }) => each.state).includes('live'),
      false,
    );
    // A writer that is not its owner has let go of it with its object, which it has released before.
    const { client } = await make('lent');
    client.close();
    const lent = { what: 'claim', name: `lent@${process.getuid?.()}`, terms } as const;
    const { number: borrowed } = (await bob.tell(lent)) as { number: number };
    await bob.tell({ what: 'commit', number: borrowed, terms: {} });
    await bob.tell({ what: 'release', number: borrowed });
    const owner = await as();
    const back = await owner.claim('lent', terms);
    t.equal(back.committed?.revision, 1, 'it is not released');
    await back.release();
    owner.close();
    await bob.end('kill');
    await daemon.rest('DELETE', `/v1/buffers/${(await found('his')).id}`);
  });

  t.test('nothing is left', async (t) => {
    t.same(await rest('/v1/buffers?state=live'), []);
    await eventually(
      () => documents() === 0,
      () => `${documents()} documents of the daemon's are open`,
    );
    t.same(daemon.errors, []);
  });
});
