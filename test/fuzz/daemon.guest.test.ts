/**
 * The same as daemon.test.ts with real dma_bufs and a Vulkan driver: memory that was handed out is brought
 * back as an import, copied, filled and read, and each allocation asks the driver.
 */
import t from 'tap';
import { atNight } from '../support/night.js';
import { seed } from '../support/random.js';
import { openDaemon, playRounds } from './rounds.js';
import { keptSeeds, seedsUntil } from './seeds.js';
import { Tally } from './tally.js';

const MESSAGES = atNight(2000, 100_000);
/** A guest is slow: looking is worth less often. */
const PER_ROUND = 500;
/** Far below what seeds give, 27 to 57 of the first for a few: chance fails nothing. */
const LEAST = {
  'dmabroker_buffer_v1.done': 6,
  'dmabroker_buffer_v1.failed': 6,
  'dmabroker_test_v1.possible': 1,
};

t.setTimeout(atNight(280_000, 7_000_000));

const daemon = await openDaemon(null, process.env);
t.teardown(() => daemon.stop('SIGKILL'));

t.test('requests, right and broken, to a daemon with dma_bufs', async (t) => {
  const tally = new Tally();
  const first = seed();
  t.comment(`DMABROKER_SEED=${first}`);
  function* seeds() {
    yield* keptSeeds('daemon');
    yield* seedsUntil(first, MESSAGES, tally);
  }
  await playRounds('daemon', daemon, seeds(), tally, PER_ROUND);
  t.comment(tally.counts.heard);
  for (const [name, least] of Object.entries(LEAST)) {
    const heard = tally.counts.heard[name] ?? 0;
    t.ok(heard >= least, `${name} is heard ${heard} times`);
  }
  t.equal(await daemon.stop(), 0);
  t.same(daemon.errors, []);
});
