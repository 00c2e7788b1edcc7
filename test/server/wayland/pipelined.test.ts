/**
 * What is sent in one flush gets the same answers from a daemon that makes the memory, from one that has a
 * spare of it, and from one that is busy with another user: many times each.
 */
import t from 'tap';
import { eventually, TestDaemon } from '../../support/daemon.js';
import { withoutLeaks } from '../../support/fds.js';
import { atNight } from '../../support/night.js';
import { poolOf } from '../../support/pool.js';
import { BOB, daemonForTwo, unlessRoot } from '../../support/two-users.js';
import { alike, load, spared } from './support/pipelined-daemons.js';

t.setTimeout(240_000);
const TIMES = atNight(4, 100);

await withoutLeaks(t, 'one flush', async (t) => {
  const cold = await TestDaemon.memfd(t, {}, ['--pool-bytes', '0']);
  const warm = await TestDaemon.memfd(t);
  const loaded = await daemonForTwo(t, {});
  const conditions = [
    { name: 'cold', daemon: cold },
    { name: 'warm', daemon: warm, before: spared(warm) },
    {
      name: 'loaded',
      daemon: loaded,
      beside: () => load(loaded, 'memfd', unlessRoot === false ? BOB : null),
    },
  ];
  await alike(t, conditions, 'memfd', TIMES);
  t.equal((await poolOf(cold)).hits, 0);
  t.ok((await poolOf(warm)).hits >= TIMES, 'spares were handed out');
  for (const { daemon } of conditions) {
    await eventually(async () => (await daemon.buffers()).length === 0, 'nothing stays');
    t.equal(await daemon.stop(), 0);
    t.same(daemon.errors, []);
  }
});
