/** What users are called: by a file, else by who is asked, of whom there is one at a time and no more than is needed. */
import t from 'tap';
import { UserNames } from '../../../src/server/machine/user-names.js';
import type { Entry } from '../../../src/server/machine/users.js';
import { FakeClock } from '../../support/clock.js';

const entriesOf = (ids: readonly number[]): Entry[] =>
  ids.filter((id) => id < 9000).map((id) => ({ name: `n${id}`, id }));

/** Questions wait until they are answered. */
function make() {
  const clock = new FakeClock();
  const asked: (readonly number[])[] = [];
  const waiting: ((answer: Entry[] | null) => void)[] = [];
  const ask = (_: string, ids: readonly (string | number)[]) => {
    asked.push(ids.map(Number));
    return new Promise<Entry[] | null>((resolve) => waiting.push(resolve));
  };
  const names = new UserNames(clock, { ask }, () => new Map([[0, 'root']]));
  /** Answers the one question that there is. */
  const answer = async (answer?: Entry[] | null) => {
    await new Promise(setImmediate);
    const [first, ...more] = waiting.splice(0);
    if (first === undefined || more.length > 0) throw new Error(`${more.length} more are asked`);
    first(answer === undefined ? entriesOf(asked.at(-1) ?? []) : answer);
  };
  return { clock, asked, names, answer };
}

t.test('files first; others in one question, remembered for a while', async (t) => {
  const { clock, asked, names, answer } = make();
  t.same(await names.of([0]), new Map([[0, 'root']]));
  t.same(asked, []);
  const found = names.of([0, 7, 8, 9999, 4_294_967_295]);
  await answer();
  const all = new Map([
    [0, 'root'],
    [7, 'n7'],
    [8, 'n8'],
  ]);
  t.same(await found, all);
  t.same(asked, [[7, 8, 9999]]);
  t.same(await names.of([8, 0, 7, 9999]), all, 'also that there is none');
  t.equal(asked.length, 1);
  clock.pass(60_000);
  const again = names.of([7]);
  await answer([{ name: 'renamed', id: 7 }]);
  t.same(await again, new Map([[7, 'renamed']]));
});

t.test('who asks meanwhile waits for the same answer', async (t) => {
  const { asked, names, answer } = make();
  const [first, same, more] = [names.of([7]), names.of([7]), names.of([7, 8])];
  await answer();
  t.same([await first, await same], [new Map([[7, 'n7']]), new Map([[7, 'n7']])]);
  await answer();
  t.same(
    await more,
    new Map([
      [7, 'n7'],
      [8, 'n8'],
    ]),
  );
  t.same(asked, [[7], [8]]);
});

t.test('many are asked for in several questions, and whoever is silent for no more', async (t) => {
  const { asked, names, answer } = make();
  const uids = Array.from({ length: 1100 }, (_, i) => 1000 + i);
  const found = names.of(uids);
  await answer();
  await answer(null);
  t.same([...(await found).keys()], uids.slice(0, 500));
  t.same(
    asked.map(({ length }) => length),
    [500, 500],
  );
  t.equal((await names.of(uids)).size, 500);
  t.equal(asked.length, 2, 'nobody is asked again so soon');
});

t.test('no more are remembered than a bound', async (t) => {
  const { asked, names, answer } = make();
  const uids = (first: number) => Array.from({ length: 500 }, (_, i) => first + i);
  for (let first = 10_000; asked.length < 33; first += 500) {
    const found = names.of(uids(first));
    await answer();
    await found;
  }
  const oldest = names.of([10_000]);
  await answer([{ name: 'again', id: 10_000 }]);
  t.same(await oldest, new Map([[10_000, 'again']]));
});
