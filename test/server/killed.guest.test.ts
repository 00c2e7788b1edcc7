/** Another user's clients, killed at any moment of whatever they do with dma_bufs. */
import t from 'tap';
import { sharedDaemon } from '../support/actor.js';
import { withoutLeaks } from '../support/fds.js';
import { testKills } from '../support/killed.js';
import { atNight } from '../support/night.js';

await withoutLeaks(t, 'killed', async (t) => {
  const daemon = await sharedDaemon(t);
  const sources = ['vulkan', 'udmabuf', 'dma-heap:system'];
  await testKills(t, daemon, { rounds: atNight(8, 240), user: 'bob', sources, longestMs: 1000 });
  t.equal(await daemon.stop(), 0);
  t.same(daemon.errors, []);
});
