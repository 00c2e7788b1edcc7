/**
 * Two libraries meet: each scenario's clients are of both, and what only the protocol's words can say is played with those alone; by
 * night the other way round, and with those of the other languages, too.
 */
import t from 'tap';
import { OwnDaemon } from '../../conformance/own-daemon.js';
import { withoutVulkan } from '../support/daemon.js';
import { atNight } from '../support/night.js';
import { C, LIBDMABROKER, PYTHON, PYTHON_AIO, play, RUST, TYPESCRIPT } from './support/play.js';

t.setTimeout(240_000);

const ways = [
  ['C and TypeScript', [C, TYPESCRIPT]],
  ['TypeScript and C', [TYPESCRIPT, C]],
  ['Python and C', [PYTHON, C]],
  ['TypeScript and Python', [TYPESCRIPT, PYTHON_AIO]],
  ['the C library and TypeScript', [LIBDMABROKER, TYPESCRIPT]],
  ['Rust and the C library', [RUST, LIBDMABROKER]],
] as const;

for (const [name, drivers] of ways.slice(0, atNight(1, ways.length))) {
  t.test(name, async (t) => {
    const daemon = await OwnDaemon.start(withoutVulkan);
    t.teardown(() => daemon.stop());
    const without = ['dma_buf', 'lose', 'udmabuf'];
    await play(t, { drivers, daemon, without, onWire: () => drivers[0] === C });
  });
}
