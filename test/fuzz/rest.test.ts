/**
 * Generated and broken HTTP to a real daemon over raw sockets, by two users, one of them an administrator,
 * with fds beside it, in pieces, by processes that are killed now and then: what is answered is HTTP with a status of
 * the catalogue and, where it is a refusal, a problem document; what is right is answered as openapi.yaml says;
 * and after each thousand requests nothing is left. `npm run fuzz -- rest --seed N` plays one round again.
 */
import t from 'tap';
import { withoutLeaks } from '../support/fds.js';
import { atNight, isNight } from '../support/night.js';
import { seed } from '../support/random.js';
import { openDaemon, playRounds } from './rounds.js';
import { buildSanitized } from './sanitized.js';
import { keptSeeds, seedsUntil } from './seeds.js';
import { Tally } from './tally.js';

/** One round in the gate. */
const MESSAGES = atNight(400, 300_000);
/** How often each of these is answered at least, in the gate. */
const LEAST = 2;
const STATUSES = [200, 201, 204, 400, 403, 404];
/** A few in the gate, on average: too seldom to be sure of. */
if (isNight) STATUSES.push(405, 431);

t.setTimeout(atNight(280_000, 7_000_000));

await withoutLeaks(t, 'HTTP, right and broken, to a daemon', async (t) => {
  const daemon = await openDaemon(buildSanitized());
  t.teardown(() => daemon.stop('SIGKILL'));
  const tally = new Tally();
  const first = seed();
  t.comment(`DMABROKER_SEED=${first}`);
  function* seeds() {
    yield* keptSeeds('rest');
    yield* seedsUntil(first, MESSAGES, tally);
  }
  await playRounds('rest', daemon, seeds(), tally);
  const { heard, sessions } = tally.counts;
  t.comment(sessions);
  t.comment(heard);
  t.ok(tally.messages >= MESSAGES, `${tally.messages} requests`);
  for (const status of STATUSES) {
    t.ok((heard[status] ?? 0) >= LEAST, `${status} is answered ${heard[status]} times`);
  }
  t.equal(await daemon.stop(), 0);
  t.same(daemon.errors, []);
});
