/** A random schedule of processes and quotas on the real daemon, with memfds. */
import t from 'tap';
import { TestDaemon } from '../support/daemon.js';
import { withoutLeaks } from '../support/fds.js';
import { atNight } from '../support/night.js';
import { testSchedule } from '../support/schedule/schedule.js';

await withoutLeaks(t, 'a random schedule', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  const counts = await testSchedule(t, daemon, {
    steps: atNight(250, 5000),
    wanted: [],
    users: new Map([[process.getuid?.() ?? 0, null]]),
    groups: [process.getgid?.() ?? 0, ...(process.getgroups?.() ?? [])],
    sources: ['memfd'],
    actors: 5,
    quietAfter: 10,
  });
  for (const [what, count] of Object.entries(counts)) t.ok(count > 0, `${what}: ${count}`);
  t.equal(await daemon.stop(), 0);
  t.same(daemon.errors, []);
});
