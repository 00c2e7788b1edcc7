/**
 * What is sent in one flush gets the same answers with dma_bufs of the driver, too: from a daemon that makes
 * the memory, from one that has a spare of it, and from one that is busy with another user.
 */
import t from 'tap';
import { sharedDaemon } from '../../support/actor.js';
import { eventually, TestDaemon } from '../../support/daemon.js';
import { atNight } from '../../support/night.js';
import { poolOf } from '../../support/pool.js';
import { alike, load, spared } from './support/pipelined-daemons.js';

t.setTimeout(400_000);
const TIMES = atNight(1, 100);

const cold = await TestDaemon.start(['--pool-bytes', '0']);
t.teardown(() => cold.stop('SIGKILL'));
const warm = await TestDaemon.start();
t.teardown(() => warm.stop('SIGKILL'));
const loaded = await sharedDaemon(t);
const conditions = [
  { name: 'cold', daemon: cold },
  { name: 'warm', daemon: warm, before: spared(warm) },
  { name: 'loaded', daemon: loaded, beside: () => load(loaded, 'vulkan', 'bob') },
];

t.test('one flush', async (t) => {
  await alike(t, conditions, 'dma_buf', TIMES);
  t.equal((await poolOf(cold)).hits, 0);
  t.ok((await poolOf(warm)).hits >= TIMES, 'spares were handed out');
  for (const { daemon } of conditions) {
    await eventually(async () => (await daemon.buffers()).length === 0, 'nothing stays');
    t.same(daemon.errors, []);
  }
});
