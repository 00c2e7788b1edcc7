/** What goes to the keeper, and when; with a manager and a keeper that tests have in hand. */
import t from 'tap';
import { FdStore, type Overflow, type Sent } from '../../../src/server/kept/fd-store.js';
import type { StoredFd } from '../../../src/server/kept/stored-files.js';
import { FakeClock } from '../../support/clock.js';

class Keeper implements Overflow {
  readonly has_ = new Set<string>();
  readonly owed = new Set<string>();
  readonly brought = new Set<string>();
  answer: Sent = 'sent';
  ran = 0;

  get size(): number {
    return this.has_.size + this.owed.size + this.brought.size;
  }
  get held(): number {
    return this.has_.size;
  }
  has(name: string): boolean {
    return this.has_.has(name) || this.owed.has(name) || this.brought.has(name);
  }
  put(fds: readonly StoredFd[]): Sent {
    if (this.answer === 'sent') for (const { name } of fds) this.has_.add(name);
    return this.answer;
  }
  owe({ name }: StoredFd): void {
    this.owed.add(name);
  }
  claim({ name }: StoredFd): void {
    if (this.brought.delete(name)) this.has_.add(name);
  }
  dropUnclaimed(): void {
    this.brought.clear();
  }
  drop(name: string): boolean {
    const sets = [this.has_, this.owed, this.brought];
    return sets.map((set) => set.delete(name)).includes(true);
  }
  run(): void {
    this.ran++;
  }
  get wait(): number {
    return -1;
  }
}

function make({ max = 2, perSecond = 100 } = {}) {
  const clock = new FakeClock();
  const keeper = new Keeper();
  const told: string[] = [];
  const references = new Map<string, number>();
  const world = {
    clock,
    send: (state: string): Sent => {
      const sign = state.startsWith('FDSTORE=1') ? '+' : '-';
      told.push(`${sign}${state.split('FDNAME=')[1]}`);
      return 'sent';
    },
    unread: () => false,
    referred: (identity: string, by: 1 | -1) =>
      void references.set(identity, (references.get(identity) ?? 0) + by),
  };
  const store = new FdStore(world, { max, perSecond }, keeper);
  const answers: string[] = [];
  const put = (id: string, identities: readonly (string | null)[] = [`file of ${id}`], uid = 1) => {
    const fds = identities.map((identity, i) => ({ name: `${id}-${i}`, fd: 100 + i, identity }));
    store.put(uid, { id, fds, done: (stored) => answers.push(`${id} ${stored}`) });
  };
  return { clock, keeper, told, references, store, answers, put };
}

t.test('where the manager is full, all of a buffer is with the keeper', async (t) => {
  const { keeper, told, references, store, answers, put } = make();
  put('a');
  put('b', ['x', 'y']);
  put('c');
  t.same(told, ['+a-0', '+c-0']);
  t.same([...keeper.has_], ['b-0', 'b-1']);
  t.same(answers, ['a true', 'b true', 'c true']);
  t.same([store.size, store.over], [2, 2]);
  t.same(
    Object.fromEntries(references),
    { 'file of a': 1, 'file of c': 1 },
    'of the manager alone',
  );
  store.drop('b');
  t.same([...keeper.has_], []);
  store.drop('a');
  store.run();
  put('d');
  t.same(told.slice(2), ['-a-0', '+d-0'], 'and then the manager has room again');
  t.same([store.size, store.over], [2, 0]);
});

t.test(
  'what is too fast for the manager goes to the keeper, and waits where that cannot',
  async (t) => {
    const { clock, keeper, told, store, answers, put } = make({ max: 100, perSecond: 2 });
    for (const id of ['a', 'b', 'c']) put(id);
    t.same(told, ['+a-0', '+b-0']);
    t.same([...keeper.has_], ['c-0']);
    for (const answer of ['full', 'failed'] as const) {
      keeper.answer = answer;
      put(answer);
      t.equal(store.waiting, 1);
      t.equal(answers.length, told.length + 1);
      clock.pass(2000);
      store.run();
      t.equal(told.at(-1), `+${answer}-0`);
      put(`${answer}2`);
    }
  },
);

t.test('where neither has room it is said, and where the keeper is busy it waits', async (t) => {
  const { keeper, store, answers, put } = make({ max: 0 });
  keeper.answer = 'failed';
  put('a');
  t.same(answers, ['a false']);
  keeper.answer = 'full';
  put('b');
  t.equal(store.waiting, 1);
  keeper.answer = 'sent';
  store.run();
  t.equal(keeper.ran, 1);
  t.same(answers, ['a false', 'b true']);
});

t.test('one file is in one place', async (t) => {
  const { keeper, told, store, put } = make({ max: 1 });
  put('a', ['x']);
  put('b', ['y', 'y']);
  put('c', ['x']);
  put('d', ['y']);
  t.same(told, ['+a-0']);
  t.same([...keeper.has_], ['b-0']);
  store.drop('a');
  store.drop('b');
  store.run();
  t.same(told, ['+a-0', '-a-0', '+c-0'], 'the next name has the place');
  t.same([...keeper.has_, ...keeper.owed], ['d-0']);
  store.drop('d');
  t.equal(keeper.size, 0);
});

t.test('what was found with either', async (t) => {
  const { keeper, told, references, store } = make();
  for (const name of ['b-0', 'lost-0']) keeper.brought.add(name);
  const found = (name: string, identity: string) => [{ name, fd: 100, identity, named: true }];
  store.forget(['lost-0', 'other-0']);
  store.found(
    new Map([
      ['a', found('a-0', 'x')],
      ['b', found('b-0', 'y')],
    ]),
  );
  store.run();
  t.same(told, ['-other-0']);
  t.same([...keeper.has_], ['b-0']);
  t.equal(keeper.size, 1);
  t.same([store.size, store.over], [1, 1]);
  t.same(Object.fromEntries(references), { x: 1 });
});
