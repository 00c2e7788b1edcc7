/** What the service manager is told, in which order, and for whom; with a manager that tests have in hand. */
import t from 'tap';
import { FdStore, type FoundFd } from '../../../src/server/kept/fd-store.js';
import type { StoredFd } from '../../../src/server/kept/stored-files.js';
import { FakeClock } from '../../support/clock.js';

/** As much of systemd as matters: it takes a file once, and removes by name. */
class Manager {
  readonly clock = new FakeClock();
  /** What it was told, oldest first: `+name`, `-name`. */
  readonly told: string[] = [];
  /** Name → identity (or a mark, for a file that cannot be told from others). */
  readonly stored = new Map<string, string>();
  /** Files by fd; one that is not there is closed. */
  readonly files = new Map<number, string | null>();
  /** So many messages more have room; others are `failed` where it is null. */
  room: number | null = Number.POSITIVE_INFINITY;
  readonly references = new Map<string, number>();
  /** What each message takes it. */
  costMs = 0;
  busyMs = 0;
  readAt = 0;
  #lastFd = 10;

  readonly send = (state: string, fds: readonly number[]) => {
    if (this.room === null) return 'failed';
    if (this.room === 0) return 'full';
    this.room--;
    this.busyMs += this.costMs;
    this.readAt = Math.max(this.readAt, this.clock.now()) + this.costMs;
    const lines = state.split('\n');
    const name = lines.at(-1)?.replace('FDNAME=', '') ?? '';
    const [fd] = fds;
    if (fd === undefined) {
      if (lines[0] !== 'FDSTOREREMOVE=1') throw new Error(state);
      this.told.push(`-${name}`);
      this.stored.delete(name);
      return 'sent';
    }
    if (state !== `FDSTORE=1\nFDPOLL=0\nFDNAME=${name}`) throw new Error(state);
    const identity = this.files.get(fd);
    if (identity === undefined) throw new Error(`fd ${fd} is closed`);
    this.told.push(`+${name}`);
    if (identity === null || ![...this.stored.values()].includes(identity)) {
      this.stored.set(name, identity ?? `opaque ${fd}`);
    }
    return 'sent';
  };

  /** It has read a message before it does what that takes. */
  readonly unread = () => this.readAt - this.costMs > this.clock.now();

  readonly referred = (identity: string, by: 1 | -1) => {
    this.references.set(identity, (this.references.get(identity) ?? 0) + by);
  };

  /** An open fd of a file. */
  fd(name: string, identity: string | null): StoredFd {
    const fd = ++this.#lastFd;
    this.files.set(fd, identity);
    return { name, fd, identity };
  }
}

function make({ max = 100, perSecond = 100 } = {}) {
  const manager = new Manager();
  const store = new FdStore(manager, { max, perSecond });
  const answers: string[] = [];
  const put = (id: string, identities: readonly (string | null)[] = [`file of ${id}`], uid = 1) => {
    const fds = identities.map((identity, i) => manager.fd(`${id}-${i}`, identity));
    store.put(uid, { id, fds, done: (stored) => answers.push(`${id} ${stored}`) });
    return fds;
  };
  /** As the registry does: from the store first, or from its queue. */
  const drop = (id: string, fds: readonly StoredFd[]) => {
    store.drop(id);
    for (const { fd } of fds) manager.files.delete(fd);
  };
  return { manager, store, answers, put, drop };
}

t.test('all of a buffer, then its answer', async (t) => {
  const { manager, store, answers, put, drop } = make();
  const fds = put('a', ['x', 'y']);
  t.same(manager.told, ['+a-0', '+a-1']);
  t.same(answers, ['a true']);
  t.equal(store.has('a'), true);
  t.equal(store.wait, -1);
  t.same([...manager.references.values()], [1, 1]);
  drop('a', fds);
  t.equal(store.wait, 0, 'soon');
  store.run();
  t.same(manager.told.slice(2), ['-a-0', '-a-1']);
  t.same([...manager.references.values()], [0, 0]);
  t.same([store.size, manager.stored.size, store.wait], [0, 0, -1]);
});

t.test('a manager without room, in the midst of a buffer', async (t) => {
  const { manager, store, answers, put } = make();
  manager.room = 2;
  put('a', ['x', 'y', 'z']);
  t.same(answers, []);
  t.ok(store.wait > 0, 'it is asked again');
  t.equal(store.waiting, 1);
  manager.room = 1;
  store.run();
  manager.room = Number.POSITIVE_INFINITY;
  store.run();
  t.same(answers, ['a true']);
  t.same(manager.told, ['+a-0', '+a-1', '-a-0', '-a-1', '+a-0', '+a-1', '+a-2']);
  t.same([...manager.stored.keys()], ['a-0', 'a-1', 'a-2']);
  t.same([...manager.references.values()], [1, 1, 1]);
});

t.test('a buffer that goes while it waits', async (t) => {
  const { manager, store, answers, put, drop } = make();
  manager.room = 0;
  const [a, b] = [put('a'), put('b')];
  drop('a', a);
  t.same(answers, ['a false']);
  manager.room = 1;
  store.run();
  t.same(manager.told, ['+b-0'], 'nothing is said of it');
  manager.room = 0;
  drop('b', b);
  store.run();
  t.ok(store.wait > 0);
  put('c');
  manager.room = Number.POSITIVE_INFINITY;
  store.run();
  t.same(manager.told, ['+b-0', '-b-0', '+c-0']);
  t.same(answers, ['a false', 'b true', 'c true']);
});

t.test('what is cancelled is not in the store, what is there stays', async (t) => {
  const { manager, store, answers, put } = make();
  put('a');
  manager.room = 0;
  store.run();
  put('b');
  for (const id of ['a', 'b']) store.cancel(id);
  t.same(answers, ['a true', 'b false']);
  manager.room = 10;
  store.run();
  t.same([...manager.stored.keys()], ['a-0']);
});

t.test('the same buffer twice', async (t) => {
  const { manager, store, answers } = make();
  manager.room = 0;
  const fds = [manager.fd('a-0', 'x')];
  for (const n of [1, 2]) {
    store.put(1, { id: 'a', fds, done: (stored) => answers.push(`${n} ${stored}`) });
  }
  manager.room = Number.POSITIVE_INFINITY;
  store.run();
  t.same(answers, ['1 true', '2 true']);
  store.drop('a');
  store.run();
  t.same(manager.told, ['+a-0', '-a-0'], 'one of it was there');
  t.equal(manager.stored.size, 0);
});

t.test('two buffers of the same memory', async (t) => {
  for (const [first, second] of [
    ['a', 'b'],
    ['b', 'a'],
  ] as const) {
    const { manager, store, answers, put, drop } = make();
    const fds = new Map([
      ['a', put('a', ['x'])],
      ['b', put('b', ['x'])],
    ]);
    t.same(answers, ['a true', 'b true']);
    t.same([...manager.stored], [['a-0', 'x']], 'the manager would take no other');
    t.equal(manager.references.get('x'), 1);
    drop(first, fds.get(first) ?? []);
    store.run();
    t.same([...manager.stored], [[`${second}-0`, 'x']], `${second} is there in its place`);
    t.equal(manager.references.get('x'), 1);
    drop(second, fds.get(second) ?? []);
    store.run();
    t.same([manager.stored.size, store.size, manager.references.get('x')], [0, 0, 0]);
  }
});

t.test('both go while the manager does not read', async (t) => {
  const { manager, store, put, drop } = make();
  const fds = { a: put('a', ['x']), b: put('b', ['x']), c: put('c', ['x']) };
  manager.room = 0;
  drop('a', fds.a);
  // Now the second is to be stored, and is closed.
  drop('b', fds.b);
  manager.room = Number.POSITIVE_INFINITY;
  t.doesNotThrow(() => store.run(), 'no closed fd is sent');
  t.same([...manager.stored], [['c-0', 'x']]);
  drop('c', fds.c);
  store.run();
  t.equal(manager.stored.size, 0);
});

t.test('files that cannot be told from one another', async (t) => {
  const { manager, store, put, drop } = make();
  const [a] = [put('a', [null]), put('b', [null])];
  t.equal(manager.stored.size, 2);
  t.equal(manager.references.size, 0);
  drop('a', a);
  store.run();
  t.same([...manager.stored.keys()], ['b-0']);
});

t.test('no more than the manager takes', async (t) => {
  const { manager, store, answers, put, drop } = make({ max: 3 });
  const a = put('a', ['x', 'y']);
  put('b', ['z', 'z2']);
  t.same(answers, ['a true', 'b false'], 'all of it or none');
  put('c', ['z3']);
  put('d', ['x']);
  t.same(answers.slice(2), ['c true', 'd true'], 'what is there already takes no room');
  drop('a', a);
  put('e', ['w']);
  t.same(answers.slice(4), ['e true']);
  t.equal(manager.stored.size, 3);
  t.equal(store.size, 3);
});

t.test('a manager that takes nothing any more', async (t) => {
  const { manager, store, answers, put, drop } = make();
  const a = put('a');
  manager.room = null;
  put('b');
  drop('a', a);
  store.run();
  t.same(answers, ['a true', 'b false']);
  t.equal(store.wait, -1);
});

t.test('so many of each user, and then so many a second', async (t) => {
  const { manager, store, answers, put } = make({ perSecond: 10 });
  for (let i = 0; i < 25; i++) put(`a${i}`);
  t.equal(answers.length, 10);
  t.ok(store.wait > 0 && store.wait <= 100, `${store.wait} ms`);
  put('b', ['b'], 2);
  t.equal(answers.at(-1), 'b true', 'the other one does not wait');
  for (let passed = 0; passed < 1000; passed += 100) {
    manager.clock.pass(100);
    store.run();
  }
  t.equal(answers.length, 21);
  manager.clock.pass(10_000);
  store.run();
  t.equal(answers.length, 26, 'all of them, and no more at once than a second has');
  t.same(
    answers.filter((each) => each.endsWith('false')),
    [],
  );
});

t.test('users have turns, however slow the manager', async (t) => {
  const { manager, store, answers, put } = make();
  manager.room = 0;
  for (let i = 0; i < 50; i++) put(`a${i}`, [`a${i}`], 1);
  for (let i = 0; i < 5; i++) put(`b${i}`, [`b${i}`], 2);
  for (let turn = 0; turn < 11; turn++) {
    manager.room = 1;
    store.run();
  }
  const of = (user: string) => answers.filter((each) => each.startsWith(user)).length;
  t.same([of('a'), of('b')], [6, 5]);
});

t.test('what was there before', async (t) => {
  const { manager, store, put } = make();
  const named = (fd: StoredFd, isNamed: boolean): FoundFd => ({ ...fd, named: isNamed });
  // The double comes first, and one has a name that is no buffer's.
  for (const [name, file] of [
    ['b-0', 'x'],
    ['lost-0', 'y'],
    ['other-0', 'z'],
  ]) {
    manager.stored.set(name as string, file as string);
  }
  store.forget(['lost-0', 'other-0']);
  const [a, b, c] = [manager.fd('a-0', 'x'), manager.fd('b-0', 'x'), manager.fd('c-0', 'y')];
  store.found(
    new Map([
      ['a', [named(a, false)]],
      ['b', [named(b, true)]],
      ['c', [named(c, false)]],
    ]),
  );
  store.run();
  t.same(Object.fromEntries(manager.stored), { 'b-0': 'x', 'c-0': 'y' });
  t.same(Object.fromEntries(manager.references), { x: 1, y: 1 });
  for (const id of ['a', 'b', 'c']) t.ok(store.has(id));
  store.drop('b');
  manager.files.delete(b.fd);
  store.run();
  t.same(Object.fromEntries(manager.stored), { 'a-0': 'x', 'c-0': 'y' });
  for (const id of ['a', 'c']) store.drop(id);
  store.run();
  t.equal(manager.stored.size, 0);
  put('d', ['x']);
  t.same([...manager.stored.keys()], ['d-0']);
});

t.test('a manager that needs long for each has as long for others', async (t) => {
  const { manager, store, put } = make({ perSecond: 10_000, max: 100_000 });
  manager.costMs = 8;
  let n = 0;
  /** Of the manager's time, in ten seconds in which there is always one more for it. */
  const busy = () => {
    const before = manager.busyMs;
    for (const until = manager.clock.now() + 10_000; manager.clock.now() < until; ) {
      while (store.waiting < 3) put(`b${n++}`, [`x${n}`], n % 5);
      store.run();
      manager.clock.pass(Math.min(10, Math.max(1, store.wait)));
    }
    return (manager.busyMs - before) / 10_000;
  };
  busy();
  const part = busy();
  t.ok(part > 0.1 && part < 0.35, `${part}`);
  manager.clock.pass(10_000);
  store.run();
  t.equal(store.waiting, 0);
  manager.clock.pass(1_000);
  store.run();
  t.equal(store.wait, -1, 'nothing is left to look for');
});

t.test('a manager that reads nothing is told no more than a few', async (t) => {
  const { manager, store, put, drop } = make({ perSecond: 10_000, max: 10_000 });
  manager.costMs = 1_000_000;
  const all = Array.from({ length: 500 }, (_, i) => ({ id: `b${i}`, fds: put(`b${i}`) }));
  const told = manager.told.length;
  t.ok(told > 0 && told < 100, `${told}`);
  for (const { id, fds } of all) drop(id, fds);
  manager.clock.pass(60_000);
  store.run();
  t.equal(manager.told.length, told);
  [manager.costMs, manager.readAt] = [0, 0];
  for (let i = 0; i < 200; i++) {
    store.run();
    manager.clock.pass(20);
  }
  t.same([manager.stored.size, store.wait], [0, -1]);
});
