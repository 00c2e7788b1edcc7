/**
 * Refusals whose detail is longer than a message: the whole of it comes in a memfd, which is charged
 * until it is received, and there is none for who has no room or no object any more.
 */
import { readSync, writeSync } from 'node:fs';
import t from 'tap';
import { connect } from '../../../src/client/index.js';
import { BrokerError } from '../../../src/memory/errors.js';
import { MAX_MODIFIERS } from '../../../src/memory/limits.js';
import {
  dmabroker_buffer_v1,
  dmabroker_manager_v1,
  dmabroker_params_v1,
} from '../../../src/protocol/dmabroker-v1.gen.js';
import { TestDaemon } from '../../support/daemon.js';
import { withoutLeaks } from '../../support/fds.js';
import { RawClient } from '../../support/raw-client.js';
import { rejected } from '../../support/refused.js';
import type { WireEvent, WirePeer } from '../../support/wire-peer.js';
import { Bench, FREE, MANAGER } from './support/bench.js';
import { nextPacket } from './support/packets.js';

const [PARAMS, BUFFER] = [FREE, FREE + 1];
const XR24 = 0x34325258;
const { memfd } = dmabroker_manager_v1.enums.handle_type;

/** An image in any of as many modifiers as may be named, which memory of the broker's own has not. */
function asking(request: WirePeer['request']): void {
  request(dmabroker_manager_v1, MANAGER, 'create_params', PARAMS);
  request(dmabroker_params_v1, PARAMS, 'set_image', 640, 480, XR24);
  for (let i = 1; i <= MAX_MODIFIERS; i++) {
    request(dmabroker_params_v1, PARAMS, 'add_modifier', 0x100_0000, i);
  }
  request(dmabroker_params_v1, PARAMS, 'set_handle_types', memfd);
  request(dmabroker_params_v1, PARAMS, 'create', BUFFER);
}

const events = (bench: Bench) => bench.events().filter(({ object }) => object === BUFFER);
const charged = (bench: Bench) =>
  bench.broker.quotas.accounts.find('user', '1000')?.charge ?? { bytes: 0, fds: 0 };

/** It is told what it may do all the same. */
function isShort(event: WireEvent | undefined): void {
  t.equal(event?.name, 'dmabroker_buffer_v1.failed');
  const detail = JSON.parse(String(event?.values[2]));
  t.match(detail, { constraint: 'modifiers', truncated: true, requested: undefined });
  t.match(detail.nearest, { width: 640, modifiers: ['0x0000000000000000'] });
}

t.test('a detail that is too long for a message comes whole, in a memfd before it', async (t) => {
  const bench = new Bench().ready();
  asking(bench.request);
  t.equal(nextPacket(bench.connection)?.held?.fds.length, 1);
  t.match(charged(bench), { bytes: 8192, fds: 1 }, 'it is charged as any answer');
  const [long, failed] = events(bench);
  t.equal(long?.name, 'dmabroker_buffer_v1.long_detail');
  isShort(failed);
  const [fd, size] = long?.values ?? [];
  const text = bench.world.texts.get(fd as number) ?? '';
  t.equal(Buffer.byteLength(text), size);
  const whole = JSON.parse(text);
  t.equal(whole.requested.length, MAX_MODIFIERS);
  t.match(whole, { constraint: 'modifiers', nearest: { width: 640 } });
  t.equal(bench.world.open.size, 0, 'the daemon has it no longer');
  t.match(charged(bench), { fds: 1 }, 'and has it charged until the client has it');
  bench.connection.output.received();
  t.match(charged(bench), { bytes: 0, fds: 0 });
});

t.test('one that is not too long has no memfd', async (t) => {
  const bench = new Bench().ready();
  bench.request(dmabroker_manager_v1, MANAGER, 'redeem', BUFFER, 'nonsense');
  t.same(
    events(bench).map(({ name }) => name),
    ['dmabroker_buffer_v1.failed'],
  );
});

t.test('without room, or a descriptor, the short one comes alone', async (t) => {
  const poor = new Bench().ready();
  poor.broker.quotas.configure('rest', new Map([['user/1000', { fds: 0 }]]));
  asking(poor.request);
  const told = events(poor);
  t.equal(told.length, 1);
  t.match(charged(poor), { bytes: 0, fds: 0 });

  const late = new Bench().ready();
  late.world.outOfFds = true;
  asking(late.request);
  const [only, ...more] = events(late);
  isShort(only);
  t.same(more, []);
  t.match(charged(late), { bytes: 0, fds: 0 });
});

t.test('what nobody receives is closed, and charged to nobody', async (t) => {
  const bench = new Bench().ready();
  asking(bench.request);
  t.equal(bench.world.open.size, 1);
  bench.close();
  t.equal(bench.world.open.size, 0);
  t.match(charged(bench), { bytes: 0, fds: 0 });
});

t.test('nothing is made for an object that was destroyed', async (t) => {
  const long = new BrokerError('internal', 'no', {
    constraint: 'size',
    requested: 'y'.repeat(5000),
  });
  for (const destroyed of [false, true]) {
    const bench = new Bench().ready();
    bench.ask(BUFFER);
    if (destroyed) bench.request(dmabroker_buffer_v1, BUFFER, 'destroy');
    bench.world.refuse(long);
    t.equal(bench.world.open.size, destroyed ? 0 : 1);
    bench.close();
  }
});

await withoutLeaks(t, 'from a daemon', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  const before = await daemon.idleFds();
  const modifiers = Array.from({ length: MAX_MODIFIERS }, (_, i) => (1n << 56n) + BigInt(i));
  const image = { kind: 'image', width: 640, height: 480, format: 'XR24', modifiers } as const;

  await t.test('the client library has all of it', async (t) => {
    const client = await connect({ socket: daemon.clientSocket, reconnect: false });
    for (const ask of ['allocate', 'test'] as const) {
      const { code, refusal } = await rejected(client[ask]({ ...image, handleTypes: ['memfd'] }));
      t.equal(code, 'unsupported_modifier');
      t.equal((refusal.requested as unknown[]).length, MAX_MODIFIERS, ask);
      t.equal('truncated' in refusal, false);
    }
    client.close();
  });

  await t.test('nobody can change what others are told', async (t) => {
    const client = await new RawClient(daemon.clientSocket).ready();
    asking(client.request);
    await client.until(() => client.count('dmabroker_buffer_v1.failed') === 1);
    const [fd, size] =
      client.events.find(({ name }) => name.endsWith('.long_detail'))?.values ?? [];
    t.throws(() => writeSync(fd as number, 'x'), { code: 'EPERM' });
    const bytes = Buffer.alloc(65_536);
    t.equal(readSync(fd as number, bytes, { position: 0 }), size);
    client.close();
  });

  await t.resolves(daemon.settled(before), 'nothing is left');
  t.equal(await daemon.stop(), 0);
  t.same(daemon.errors, []);
});
