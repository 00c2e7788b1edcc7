/** What a reload takes over follows from the marks in the table of settings, whose form the compiler holds. */
import t from 'tap';
import { configOf } from '../../../src/server/config/config.js';
import { integer } from '../../../src/server/config/kind.js';
import { isLive, type TakeOver, takeOver } from '../../../src/server/config/live.js';
import { thisMachine } from '../../../src/server/config/machine.js';
import {
  type PartKind,
  part,
  section,
  sectionOf,
  setting,
} from '../../../src/server/config/setting.js';

const config = configOf([{ pool: { idle_seconds: 7 } }], thisMachine());

t.test('each mark is taken over by a function of its own', async (t) => {
  const told: [string, unknown][] = [];
  await takeOver(config, {
    policy: (policy) => told.push(['policy', policy]),
    // The next one waits for it.
    pool: async (pool) => {
      await null;
      told.push(['pool', pool]);
    },
    'rest.tcp.tokens_file': (tcp) => told.push(['tokens', tcp]),
    'log.level': ({ level }) => told.push(['level', level]),
    quotas: ({ recallSeconds }) => told.push(['recalls', recallSeconds]),
    displays: ({ ask }) => told.push(['displays', ask]),
  });
  t.same(told, [
    ['tokens', { listen: null, tokensFile: null }],
    ['displays', []],
    ['level', 'info'],
    ['policy', config.policy],
    ['pool', config.pool],
    ['recalls', 10],
  ]);
  t.equal(config.pool.idleSeconds, 7);
  const failing: TakeOver = {
    policy: () => Promise.reject(new Error('no plane')),
    pool: () => t.fail('nothing is taken over behind a failure'),
    'rest.tcp.tokens_file': () => {},
    'log.level': () => {},
    quotas: () => {},
    displays: () => {},
  };
  await t.rejects(takeOver(config, failing), /no plane/);
});

t.test('a live setting that nobody takes over does not compile', async (t) => {
  // @ts-expect-error: the tokens are missing.
  const forgotten: TakeOver = { policy: () => {}, pool: () => {} };
  // @ts-expect-error: no reload changes this.
  const invented: TakeOver = { ...forgotten, 'rest.rate_limit': () => {} };
  t.ok(invented);
  const sometimes: boolean = config.pool.bytes > 0;
  // @ts-expect-error: nobody could tell from the table who is to take it over.
  t.ok(setting(integer({ maximum: 9 }), 1, { about: 'Some.', live: sometimes }));
});

t.test('a name in the file is live by itself or with its section', async (t) => {
  for (const key of [
    ...['policy.rules', 'policy.connect', 'pool.bytes', 'rest.tcp.tokens_file'],
    ...['quotas.users.0.fds', 'log.level'],
  ]) {
    t.ok(isLive(key), key);
  }
  for (const key of ['rest.tcp.listen', 'rest.rate_limit', 'log.audit', 'poolish.x']) {
    t.notOk(isLive(key), key);
  }
});

t.test('a part that its section does not make does not compile', async (t) => {
  const count = integer({ minimum: 0, maximum: 9 });
  const counts: PartKind<number, number> = count;
  const settings = {
    alone: setting(count, 1, { about: 'Read by itself.' }),
    with_others: part(counts, 'none', { about: 'Read by its section.' }),
  };
  // @ts-expect-error: nobody reads `with_others`.
  t.ok(section({ about: 'Some.', settings }));
  // @ts-expect-error: this does not make `withOthers`.
  t.ok(sectionOf({ about: 'Some.', settings }, () => ({})));
  const whole = sectionOf({ about: 'Some.', settings }, ({ with_others = 3 }) => ({
    withOthers: with_others + 1,
  }));
  t.same(whole.read({ with_others: 4 }, thisMachine()), { withOthers: 5 });
});
