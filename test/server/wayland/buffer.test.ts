/**
 * dmabroker_buffer_v1: who is told what, who may release, and what is left of a buffer whose object or owner
 * has gone.
 */
import t from 'tap';
import { BrokerError } from '../../../src/memory/errors.js';
import {
  dmabroker_buffer_v1,
  dmabroker_manager_v1,
  dmabroker_params_v1,
  dmabroker_share_v1,
  dmabroker_work_v1,
} from '../../../src/protocol/dmabroker-v1.gen.js';
import { MAX_MESSAGE_SIZE } from '../../../src/protocol/wire.js';
import { MAX_WAITING_REQUESTS } from '../../../src/server/wayland/order.js';
import { Bench, errorOf, MANAGER } from './support/bench.js';
import { nextPacket } from './support/packets.js';
import { ANY_UID, BUFFER, PARAMS, pair, REDEEMED, redeem, SHARE, share } from './support/pair.js';

const { release_reason } = dmabroker_buffer_v1.enums;
const { refusal } = dmabroker_manager_v1.enums;

t.test('a buffer of several kinds, as some of them', async (t) => {
  const owner = new Bench().ready();
  const other = new Bench([], owner).ready();
  const { handle_type } = dmabroker_manager_v1.enums;
  owner.ask(BUFFER);
  owner.world.open.add(90);
  owner.world.answer(0, 1, { faces: [{ handleType: 'opaque_fd', fds: [90] }] });
  owner.events();
  const token = share(owner, { uses: 3 });
  let last = REDEEMED;
  const get = (bits: number) => {
    other.request(dmabroker_manager_v1, MANAGER, 'redeem_as', ++last, token, bits);
    return other.events();
  };
  /** The types that `info` tells of, and those of the planes; the wire takes as many fds as are sent. */
  const told = (bits: number) => {
    const events = get(bits);
    const planes = events.filter(({ name }) => name === 'dmabroker_buffer_v1.plane');
    return [events[0]?.values[2], planes.map(({ values }) => values[1])];
  };
  const { memfd, opaque_fd, dma_buf } = handle_type;
  const [refused] = get(memfd | dma_buf);
  t.equal(refused?.values[0], refusal.unsupported_handle_type);
  t.same(told(opaque_fd), [opaque_fd, [opaque_fd]]);
  t.same(told(memfd), [memfd, [memfd]]);
  t.same(told(memfd | opaque_fd), [memfd | opaque_fd, [memfd, opaque_fd]]);
  t.equal(get(memfd)[0]?.values[0], refusal.invalid_token, 'used three times, and no more');
  t.equal(other.connection.client.fdsSent, 4);
  for (const bits of [0, 8]) {
    const third = new Bench([], owner).ready();
    third.request(dmabroker_manager_v1, MANAGER, 'redeem_as', REDEEMED, token, bits);
    t.match(errorOf(third.events()), { text: new RegExp(`handle types ${bits}$`) });
  }
  owner.close();
  other.close();
  t.equal(owner.world.open.size, 0, 'all are closed');
});

t.test('a buffer is described', async (t) => {
  const owner = new Bench().ready();
  owner.ask(BUFFER);
  owner.events();
  const { planes } = owner.world.answer(0, 2);
  const [buffer] = owner.broker.buffers;
  t.same(
    owner.events().map(({ object, name, values }) => [object, name.split('.')[1], ...values]),
    [
      [BUFFER, 'info', buffer?.id, 1, 4, 'memfd', 0, 4096, 0, 0, 0, 0, 0],
      [BUFFER, 'memory', 0, 0, 2048],
      [BUFFER, 'memory', 1, 0, 2048],
      [BUFFER, 'plane', planes[0]?.fd, 4, 0, 0, 0, 64],
      [BUFFER, 'plane', planes[1]?.fd, 4, 1, 1, 4096, 64],
      [BUFFER, 'done'],
    ],
  );
  t.equal(owner.connection.client.fdsSent, 2);
});

t.test('who redeems gets the same buffer, and both are recipients', async (t) => {
  const { owner, other, buffer } = pair();
  const events = redeem(other, share(owner));
  t.match(events, [
    { object: REDEEMED, name: 'dmabroker_buffer_v1.info', values: [buffer.id] },
    { name: 'dmabroker_buffer_v1.memory', values: [0, 0, 4096] },
    { name: 'dmabroker_buffer_v1.plane', values: [buffer.held.fds[0], 4, 0, 0, 0, 64] },
    { name: 'dmabroker_buffer_v1.done' },
  ]);
  const clients = [...buffer.recipients].map(({ client }) => client);
  t.same(clients, [owner.connection.client, other.connection.client]);
});

t.test('the end of a buffer', async (t) => {
  const told = { object: REDEEMED, name: 'dmabroker_buffer_v1.released' };
  const cases: [string, 'owner' | 'administrator', (p: ReturnType<typeof pair>) => void][] = [
    ['destroyed', 'owner', ({ owner }) => owner.request(dmabroker_buffer_v1, BUFFER, 'destroy')],
    ['released', 'owner', ({ owner }) => owner.request(dmabroker_buffer_v1, BUFFER, 'release')],
    ['its owner left', 'owner', ({ owner }) => owner.close()],
    ['over REST', 'administrator', (p) => p.owner.broker.release(p.buffer, 'administrator')],
  ];
  for (const [what, reason, end] of cases) {
    const both = pair();
    const { owner, other, world, buffer } = both;
    redeem(other, share(owner));
    owner.events();
    end(both);
    t.same(other.events(), [{ ...told, values: [release_reason[reason]] }], what);
    t.ok(buffer.released);
    t.equal(world.open.size, 0);
    other.request(dmabroker_buffer_v1, REDEEMED, 'destroy');
    t.same(other.names(), ['wl_display.delete_id'], 'its object is good until it is destroyed');
  }
});

t.test('an owner is told what it did not do itself', async (t) => {
  const { owner, buffer } = pair();
  owner.broker.release(buffer, 'administrator');
  t.match(owner.events(), [{ object: BUFFER, values: [release_reason.administrator] }]);
  owner.request(dmabroker_buffer_v1, BUFFER, 'release');
  t.same(owner.names(), []);
  owner.request(dmabroker_buffer_v1, BUFFER, 'destroy');
  t.same(owner.names(), ['wl_display.delete_id']);
});

t.test('until_released', async (t) => {
  const { owner, other, world, buffer } = pair('until_released');
  const token = share(owner, { uses: 2 });
  owner.request(dmabroker_buffer_v1, BUFFER, 'destroy');
  t.notOk(buffer.released, 'destroying the object leaves it');
  owner.close();
  t.notOk(buffer.released, 'so does leaving');
  redeem(other, token);
  other.request(dmabroker_buffer_v1, REDEEMED, 'release');
  t.notOk(buffer.released, 'only its owner’s connection may release it');
  t.equal(world.open.size, 1);
  const another = pair('until_released');
  another.owner.request(dmabroker_buffer_v1, BUFFER, 'release');
  t.ok(another.buffer.released);
});

t.test('an object that is destroyed while it waits', async (t) => {
  for (const lifetime of ['connection', 'until_released'] as const) {
    const bench = new Bench().ready();
    bench.ask(BUFFER, lifetime);
    bench.events();
    bench.request(dmabroker_buffer_v1, BUFFER, 'destroy');
    t.same(bench.names(), ['wl_display.delete_id']);
    bench.world.answer();
    t.same(bench.events(), []);
    t.equal(bench.world.open.size, 0, lifetime);
    t.same([...bench.broker.buffers], []);
  }
});

/** What is sent at once: a buffer, a token for it, its release. Answered when, and by what. */
const pipelined = {
  cold: (bench: Bench) => bench.world.answer(),
  /** The pool has a spare: it is there before the next request is read. */
  warm: () => {},
} as const;

for (const lifetime of ['connection', 'until_released'] as const) {
  t.test(`create, share, release and destroy in one flush, ${lifetime}`, async (t) => {
    const seen = Object.entries(pipelined).map(([how, answer]) => {
      const bench = new Bench().ready();
      if (how === 'warm') bench.world.immediate = true;
      bench.ask(BUFFER, lifetime);
      bench.request(dmabroker_buffer_v1, BUFFER, 'share', SHARE, 1, ANY_UID, 0, 0);
      bench.request(dmabroker_buffer_v1, BUFFER, 'release');
      answer(bench);
      bench.request(dmabroker_buffer_v1, BUFFER, 'destroy');
      const names = bench.names().filter((name) => name !== 'wl_display.delete_id');
      t.same([...bench.broker.buffers], [], `${how}: nothing is left`);
      return names;
    });
    t.same(seen[0], seen[1], 'cold as warm');
    t.same(seen[0], [
      'dmabroker_buffer_v1.info',
      'dmabroker_buffer_v1.memory',
      'dmabroker_buffer_v1.plane',
      'dmabroker_buffer_v1.done',
      'dmabroker_share_v1.token_id',
      'dmabroker_share_v1.token',
    ]);
  });

  t.test(`destroyed before done can have been read, ${lifetime}`, async (t) => {
    for (const how of ['cold', 'warm'] as const) {
      const bench = new Bench().ready();
      if (how === 'warm') bench.world.immediate = true;
      bench.ask(BUFFER, lifetime);
      bench.request(dmabroker_buffer_v1, BUFFER, 'destroy');
      if (how === 'cold') bench.world.answer();
      bench.events();
      t.same([...bench.broker.buffers], [], `${how}: it does not stay under an id that nobody has`);
    }
  });
}

t.test('what was asked of a buffer that fails fails as it does', async (t) => {
  const bench = new Bench().ready();
  bench.ask(BUFFER);
  bench.request(dmabroker_buffer_v1, BUFFER, 'share', SHARE, 1, ANY_UID, 0, 0);
  bench.request(dmabroker_buffer_v1, BUFFER, 'renew', 5);
  bench.request(dmabroker_buffer_v1, BUFFER, 'release');
  t.same(bench.names(), ['wl_display.delete_id'], 'the params object alone has ended');
  bench.world.refuse(new BrokerError('out_of_memory', 'there is none'));
  t.match(bench.events(), [
    { name: 'dmabroker_buffer_v1.failed', values: [refusal.out_of_memory] },
    { name: 'dmabroker_share_v1.failed', values: [refusal.out_of_memory] },
    { name: 'dmabroker_buffer_v1.lease_refused', values: [refusal.out_of_memory] },
  ]);
  bench.request(dmabroker_buffer_v1, BUFFER, 'share', SHARE + 1, 1, ANY_UID, 0, 0);
  t.match(bench.events(), [{ name: 'dmabroker_share_v1.failed', values: [refusal.out_of_memory] }]);
  t.equal(bench.connection.failure, null, 'and the connection goes on');
});

for (const lifetime of ['connection', 'until_released'] as const) {
  t.test(
    `what was asked before destroy is answered alike, cold and warm, ${lifetime}`,
    async (t) => {
      const seen = Object.entries(pipelined).map(([how, answer]) => {
        const bench = new Bench().ready();
        if (how === 'warm') bench.world.immediate = true;
        bench.ask(BUFFER, lifetime);
        bench.request(dmabroker_buffer_v1, BUFFER, 'share', SHARE, 1, ANY_UID, 0, 0);
        bench.request(dmabroker_buffer_v1, BUFFER, 'destroy');
        answer(bench);
        const names = bench.names().filter((name) => name.startsWith('dmabroker_share_v1.'));
        t.same([...bench.broker.buffers], [], `${how}: nothing is left`);
        return names;
      });
      t.same(seen[0], seen[1], 'cold as warm');
      t.same(seen[0], ['dmabroker_share_v1.token_id', 'dmabroker_share_v1.token']);
    },
  );
}

t.test('a buffer that stays is not given up for a reissue that was not read', async (t) => {
  const { owner, buffer } = pair('until_released');
  owner.request(dmabroker_buffer_v1, BUFFER, 'reissue');
  owner.request(dmabroker_buffer_v1, BUFFER, 'destroy');
  owner.events();
  t.notOk(buffer.released, 'the client knew it');
});

t.test(
  'the source of a copy that waits is released after it, or with the connection',
  async (t) => {
    const COPY = 70;
    for (const end of ['answered', 'closed'] as const) {
      const bench = new Bench().ready();
      const source = bench.allocate(BUFFER);
      bench.ask(REDEEMED, 'until_released');
      bench.request(dmabroker_manager_v1, MANAGER, 'create_work', COPY, REDEEMED);
      bench.request(dmabroker_work_v1, COPY, 'copy', BUFFER);
      bench.request(dmabroker_buffer_v1, BUFFER, 'destroy');
      t.notOk(source.released, 'the copy waits for its target');
      if (end === 'closed') bench.close();
      bench.world.answer();
      t.equal(bench.world.works.length, end === 'answered' ? 1 : 0, `${end}: it is copied`);
      t.ok(source.released, `${end}: and then released`);
      t.equal([...bench.broker.buffers].length, end === 'answered' ? 1 : 0);
    }
  },
);

t.test('release is no destructor: the object is destroyed as any other, once', async (t) => {
  const { owner, buffer } = pair('until_released');
  owner.request(dmabroker_buffer_v1, BUFFER, 'release');
  t.ok(buffer.released);
  owner.request(dmabroker_buffer_v1, BUFFER, 'release');
  owner.request(dmabroker_buffer_v1, BUFFER, 'share', SHARE, 1, ANY_UID, 0, 0);
  t.match(owner.events(), [{ name: 'dmabroker_share_v1.failed', values: [refusal.not_found] }]);
  owner.request(dmabroker_share_v1, SHARE, 'revoke');
  owner.request(dmabroker_share_v1, SHARE, 'destroy');
  owner.request(dmabroker_buffer_v1, BUFFER, 'destroy');
  t.same(owner.names(), ['wl_display.delete_id', 'wl_display.delete_id']);
  t.equal(owner.connection.failure, null);
});

t.test(
  'a client that asks more and more of a buffer on its way is not read for a while',
  async (t) => {
    const bench = new Bench().ready();
    bench.ask(BUFFER);
    for (let i = 0; i < MAX_WAITING_REQUESTS; i++) {
      t.notOk(bench.connection.waits.behind);
      bench.request(dmabroker_buffer_v1, BUFFER, 'renew', 5);
    }
    t.ok(bench.connection.waits.behind);
    const { touched } = bench;
    bench.world.answer();
    t.notOk(bench.connection.waits.behind);
    t.ok(bench.touched > touched, 'it is looked at again');
  },
);

t.test('a lease is told, recalled and renewed by who may', async (t) => {
  const owner = new Bench().ready();
  const other = new Bench([], owner).ready();
  const { broker, world } = owner;
  owner.request(dmabroker_manager_v1, MANAGER, 'create_params', PARAMS);
  owner.request(dmabroker_params_v1, PARAMS, 'set_buffer', 0, 4096);
  owner.request(dmabroker_params_v1, PARAMS, 'set_handle_types', 4);
  owner.request(dmabroker_params_v1, PARAMS, 'set_lease', 60);
  owner.request(dmabroker_params_v1, PARAMS, 'create', BUFFER);
  world.answer();
  t.match(owner.events().slice(-2), [
    { name: 'dmabroker_buffer_v1.lease', values: [60, 0] },
    { name: 'dmabroker_buffer_v1.done' },
  ]);
  const [buffer] = broker.buffers;
  if (buffer === undefined) throw new Error('nothing was allocated');
  const renewer = new Bench([], owner).ready();
  redeem(other, broker.sharing.share(buffer, { uses: 1, uid: null, seconds: null }).token);
  const terms = { uses: 1, uid: null, seconds: null, mayRenew: true };
  redeem(renewer, broker.sharing.share(buffer, terms).token);

  world.pass(60_000);
  broker.poll();
  const { lease_expired } = dmabroker_buffer_v1.enums.recall_reason;
  for (const bench of [owner, other, renewer]) {
    t.match(bench.events(), [{ name: 'dmabroker_buffer_v1.recall', values: [lease_expired, 5] }]);
  }
  other.request(dmabroker_buffer_v1, REDEEMED, 'renew', 10);
  t.match(other.events(), [
    { name: 'dmabroker_buffer_v1.lease_refused', values: [refusal.permission_denied] },
  ]);
  renewer.request(dmabroker_buffer_v1, REDEEMED, 'renew', 10);
  t.match(renewer.events(), [{ name: 'dmabroker_buffer_v1.lease', values: [10, 1] }]);
  broker.poll();
  t.same(renewer.events(), [], 'who asked was answered');
  for (const bench of [owner, other]) {
    t.match(bench.events(), [{ name: 'dmabroker_buffer_v1.lease', values: [10, 0] }]);
  }
  world.pass(10_000);
  broker.poll();
  world.pass(5_000);
  broker.poll();
  const released = { values: [release_reason.lease_expired] };
  for (const bench of [owner, other, renewer]) t.match(bench.events().at(-1), released);
});

t.test('a refusal of any length is an event', async (t) => {
  const bench = new Bench().ready();
  bench.ask(BUFFER);
  bench.events();
  const requested = 'ü'.repeat(1500);
  bench.world.refuse(new BrokerError('out_of_memory', '€'.repeat(2000), { requested }));
  t.ok((nextPacket(bench.connection)?.bytes.length ?? 0) <= MAX_MESSAGE_SIZE);
  const [failed] = bench.events();
  const [code, message, detail] = failed?.values ?? [];
  t.equal(code, refusal.out_of_memory);
  t.equal(message, '€'.repeat(170));
  t.same(JSON.parse(String(detail)), { requested, nearest: null });
});
