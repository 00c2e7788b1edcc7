/** Two libraries meet: each scenario's clients are of both, one way round and the other. */
import t from 'tap';
import { OwnDaemon } from '../../conformance/own-daemon.js';
import { withoutVulkan } from '../support/daemon.js';
import { C, play, TYPESCRIPT } from './support/play.js';

t.setTimeout(240_000);

for (const [name, drivers] of [
  ['TypeScript and C', [TYPESCRIPT, C]],
  ['C and TypeScript', [C, TYPESCRIPT]],
] as const) {
  t.test(name, async (t) => {
    const daemon = await OwnDaemon.start(withoutVulkan);
    t.teardown(() => daemon.stop());
    await play(t, { drivers, daemon, without: ['dma_buf', 'lose'] });
  });
}
