/** Another user's clients, killed at any moment of whatever they do with dma_bufs. */
import t from 'tap';
import { sharedDaemon } from '../support/actor.js';
import { withoutLeaks } from '../support/fds.js';
import { testKills } from '../support/killed.js';
import { atNight } from '../support/night.js';

await withoutLeaks(t, 'killed', async (t) => {
  const daemon = await sharedDaemon(t);
  const sources = ['vulkan', 'udmabuf', 'dma-heap:system'];
  // A turn of what they do takes a few milliseconds: a longer life has more of the same in it.
  const [rounds, longestMs] = atNight([12, 300], [240, 1000]);
  await testKills(t, daemon, { rounds, user: 'bob', sources, longestMs });
  t.equal(await daemon.stop(), 0);
  t.same(daemon.errors, []);
});
