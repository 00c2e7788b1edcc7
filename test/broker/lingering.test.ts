/** Released memory: charged until it is gone, looked at ever more rarely, never many at once. */
import t from 'tap';
import { Broker } from '../../src/broker/broker.js';
import type { BrokerBuffer, Client } from '../../src/broker/buffer.js';
import type { Swept } from '../../src/broker/unproven.js';
import type { BrokerError } from '../../src/memory/errors.js';
import {
  LINGERING_CHECKS_PER_TURN,
  LINGERING_PAUSE_MS,
  MAX_PAST_RECIPIENTS,
} from '../../src/memory/limits.js';
import type { Remaining } from '../../src/memory/remains.js';
import type { SourceState } from '../../src/memory/source.js';
import { FakeWorld, offers, peer, request } from './support/world.js';

const GRACE_MS = 60_000;
const opaque: SourceState = {
  name: 'vulkan',
  handleType: 'opaque_fd',
  usable: true,
  reason: 'for tests',
};
const memfd: SourceState = { ...opaque, name: 'memfd', handleType: 'memfd' };

/** As many processes are watched after they have left. */
const PAST = 1000;

function make(source = memfd) {
  const world = new FakeWorld();
  const broker = new Broker(world, { sources: [source], offers }, undefined, {
    unknownGraceMs: GRACE_MS,
    maxPastProcesses: PAST,
  });
  const allocate = (client: Client): BrokerBuffer => {
    const handleTypes = [source.handleType];
    broker.allocate({ client, peer }, request({ handleTypes }), () => {});
    world.answer();
    const buffer = [...client.owned].at(-1) as BrokerBuffer;
    broker.sharing.handedOut(buffer, client);
    return buffer;
  };
  /** Lets time pass, and the data plane wake up as often as it wants to. */
  const pass = (ms: number) => {
    const end = world.clock.now() + ms;
    const left = () => end - world.clock.now();
    for (let wait = broker.wait; wait >= 0 && wait <= left(); wait = broker.wait) {
      world.pass(wait);
      broker.poll();
    }
    world.pass(left());
  };
  const hold = ({ allocation }: BrokerBuffer, how: Remaining) =>
    world.held.set(allocation.key, how);
  return { world, broker, allocate, pass, hold };
}

t.test('held by somebody, then by nobody', async (t) => {
  const { world, broker, allocate, pass, hold } = make();
  const client = broker.connect(peer);
  const buffer = allocate(client);
  hold(buffer, 'lingering');
  const charge = () => broker.quotas.accounts.find('user', String(peer.uid))?.charge;
  broker.release(buffer, 'owner');
  t.same([...broker.buffers], []);
  t.same([...broker.lingering], [buffer]);
  t.match(buffer, { state: 'lingering', releasedAt: world.clock.now() });
  t.equal(broker.find(buffer.id), buffer);
  t.throws(() => broker.get(buffer.id), { code: 'not_found' });
  t.ok(world.freed.has(buffer.allocation.key), 'the Vulkan objects are gone at once');
  t.equal(world.open.size, 1, 'one fd is kept');
  t.match(charge(), { bytes: 4096, buffers: 1, fds: 1 }, 'its owner pays on');
  pass(GRACE_MS * 10);
  t.same([...broker.lingering], [buffer], 'no grace for what is proven to be held');
  hold(buffer, 'gone');
  pass(5_000);
  t.same([...broker.lingering], []);
  t.equal(world.open.size, 0);
  t.equal(broker.wait, -1);
  t.match(charge(), { bytes: 0, buffers: 0, fds: 0 });
});

t.test('intervals double up to five seconds, and a departure is a reason to look', async (t) => {
  const { world, broker, allocate, pass, hold } = make();
  const [owner, other] = [broker.connect(peer), broker.connect(peer)];
  const buffer = allocate(owner);
  broker.sharing.handedOut(buffer, other);
  hold(buffer, 'lingering');
  broker.release(buffer, 'owner');
  const waits: number[] = [];
  for (let i = 0; i < 13; i++) {
    waits.push(broker.wait);
    pass(broker.wait);
  }
  t.same(waits, [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5000, 5000, 5000, 5000]);
  t.equal(world.looks, 14);
  broker.disconnect(broker.connect(peer));
  t.equal(broker.wait, 5000, 'who was not handed it does not matter');
  hold(buffer, 'gone');
  broker.disconnect(other);
  t.equal(broker.wait, 5);
  pass(5);
  t.same([...broker.lingering], []);
});

t.test('a turn makes few checks, however many buffers linger', async (t) => {
  const { world, broker, allocate, pass, hold } = make();
  const client = broker.connect(peer);
  const MANY = 2000;
  // memfds, whose end is told: a look at one is an eighth of a check.
  const PER_TURN = 8 * LINGERING_CHECKS_PER_TURN;
  const buffers = Array.from({ length: MANY }, () => allocate(client));
  for (const buffer of buffers) hold(buffer, 'lingering');
  broker.disconnect(client);
  t.equal(world.looks, LINGERING_CHECKS_PER_TURN);
  t.equal([...broker.lingering].length, MANY);
  for (let turn = 1; turn <= 10; turn++) {
    t.equal(broker.wait, LINGERING_PAUSE_MS);
    broker.poll();
    const looks = LINGERING_CHECKS_PER_TURN + PER_TURN * (turn - 1);
    t.equal(world.looks, looks, 'not before its time');
    pass(LINGERING_PAUSE_MS);
    t.equal(world.looks, looks + PER_TURN);
  }
  pass(60_000);
  const before = world.looks;
  pass(50_000);
  t.equal(world.looks - before, MANY * 10, 'each comes to its turn, once in five seconds');
  for (const buffer of buffers) hold(buffer, 'gone');
  pass(6_000);
  t.equal(world.open.size, 0);
});

t.test('"released and still held" where nobody holds it any more', async (t) => {
  const { world, broker, allocate, pass, hold } = make();
  const client = broker.connect(peer);
  const limit = (buffers: number) =>
    broker.quotas.configure('rest', new Map([['user/1000', { buffers }]]));
  /** What is told of another one: its refusal, or null. */
  const ask = () => {
    let told: BrokerError | null = null;
    broker.allocate({ client, peer }, request(), (result) => {
      if ('error' in result) told = result.error;
    });
    if (told === null) world.answer();
    return told as BrokerError | null;
  };
  const release = (buffer: BrokerBuffer | undefined) => {
    if (buffer === undefined) throw new Error('there is none');
    hold(buffer, 'lingering');
    broker.release(buffer, 'owner');
    return buffer;
  };

  limit(1);
  for (let i = 0; i < 12; i++) {
    const before = release(i === 0 ? allocate(client) : [...client.owned].at(-1));
    t.match(ask()?.refusal.quota, { lingering: 1 }, 'it is held');
    // Closed, and asked for again in the same moment.
    hold(before, 'gone');
    t.equal(ask(), null);
    t.same([...broker.lingering], []);
  }

  // A dry run, a read's answer and a redemption are told the same.
  const test = () => {
    let told: BrokerError | null = null;
    broker.test({ client, peer }, request(), (result) => {
      if ('error' in result) told = result.error;
    });
    return told as BrokerError | null;
  };
  hold(release([...client.owned][0]), 'gone');
  t.equal(test(), null);
  limit(1000);

  // Many that are held: so many looks, however often somebody is refused, and their turn stays as it was.
  const many = Array.from({ length: 500 }, () => release(allocate(client)));
  pass(LINGERING_PAUSE_MS);
  broker.quotas.configure('rest', new Map([['user/1000', { buffers: 500 }]]));
  const due = broker.wait;
  world.looks = 0;
  for (let i = 0; i < 100; i++) t.match(ask(), { code: 'limit_exceeded' });
  t.equal(world.looks, 8 * LINGERING_CHECKS_PER_TURN);
  t.equal(broker.wait, due);
  for (const buffer of many) hold(buffer, 'gone');
  t.match(ask(), { code: 'limit_exceeded' }, 'nor is it seen then');
  world.pass(LINGERING_PAUSE_MS);
  t.equal(ask(), null);

  // Where all share a limit, what another user let go of counts, too.
  const other = { ...peer, uid: 2000 };
  pass(10_000);
  const mine = release([...client.owned][0]);
  broker.quotas.configure('rest', new Map([['daemon/default', { buffers: 1, reserve: 0 }]]));
  let told: unknown = null;
  const theirs = () => {
    told = null;
    broker.allocate({ client: broker.connect(other), peer: other }, request(), (result) => {
      told = result;
    });
    return told;
  };
  t.match(theirs(), { error: { code: 'limit_exceeded' } });
  hold(mine, 'gone');
  t.equal(theirs(), null, 'it is asked of the source');
});

t.test('a message that waits to be sent', async (t) => {
  const { world, broker, allocate, pass } = make();
  const buffer = allocate(broker.connect(peer));
  const message = buffer.held.retain();
  broker.release(buffer, 'owner');
  pass(100);
  t.equal(buffer.state, 'lingering');
  t.equal(world.looks, 0, 'the kernel is not asked for as long as it is known');
  message.release();
  pass(5_000);
  t.same([...broker.lingering], []);
});

t.test('memory of which the kernel tells nothing', async (t) => {
  function shared() {
    const made = make(opaque);
    const { world, broker, allocate, hold } = made;
    const pidfds = [world.openFd(), world.openFd()] as const;
    const owner = broker.connect(peer, pidfds[0]);
    const other = broker.connect(peer, pidfds[1]);
    const buffer = allocate(owner);
    broker.sharing.handedOut(buffer, other);
    hold(buffer, 'unknown');
    broker.disconnect(owner);
    return { ...made, pidfds, other, buffer };
  }

  t.test('is charged until every recipient has exited', async (t) => {
    const { world, broker, pass, pidfds, other, buffer } = shared();
    t.equal(buffer.state, 'unknown');
    broker.disconnect(other);
    pass(20_000);
    t.same([...broker.lingering], [buffer], 'they have left and live');
    world.ended.add(pidfds[1]);
    pass(6_000);
    t.same([...broker.lingering], [buffer], 'the owner lives');
    world.ended.add(pidfds[0]);
    pass(6_000);
    t.same([...broker.lingering], []);
    t.equal(world.open.size, 0, 'no pidfd is left');
  });

  t.test('or for the configured time', async (t) => {
    const { world, broker, pass, other, buffer } = shared();
    broker.disconnect(other);
    pass(GRACE_MS - 6_000);
    t.same([...broker.lingering], [buffer]);
    pass(12_000);
    t.same([...broker.lingering], []);
    t.equal(world.open.size, 0);
  });

  t.test('of which the time begins anew when it was seen to be held', async (t) => {
    const { broker, pass, hold, buffer } = shared();
    pass(GRACE_MS - 6_000);
    hold(buffer, 'lingering');
    pass(10_000);
    t.equal(buffer.state, 'lingering');
    hold(buffer, 'unknown');
    pass(GRACE_MS - 6_000);
    t.same([...broker.lingering], [buffer]);
    pass(12_000);
    t.same([...broker.lingering], []);
  });

  t.test('with a recipient whose process nobody knows', async (t) => {
    const { world, broker, pass, pidfds, buffer } = shared();
    const stranger = broker.connect(peer, null);
    broker.sharing.handedOut(buffer, stranger);
    broker.disconnect(stranger);
    for (const pidfd of pidfds) world.ended.add(pidfd);
    pass(20_000);
    t.same([...broker.lingering], [buffer]);
  });

  t.test('that nobody was handed is gone at once', async (t) => {
    const { world, broker, hold } = make(opaque);
    broker.allocate({ client: null, peer }, request({ handleTypes: ['opaque_fd'] }), () => {});
    world.answer();
    const [buffer] = broker.buffers as Iterable<BrokerBuffer>;
    hold(buffer as BrokerBuffer, 'unknown');
    broker.release(buffer as BrokerBuffer, 'administrator');
    t.same([...broker.lingering], []);
  });
});

t.test('memory that nobody has by its count', async (t) => {
  const dmaBuf: SourceState = { ...opaque, handleType: 'dma_buf' };
  const SIZE = 4096;
  let memories = 0;
  function counted(trusted: number) {
    const world = new FakeWorld();
    world.told = 'counted';
    const broker = new Broker(world, { sources: [dmaBuf], offers }, undefined, {
      unknownGraceMs: GRACE_MS,
      trustedBytes: trusted * SIZE,
    });
    const pidfd = world.openFd();
    const client = broker.connect(peer, pidfd);
    const make = (handOut = true): BrokerBuffer => {
      broker.allocate({ client, peer }, request({ handleTypes: ['dma_buf'] }), () => {});
      world.answer(0, 1, { identities: [`1:${++memories}`] });
      const buffer = [...client.owned].at(-1) as BrokerBuffer;
      if (handOut) broker.sharing.handedOut(buffer, client);
      world.held.set(buffer.allocation.key, 'counted');
      return buffer;
    };
    const released = () => {
      const buffer = make();
      broker.release(buffer, 'owner');
      return buffer;
    };
    const charged = () => broker.quotas.accounts.find('user', String(peer.uid))?.charge.bytes ?? 0;
    /** Lets a second pass, and the next sweep find this. */
    const sweep = (found: Partial<Swept> = {}) => {
      world.pass(1000);
      broker.poll();
      const nothing = { held: [], hidden: false, unread: [], inFlight: new Map(), took: 0 };
      if (world.sweeps.pop() === undefined) throw new Error('no sweep was asked for');
      broker.swept({ ...nothing, ...found });
      look();
    };
    const look = () => {
      world.pass(10);
      broker.poll();
    };
    /** Their ids: a buffer is too much to be shown. */
    const lingering = () => [...broker.lingering].map(({ id }) => id);
    return { world, broker, client, pidfd, make, released, charged, sweep, look, lingering };
  }
  const identity = ({ allocation }: BrokerBuffer) => allocation.identities?.[0] ?? '';

  t.test('is gone at once as far as that is trusted, else when it is proven', async (t) => {
    const { world, broker, released, charged, sweep, lingering } = counted(2);
    const [, kept, third, fourth] = [released(), released(), released(), released()];
    t.same(lingering(), [third.id, fourth.id]);
    t.same([third.state, fourth.state], ['unknown', 'unknown']);
    t.equal(charged(), 2 * SIZE);
    t.equal(broker.unprovenBytes, 2 * SIZE);
    sweep({ held: [identity(kept), identity(third)] });
    t.same(lingering(), [third.id]);
    t.equal(third.state, 'lingering');
    t.equal(broker.unprovenBytes, SIZE);
    t.equal(charged(), SIZE);
    world.pass(GRACE_MS);
    sweep({ held: [identity(third)] });
    t.same(lingering(), [third.id], 'no grace for what is seen to be held');
    sweep();
    t.equal(lingering().length, 0);
    t.equal(charged(), 0);
    t.equal(broker.unprovenBytes, 0);
    t.equal(world.open.size, 1, 'the pidfd');
  });

  t.test('is gone where nobody was handed it', async (t) => {
    const { broker, make, lingering } = counted(0);
    broker.release(make(false), 'administrator');
    t.equal(lingering().length, 0);
  });

  t.test('is charged for its time where no sweep can see', async (t) => {
    const { world, broker, released, sweep, lingering } = counted(0);
    const buffer = released();
    sweep({ unread: [peer.uid] });
    t.same(lingering(), [buffer.id]);
    t.equal(buffer.state, 'unknown');
    world.pass(GRACE_MS);
    broker.poll();
    t.equal(lingering().length, 0);
    t.equal(broker.wait, -1, 'and is not sought any more');
  });

  t.test('is not gone with its recipients where a sweep can see', async (t) => {
    const { world, client, pidfd, broker, make, sweep, look, lingering } = counted(0);
    const buffer = make();
    broker.disconnect(client);
    world.ended.add(pidfd);
    look();
    t.same(lingering(), [buffer.id], 'they may have passed it on');
    sweep({ held: [identity(buffer)] });
    t.same(lingering(), [buffer.id]);
    sweep({ hidden: true });
    t.same(lingering(), [], 'where none can, it is');
    t.equal(world.open.size, 0);
  });

  t.test('an allocation that needs its room waits until it is known', async (t) => {
    const { world, broker, client, released, sweep, lingering } = counted(0);
    broker.setQuotas('configuration', new Map([['user/default', { bytes: SIZE }]]), 'user/default');
    const buffer = released();
    const outcomes: string[] = [];
    const ask = () =>
      broker.allocate({ client, peer }, request({ handleTypes: ['dma_buf'] }), (result) =>
        outcomes.push('error' in result ? result.error.code : 'made'),
      );
    ask();
    t.same([outcomes, world.pending.length], [[], 0], 'neither refused nor made');
    sweep();
    t.equal(lingering().length, 0);
    t.equal(world.pending.length, 1);
    broker.release(buffer, 'owner');
    world.answer(0, 1, { identities: [`1:${++memories}`] });
    t.same(outcomes, ['made']);

    const [made] = [...client.owned];
    if (made === undefined) throw new Error('it was made');
    broker.sharing.handedOut(made, client);
    world.held.set(made.allocation.key, 'counted');
    broker.release(made, 'owner');
    ask();
    t.same(outcomes, ['made']);
    sweep({ held: [identity(made)] });
    t.same(outcomes, ['made', 'limit_exceeded'], 'it is held: there is nothing to wait for');
    ask();
    t.same(outcomes, ['made', 'limit_exceeded', 'limit_exceeded']);
  });

  t.test('of much that is proven at once, a turn lets go of little', async (t) => {
    const { released, sweep, look, lingering } = counted(0);
    const all = Array.from({ length: 5 * LINGERING_CHECKS_PER_TURN }, released);
    for (let i = 0; i < 10; i++) look();
    // It was asked for when some of them were sought; the next one is for all.
    sweep({ held: all.map(identity) });
    t.equal(lingering().length, all.length);
    sweep();
    const left = lingering().length;
    t.ok(left >= all.length - 2 * LINGERING_CHECKS_PER_TURN, `${left}`);
    for (let i = 0; i < 10; i++) look();
    t.equal(lingering().length, 0);
  });
});

t.test(
  'who releases as fast as it allocates is looked at first, whatever lingers of others',
  async (t) => {
    const { world, broker, allocate, hold } = make();
    const other = broker.connect(peer);
    const many = Array.from({ length: 200 }, () => allocate(other));
    for (const buffer of many) hold(buffer, 'lingering');
    broker.disconnect(other);
    broker.poll();
    const client = broker.connect(peer);
    for (let turn = 0; turn < 200; turn++) {
      const buffer = allocate(client);
      broker.release(buffer, 'owner');
      t.notOk([...broker.lingering].includes(buffer), 'it is gone in the turn that released it');
      broker.poll();
      world.pass(0.1);
    }
  },
);

t.test('pidfds that are kept have an end', async (t) => {
  const { world, broker, allocate, pass, hold } = make(opaque);
  const owner = broker.connect(peer, world.openFd());
  const keep = Array.from({ length: 20 }, () => allocate(owner));
  for (let i = 0; i < PAST + 10; i++) {
    const client = broker.connect(peer, world.openFd());
    const buffer = keep[Math.floor(i / MAX_PAST_RECIPIENTS)] as BrokerBuffer;
    broker.sharing.handedOut(buffer, client);
    broker.disconnect(client);
  }
  t.equal(world.open.size, keep.length + 1 + PAST);
  const first = keep[0] as BrokerBuffer;
  hold(first, 'unknown');
  broker.disconnect(owner);
  for (const fd of world.open) world.ended.add(fd);
  pass(30_000);
  t.same([...broker.lingering], [first], 'of those given up nothing is known: the time decides');
  pass(GRACE_MS);
  t.equal(world.open.size, 0);
});

t.test('the daemon ends', async (t) => {
  const { world, broker, allocate, hold } = make();
  const client = broker.connect(peer, world.openFd());
  const [held, sending] = [allocate(client), allocate(client)];
  hold(held, 'lingering');
  const message = sending.held.retain();
  broker.disconnect(client);
  broker.close();
  t.same([...broker.lingering], []);
  t.equal(world.open.size, 1);
  message.release();
  t.equal(world.open.size, 0);
});

t.test('what is let go of while the daemon ends is gone at once, whoever has it', async (t) => {
  const { world, broker, allocate, hold } = make();
  const client = broker.connect(peer, world.openFd());
  const lingers = allocate(client);
  hold(lingers, 'lingering');
  broker.release(lingers, 'owner');
  const [bound, sending] = [allocate(client), allocate(client)];
  hold(bound, 'lingering');
  const message = sending.held.retain();
  broker.end();
  t.same([...broker.lingering], []);
  broker.disconnect(client);
  t.same([[...broker.lingering], [...broker.buffers]], [[], []]);
  t.equal(broker.quotas.accounts.daemon.charge.bytes, 0);
  broker.close();
  t.equal(world.open.size, 1);
  message.release();
  t.equal(world.open.size, 0);
});

t.test('memory that is registered more than once', async (t) => {
  function make() {
    const world = new FakeWorld();
    const broker = new Broker(world, { sources: [memfd], offers });
    const connect = (uid: number) => broker.connect({ ...peer, uid });
    const charged = (uid: number) =>
      broker.quotas.accounts.find('user', String(uid))?.charge.buffers ?? 0;
    /** Memory of the broker's own. */
    const allocate = (client: Client, ...identities: string[]): BrokerBuffer => {
      broker.allocate({ client, peer: client.peer }, request(), () => {});
      world.answer(0, identities.length, { identities });
      return [...client.owned].at(-1) as BrokerBuffer;
    };
    const bring = (client: Client, ...identities: string[]): BrokerBuffer => {
      const planes = identities.map(() => ({ fd: world.openFd(), offset: 0, stride: 0 }));
      const { spec, lifetime, name } = request();
      const owner = { client, peer: client.peer };
      broker.import(owner, { spec, planes, lifetime, name }, () => {});
      world.answerImport({ identities });
      return [...client.owned].at(-1) as BrokerBuffer;
    };
    /** Somebody has an fd of it, the daemon itself or a client. */
    const hold = (...buffers: BrokerBuffer[]) => {
      for (const { allocation } of buffers) world.held.set(allocation.key, 'lingering');
    };
    const look = () => {
      world.pass(10_000);
      broker.poll();
    };
    return { world, broker, connect, charged, allocate, bring, hold, look };
  }

  t.test('an import that is released while the buffer lives is gone', async (t) => {
    const { world, broker, connect, charged, allocate, bring, hold } = make();
    const [maker, importer] = [connect(1), connect(2)];
    const made = allocate(maker, '1:1');
    const imported = bring(importer, '1:1');
    hold(made, imported);
    t.same([charged(1), charged(2)], [1, 1]);
    broker.release(imported, 'owner');
    t.same([...broker.lingering], []);
    t.same([charged(1), charged(2)], [1, 0], 'it is charged to who made it');
    t.same([...world.open], made.held.fds);
    broker.release(made, 'owner');
    t.same([...broker.lingering], [made], 'and there until nobody has it');
  });

  t.test('who asked first is charged until it is gone', async (t) => {
    const { world, broker, connect, charged, allocate, bring, hold, look } = make();
    const [maker, importer] = [connect(1), connect(2)];
    const made = allocate(maker, '1:1');
    const imported = bring(importer, '1:1');
    hold(made, imported);
    broker.release(made, 'owner');
    t.same([...broker.lingering], [made], 'the daemon has it for the importer');
    broker.release(imported, 'owner');
    t.same([charged(1), charged(2)], [1, 0]);
    world.held.clear();
    look();
    t.same([charged(1), charged(2)], [0, 0]);
    t.equal(world.open.size, 0);
  });

  t.test('imported twice', async (t) => {
    const { broker, connect, charged, bring, hold, look, world } = make();
    const [one, other] = [connect(1), connect(2)];
    const [first, second] = [bring(one, '1:1'), bring(other, '1:1')];
    hold(first, second);
    broker.disconnect(other);
    t.same([...broker.lingering], []);
    const third = bring(one, '1:1');
    hold(third);
    broker.release(first, 'owner');
    broker.release(third, 'owner');
    t.same([...broker.lingering], [first], 'one of them is left to be looked at');
    world.held.clear();
    look();
    t.equal(charged(1), 0);
    t.equal(world.open.size, 0);
  });

  t.test('planes: all of its memories must be charged elsewhere', async (t) => {
    const { broker, connect, allocate, bring, hold } = make();
    const client = connect(1);
    allocate(client, '1:1');
    const [both, one] = [bring(client, '1:1', '1:2'), bring(client, '1:1')];
    hold(both, one);
    broker.release(one, 'owner');
    t.same([...broker.lingering], []);
    broker.release(both, 'owner');
    t.same([...broker.lingering], [both], 'nobody else is charged for its second memory');
  });

  t.test('a re-issued buffer keeps its place with the memory that it had', async (t) => {
    const { world, broker, connect, charged, allocate, bring, hold } = make();
    const [maker, importer] = [connect(1), connect(2)];
    const made = allocate(maker, '1:1');
    const imported = bring(importer, '1:1');
    hold(made, imported);
    broker.deviceLost([made.allocation]);
    broker.reissue(made, () => {});
    world.answer(0, 1, { identities: ['1:2'] });
    t.match([...broker.lingering], [{ formerOf: made.id }]);
    broker.release(imported, 'owner');
    t.same([charged(1), charged(2)], [2, 0]);
  });
});

t.test('of what the kernel does not count, each buffer stays for its own recipients', async (t) => {
  const { world, broker, hold } = make(opaque);
  const [maker, other] = [
    broker.connect(peer, world.openFd()),
    broker.connect(peer, world.openFd()),
  ];
  const buffers = [maker, other].map((client) => {
    broker.allocate({ client, peer }, request({ handleTypes: ['opaque_fd'] }), () => {});
    world.answer(0, 1, { identities: ['1:1'] });
    const [buffer] = client.owned as Iterable<BrokerBuffer>;
    broker.sharing.handedOut(buffer as BrokerBuffer, client);
    hold(buffer as BrokerBuffer, 'unknown');
    return buffer as BrokerBuffer;
  });
  broker.disconnect(other);
  t.same([...broker.lingering], [buffers[1]]);
});
