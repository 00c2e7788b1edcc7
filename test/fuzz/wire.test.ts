/**
 * Generated and broken requests to the wire decoder and the Connection, without a socket: whatever comes,
 * the daemon does not fail on it, who keeps to the protocol is served, and when all have left, every fd,
 * buffer, object and charge is gone. `npm run fuzz -- wire --seed N` plays one seed again.
 */
import t from 'tap';
import { atNight } from '../support/night.js';
import { seed } from '../support/random.js';
import { interfaces } from '../support/wire-peer.js';
import { playHouse } from './house.js';
import { inRound, keptSeeds, seedsUntil } from './seeds.js';
import { Tally } from './tally.js';

const MESSAGES = atNight(30_000, 5_000_000);
/** How often each request is sent and each answer heard at least, in the gate. */
const LEAST = 1;
/** What a daemon without a DRM node does not offer, or a client without a device does not hear. */
const NEVER = /^(zwp_linux_dmabuf_feedback_v1|wl_callback\.|dmabroker_manager_v1\.device)/;
/** Said by devices alone, or by an administrator; no refusal of a token or of a dry run is so long here. */
const UNHEARD =
  /(share|test)_v1\.long_detail$|\.(error|global_remove|device|vulkan_memory|lost|reissued|created|main_device|tranche_\w+|format_table|possible)$/;

const named = [...interfaces.values()].flatMap(({ name, requests, events }) => ({
  requests: requests.map((each) => `${name}.${each.name}`),
  events: events.map((each) => `${name}.${each.name}`),
}));
const requests = named.flatMap((each) => each.requests).filter((name) => !NEVER.test(name));
const events = named
  .flatMap((each) => each.events)
  .filter((name) => !NEVER.test(name) && !UNHEARD.test(name));

/** Requests that were not sent, and events that nobody heard. */
function missing({ counts: { sent, heard } }: Tally): string[] {
  return [
    ...requests.filter((name) => (sent[name] ?? 0) < LEAST),
    ...events.filter((name) => (heard[name] ?? 0) < LEAST),
  ];
}

t.setTimeout(atNight(280_000, 7_000_000));

t.test('requests, right and broken, to Connections', async (t) => {
  const tally = new Tally();
  const first = seed();
  t.comment(`DMABROKER_SEED=${first}`);
  for (const each of keptSeeds('wire')) await inRound(each, async () => playHouse(each, tally));
  for (const each of seedsUntil(first, MESSAGES, tally)) {
    await inRound(each, async () => playHouse(each, tally));
  }
  // What chance has left out: it goes on, for ten times as many at most.
  for (const each of seedsUntil(first + 1_000_000, 10 * MESSAGES, tally)) {
    if (missing(tally).length === 0) break;
    await inRound(each, async () => playHouse(each, tally));
  }
  const { sent, heard, sessions } = tally.counts;
  t.ok(tally.messages >= MESSAGES, `${tally.messages} messages`);
  t.comment(sessions);
  for (const name of requests) t.ok((sent[name] ?? 0) >= LEAST, `${name} is sent`);
  for (const name of events) t.ok((heard[name] ?? 0) >= LEAST, `${name} is heard`);
});
