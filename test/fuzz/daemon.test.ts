/**
 * Generated and broken requests to a real daemon, from processes of several users that are killed now and
 * then, with fds of every kind: whoever does nothing wrong is served, its memory is its own, and after each
 * thousand messages nothing is left of them. The shim is watched by the compiler's sanitizers.
 * `npm run fuzz -- daemon --seed N` plays one round again.
 */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { withoutLeaks } from '../support/fds.js';
import { atNight } from '../support/night.js';
import { seed } from '../support/random.js';
import { openDaemon, playRounds } from './rounds.js';
import { buildSanitized } from './sanitized.js';
import { keptSeeds, seedsUntil } from './seeds.js';
import { Tally } from './tally.js';

const MESSAGES = atNight(5_000, 1_000_000);
/**
 * How much of it is heard at least: a tenth of what can be expected on an idle machine, or once; on a busy one many have
 * left before they are answered. What is heard a few times in so many is not asked for in the gate.
 */
const LEAST: Readonly<Record<string, number>> = atNight<Record<string, number>>(
  {
    'dmabroker_buffer_v1.done': 8,
    'dmabroker_buffer_v1.failed': 20,
    'dmabroker_share_v1.token': 1,
    'dmabroker_test_v1.possible': 1,
    'wl_display.error': 1,
  },
  {
    'dmabroker_buffer_v1.done': 1600,
    'dmabroker_buffer_v1.failed': 4000,
    'dmabroker_share_v1.token': 100,
    'dmabroker_test_v1.possible': 100,
    'wl_display.error': 200,
    'dmabroker_buffer_v1.released': 20,
    'dmabroker_work_v1.done': 100,
    'dmabroker_work_v1.content': 50,
  },
);

t.setTimeout(atNight(280_000, 7_000_000));

await withoutLeaks(t, 'requests, right and broken, to a daemon', async (t) => {
  const sanitized = buildSanitized();
  if (sanitized === null) t.comment('without sanitizers: the compiler has none');
  const daemon = await openDaemon(sanitized);
  t.teardown(() => daemon.stop('SIGKILL'));
  const maps = readFileSync(`/proc/${daemon.pid}/maps`, 'utf8');
  if (sanitized !== null) t.match(maps, /bundle-sanitized\/dist\/native\/linux-\w+\/dmabroker\.so/);
  const tally = new Tally();
  const first = seed();
  t.comment(`DMABROKER_SEED=${first}`);
  function* seeds() {
    yield* keptSeeds('daemon');
    yield* seedsUntil(first, MESSAGES, tally);
  }
  await playRounds('daemon', daemon, seeds(), tally);
  t.comment(tally.counts.sessions);
  t.ok(tally.messages >= MESSAGES, `${tally.messages} messages`);
  for (const [name, least] of Object.entries(LEAST)) {
    const heard = tally.counts.heard[name] ?? 0;
    t.ok(heard >= least, `${name} is heard ${heard} times`);
  }
  t.equal(await daemon.stop(), 0);
  t.same(daemon.errors, []);
});
