/** A random schedule of several users' processes on the real daemon, with dma_bufs. */
import t from 'tap';
import { gidOf, sharedDaemon, uidOf } from '../support/actor.js';
import { withoutLeaks } from '../support/fds.js';
import { atNight } from '../support/night.js';
import { testSchedule } from '../support/schedule/schedule.js';

await withoutLeaks(t, 'a random schedule', async (t) => {
  const daemon = await sharedDaemon(t);
  const wanted = ['allocated', 'redeemed', 'killed', 'lingered'] as const;
  const counts = await testSchedule(t, daemon, {
    steps: atNight(60, 600),
    wanted,
    users: new Map(['alice', 'bob'].map((user) => [uidOf(user), user])),
    groups: ['alice', 'dmabroker', 'root'].map(gidOf),
    sources: ['vulkan', 'udmabuf', 'dma-heap:system', 'memfd'],
    actors: 4,
    quietAfter: 10,
  });
  for (const what of wanted) t.ok(counts[what] > 0, what);
  t.equal(await daemon.stop(), 0);
  t.same(daemon.errors, []);
});
