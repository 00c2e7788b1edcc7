/** The report: what counts as forgotten, what is shown first, and that all of it is bounded. */

import t from 'tap';
import type { BufferInfo } from '../../../../src/rest/contract.js';
import { configOf } from '../../../../src/server/config/config.js';
import { thisMachine } from '../../../../src/server/config/machine.js';
import { leakReport } from '../../../../src/server/observe/leaks/report.js';
import { bufferView } from '../../../../src/server/plane/views.js';
import { FakeClock } from '../../../support/clock.js';
import { Bench, FREE } from '../../wayland/support/bench.js';

const clock = new FakeClock();
const now = clock.today;
const ago = (seconds: number) => new Date(now - seconds * 1000).toISOString();

const bench = new Bench().ready();
const view = bufferView(bench.broker, bench.allocate(FREE));
const { leaks } = configOf([], thisMachine());
const HOUR = leaks.forgottenAfterSeconds;
const buffer = (id: string, changes: Partial<BufferInfo>): BufferInfo => ({
  ...view,
  id,
  last_used_at: ago(HOUR),
  ...changes,
});
const report = (buffers: BufferInfo[]) =>
  leakReport(leaks, { buffers, growing: [], sweep: null, clock });

t.test('forgotten', async (t) => {
  const { forgotten, lingering } = report([
    buffer('just', {}),
    buffer('recent', { last_used_at: ago(HOUR - 1) }),
    buffer('older', { last_used_at: ago(HOUR + 5), size: 10 }),
    buffer('leased', { lifetime: { type: 'lease' } }),
    buffer('recalled', { recall: { reason: 'share', deadline: ago(0) } }),
    buffer('released', { state: 'unknown', released_at: ago(7) }),
  ]);
  t.same(
    forgotten.buffers.map(({ id, since }) => [id, since]),
    [
      ['older', ago(HOUR + 5)],
      ['just', ago(HOUR)],
    ],
  );
  t.match(forgotten, { count: 2, bytes: view.size + 10, oldest_seconds: HOUR + 5 });
  t.match(lingering, { count: 1, oldest_seconds: 7, buffers: [{ id: 'released' }] });
});

t.test('at most 100 are shown, all are counted', async (t) => {
  const all = Array.from({ length: 250 }, (_, i) =>
    buffer(`b${i}`, { state: 'lingering', released_at: ago(i) }),
  );
  const { lingering, forgotten, growing } = report(all);
  t.match(lingering, { count: 250, bytes: 250 * view.size, oldest_seconds: 249 });
  t.equal(lingering.buffers.length, 100);
  t.equal(lingering.buffers[0]?.id, 'b249');
  t.match(forgotten, { count: 0, oldest_seconds: 0, buffers: [] });
  t.match(growing, { sampled_at: null, missing: /not looked at yet/ });
});
