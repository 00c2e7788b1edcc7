/** Each of many is visited, a bounded number of them in a turn, and all again where something happened meanwhile. */
import fc from 'fast-check';
import t from 'tap';
import { Rounds } from '../../src/broker/rounds.js';

class Bench {
  readonly members = new Map<string, Set<number>>();
  /** In their order. */
  visits: [key: string, each: number, about: string][] = [];
  onVisit: (key: string, each: number) => void = () => {};
  readonly rounds: Rounds<string, number, string>;

  constructor(atMost: number) {
    this.rounds = new Rounds({
      atMost,
      members: (key) => this.members.get(key) ?? [],
      visit: (each, key, about) => {
        this.visits.push([key, each, about]);
        this.onVisit(key, each);
      },
    });
  }

  run(): typeof this.visits {
    this.visits = [];
    this.rounds.run();
    return this.visits;
  }
}

t.test('of several rounds each has one in turn, and no turn has more than so many', async (t) => {
  const bench = new Bench(4);
  bench.members.set('a', new Set([1, 2, 3]));
  bench.members.set('b', new Set([7]));
  bench.rounds.begin('a', 'x');
  bench.rounds.begin('b', 'y');
  bench.rounds.begin('none', '');
  t.same(bench.run(), [
    ['a', 1, 'x'],
    ['b', 7, 'y'],
    ['a', 2, 'x'],
  ]);
  t.ok(bench.rounds.has('a') && bench.rounds.waiting);
  t.same(bench.run(), [['a', 3, 'x']]);
  t.notOk(bench.rounds.has('a') || bench.rounds.waiting);
  t.same(bench.run(), []);
});

t.test('called for again before it has begun it is one, after that two', async (t) => {
  const bench = new Bench(2);
  const all = new Set([1, 2]);
  bench.members.set('a', all);
  bench.rounds.begin('a', 'x');
  all.add(3);
  bench.rounds.begin('a', 'y');
  t.same(bench.run(), [
    ['a', 1, 'y'],
    ['a', 2, 'y'],
  ]);
  bench.rounds.begin('a', 'z');
  bench.rounds.begin('a', 'z');
  all.delete(1);
  // The end of a round counts as one of a turn, so that rounds of nobody end, too.
  t.same(bench.run(), [['a', 3, 'z']]);
  t.same(bench.run().concat(bench.run()), [
    ['a', 2, 'z'],
    ['a', 3, 'z'],
  ]);
  t.notOk(bench.rounds.waiting);
});

t.test('a visit may call for the round again, end it, or begin another', async (t) => {
  const bench = new Bench(100);
  bench.members.set('a', new Set([1, 2]));
  bench.members.set('b', new Set([3]));
  let again = 1;
  bench.onVisit = (key, each) => {
    if (key === 'a' && each === 1 && again-- > 0) bench.rounds.begin('a', 'again');
    if (key === 'a' && each === 2 && again < 0) {
      bench.rounds.end('a');
      bench.rounds.begin('b', 'other');
    }
  };
  bench.rounds.begin('a', 'first');
  t.same(bench.run(), [
    ['a', 1, 'first'],
    ['a', 2, 'again'],
    ['a', 1, 'again'],
    ['a', 2, 'again'],
    ['b', 3, 'other'],
  ]);
  t.notOk(bench.rounds.waiting);
});

t.test(
  'whatever is added, called for and run: who was there at the last call is visited',
  async (t) => {
    const action = fc.oneof(
      fc.record({ do: fc.constant('add' as const), key: fc.integer({ max: 2, min: 0 }) }),
      fc.record({ do: fc.constant('remake' as const), key: fc.integer({ max: 2, min: 0 }) }),
      fc.record({ do: fc.constant('begin' as const), key: fc.integer({ max: 2, min: 0 }) }),
      fc.record({ do: fc.constant('run' as const), key: fc.constant(0) }),
    );
    const property = fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const bench = new Bench(3);
      const owed = new Set<number>();
      bench.onVisit = (_, each) => owed.delete(each);
      let last = 0;
      for (const { do: what, key } of actions) {
        const name = String(key);
        const members = bench.members.get(name) ?? new Set();
        if (what === 'add') bench.members.set(name, members.add(++last));
        else if (what === 'begin') {
          for (const each of members) owed.add(each);
          bench.rounds.begin(name, '');
        } else if (what === 'remake') {
          // Nobody of before is there any more, as where all who waited have gone and others come.
          for (const each of members) owed.delete(each);
          bench.members.set(name, new Set([++last]));
        } else if (bench.run().length > 3) throw new Error('more than a turn has');
      }
      for (let turn = 0; bench.rounds.waiting; turn++) {
        if (turn > 200) throw new Error('it does not end');
        bench.run();
      }
      if (owed.size > 0) throw new Error(`${[...owed]} were called for and not visited`);
    });
    fc.assert(property, { numRuns: 200 });
    t.pass();
  },
);
