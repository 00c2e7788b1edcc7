/** What a sweep tells those who seek memory: told once, in their users' names, whatever comes of it. */
import t from 'tap';
import type { Swept } from '../../../../src/broker/unproven.js';
import { Search } from '../../../../src/server/observe/holders/search.js';
import type { Sweep } from '../../../../src/server/observe/holders/sweep.js';
import { FakeClock } from '../../../support/clock.js';

const SUBUID = 100_000;

function make(look: () => Promise<Partial<Sweep>>) {
  const clock = new FakeClock();
  const answers: Swept[] = [];
  const failures: unknown[] = [];
  const search = new Search(
    {
      clock,
      userOf: (uid) => (uid >= SUBUID ? 1000 : uid),
      answer: (found) => void answers.push(found),
      failed: (error) => void failures.push(error),
    },
    async () => {
      clock.pass(30);
      return { ...empty, scannedAt: clock.now(), ...(await look()) };
    },
  );
  return { search, answers, failures };
}

const empty = {
  holders: new Map(),
  own: new Map(),
  unreadable: 0,
  unread: new Set<number>(),
  hidden: false,
  inFlight: new Map<number, number>(),
};

t.test('a container without root is its owner', async (t) => {
  const { search, answers } = make(async () => ({
    holders: new Map([
      ['1:1', []],
      ['1:2', []],
    ]),
    unread: new Set([1000, SUBUID]),
    inFlight: new Map([
      [1000, 1],
      [SUBUID + 5, 2],
      [1001, 4],
    ]),
  }));
  search.search(['1:2', '1:3']);
  await search.stop();
  t.same(answers, [
    {
      held: ['1:2'],
      hidden: false,
      unread: [1000],
      inFlight: new Map([
        [1000, 3],
        [1001, 4],
      ]),
      took: 30,
    },
  ]);
});

t.test('a look that fails says nothing, and is told', async (t) => {
  const { search, answers, failures } = make(() => Promise.reject(new Error('EMFILE')));
  search.search(['1:1']);
  await search.stop();
  t.match(answers, [{ held: [], hidden: true }]);
  t.match(failures, [{ message: 'EMFILE' }]);
});

t.test('none begins when it was stopped', async (t) => {
  const { search, answers } = make(async () => ({}));
  await search.stop();
  search.search(['1:1']);
  await search.stop();
  t.same(answers, []);
});
