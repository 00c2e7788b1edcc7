/** Clients that are killed at any moment of whatever they do with memfds. */
import t from 'tap';
import { TestDaemon } from '../support/daemon.js';
import { withoutLeaks } from '../support/fds.js';
import { testKills } from '../support/killed.js';
import { atNight } from '../support/night.js';

await withoutLeaks(t, 'killed', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  await testKills(t, daemon, {
    rounds: atNight(60, 600),
    user: null,
    sources: ['memfd'],
    longestMs: 100,
  });
  t.equal(await daemon.stop(), 0);
  t.same(daemon.errors, []);
});
