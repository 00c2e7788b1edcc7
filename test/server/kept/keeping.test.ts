/** What is known of buffers, in a file that has room for few: who loses what when it is full, and that a restart takes no more. */
import t from 'tap';
import { Broker } from '../../../src/broker/broker.js';
import type { BrokerBuffer } from '../../../src/broker/buffer.js';
import type { Document } from '../../../src/broker/document.js';
import { close, duplicate } from '../../../src/native/libc/fd.js';
import { sealedBytes } from '../../../src/native/libc/memory.js';
import { Slots } from '../../../src/native/slots.js';
import { FdStore, type StoreLimits } from '../../../src/server/kept/fd-store.js';
import { findKept } from '../../../src/server/kept/found.js';
import { Keeping } from '../../../src/server/kept/keeping.js';
import { VERSION } from '../../../src/server/kept/records.js';
import { FakeWorld, memfd, offers, peer, request } from '../../broker/support/world.js';

const GRACE_MS = 60_000;
const TERMS = { uses: 5, uid: null, seconds: null };

class World extends FakeWorld {
  readonly broker: Broker = new Broker(this, { sources: [memfd], offers });
  readonly kept: Keeping;
  full = 0;
  readonly files = new Set<number>();

  constructor(
    readonly slots: Slots,
    limits: StoreLimits = { max: 0, perSecond: 100 },
  ) {
    super();
    const store = {
      ...{ send: () => 'sent' as const, unread: () => false, referred: () => {} },
      clock: this.clock,
    };
    this.kept = new Keeping(
      () => ({ broker: this.broker, full: () => this.full++, unkept: () => {} }),
      slots,
      new FdStore(store, limits),
    );
    this.observer = this.kept;
  }

  override keep(buffer: BrokerBuffer, kept: () => void): void {
    this.kept.keep(buffer, kept);
  }

  /** Files, which are told apart. */
  override sealText(text: string): number {
    const fd = sealedBytes('document', text);
    this.open.add(fd);
    this.files.add(fd);
    return fd;
  }

  override closeFd(fd: number): void {
    super.closeFd(fd);
    if (this.files.delete(fd)) close(fd);
  }

  override keepMetadata(buffer: BrokerBuffer, metadata: Document, kept: () => void): void {
    this.kept.keepMetadata(buffer, metadata, kept);
  }

  /** So many buffers of a connection that is new, with so many tokens. */
  fill(count: number, tokens: number, who: Partial<typeof peer> = {}): BrokerBuffer[] {
    const client = this.broker.connect({ ...peer, ...who });
    for (let i = 0; i < count; i++) {
      this.broker.allocate({ client, peer: client.peer }, request(), () => {});
      this.answer();
      this.kept.flush();
    }
    for (const buffer of client.owned) {
      for (let i = 0; i < tokens; i++) this.broker.sharing.share(buffer, TERMS);
      this.kept.flush();
    }
    return [...client.owned];
  }

  /** The daemon is killed, and there is another. */
  restarted(): World {
    const { slots } = Slots.open(duplicate(this.slots.fd), VERSION);
    this.slots.close();
    const found = findKept(slots.records(), [], {
      ...{ identity: String, dmaBuf: () => null, duplicate: (fd: number) => fd },
    });
    const next = new World(slots);
    next.kept.found(found);
    next.broker.restore(found.clients, found.buffers, { client: 0, token: 0 }, GRACE_MS);
    next.kept.flush();
    return next;
  }

  get ids(): string[] {
    return [...this.broker.buffers].map(({ id }) => id).sort();
  }
}

t.test('a restart takes no room: what there was is there after one and after the next', (t) => {
  const COUNT = 1024;
  let world = new World(Slots.make('test', COUNT, VERSION));
  world.fill(90, 18);
  const { ids } = world;
  t.equal(ids.length, 90);
  // Each is written anew by the next daemon: for that there is room, but not twice as much.
  t.ok(world.slots.free < COUNT / 4, `${world.slots.free} are free`);
  for (let restart = 1; restart <= 3; restart++) {
    const { free } = world.slots;
    world = world.restarted();
    t.same(world.ids, ids, `restart ${restart}`);
    t.equal(world.full, 0);
    t.equal(world.slots.free, free);
    t.equal(world.kept.use.unkept, 0);
  }
  world.slots.close();
  t.end();
});

t.test('who commits to another user’s buffer uses a rate of its own', (t) => {
  const PER_SECOND = 2;
  const world = new World(Slots.make('test', 1024, VERSION), { max: 1000, perSecond: PER_SECOND });
  const [alice, bob] = [1001, 1002].map((uid) => world.broker.connect({ ...peer, uid }));
  if (!alice || !bob) throw new Error('nobody');
  const answered: string[] = [];
  const ask = (lastingName: string) => {
    const wanted = request({ lifetime: 'until_released', lastingName });
    world.broker.allocate({ client: alice, peer: alice.peer }, wanted, () =>
      answered.push(lastingName),
    );
    world.answer();
  };
  ask('hers');
  const [buffer] = alice.owned;
  if (buffer?.lasting == null) throw new Error('it has no name');
  // As where her policy lets him (claims.ts).
  buffer.lasting.writer = bob;
  world.clock.pass(10_000);
  const by = { client: bob, watcher: { released: () => {} }, waiting: () => {} };
  let done = 0;
  for (let n = 0; n < PER_SECOND + 3; n++) {
    const metadata = () => Buffer.from(`{"n":${n}}`);
    world.broker.commits.commit(by, buffer, { revision: 0, metadata }, () => done++);
    world.broker.poll();
  }
  t.ok(done < PER_SECOND + 3, `his wait: ${done} are done`);
  ask('more');
  t.same(answered, ['hers', 'more'], 'hers do not');
  for (const each of [...alice.owned]) world.broker.release(each, 'owner');
  world.kept.flush();
  t.equal(world.files.size, 0, 'no document is left open');
  world.slots.close();
  t.end();
});

t.test(
  'whose records are long has its part of the file all the same, and others have theirs',
  (t) => {
    let world = new World(Slots.make('test', 1024, VERSION));
    const early = world.fill(3, 0, { uid: 1001 });
    // As a tree of its own that the service manager has given to a user.
    world.fill(150, 0, { uid: 1002, cgroup: `/a.slice${'/long'.repeat(700)}` });
    t.equal(world.full, 1);
    t.ok(world.kept.use.unkept > 100, 'of the same user');
    for (const buffer of early) world.broker.sharing.share(buffer, TERMS);
    world.kept.flush();
    const late = world.fill(3, 2, { uid: 1001 });
    const ids = [...early, ...late].map(({ id }) => id);
    for (let restart = 1; restart <= 2; restart++) {
      world = world.restarted();
      const own = [...world.broker.buffers].filter(({ charge }) => charge.who.uid === 1001);
      t.same(own.map(({ id }) => id).sort(), [...ids].sort(), `restart ${restart}`);
    }
    world.slots.close();
    t.end();
  },
);
