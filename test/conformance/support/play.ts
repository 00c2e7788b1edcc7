/** All scenarios with one set of drivers, and what may be skipped there: nothing is left out unnoticed. */
import { existsSync } from 'node:fs';
import type { Test } from 'tap';
import { OwnDaemon } from '../../../conformance/own-daemon.js';
import {
  C,
  LIBDMABROKER,
  PYTHON,
  PYTHON_AIO,
  RUST,
  SCENARIOS,
  TYPESCRIPT,
} from '../../../conformance/places.js';
import { Runner, type Setup } from '../../../conformance/runner.js';
import { readScenarios, type Scenario } from '../../../conformance/scenario.js';
import { DeviceLoss } from '../../native/vulkan/loss.js';

export { C, LIBDMABROKER, PYTHON, PYTHON_AIO, RUST, TYPESCRIPT };

export interface Plan {
  readonly drivers: readonly string[];
  readonly daemon: OwnDaemon;
  /** What the daemon does not have. */
  readonly without?: readonly string[];
  readonly lose?: Setup['lose'];
  /** Of what the drivers have no words for, since it is of the protocol's: what the one that has them plays alone. */
  readonly onWire?: (scenario: Scenario) => boolean;
}

/** What a driver that speaks the library's words has not: those of the protocol. */
const WIRE = /^the driver of [A-Z] has no (send|events|raw)$/;

export async function play(t: Test, plan: Plan): Promise<void> {
  const { drivers, daemon, without = [], lose, onWire } = plan;
  for (const driver of [C, LIBDMABROKER, ...drivers.filter((each) => each === RUST)]) {
    const how = driver === RUST ? 'node dist/test/rust/main.js' : 'make';
    if (!existsSync(driver.slice(1, -1))) throw new Error(`run ${how}: there is no ${driver}`);
  }
  const setup = { ...daemon.setup, ...(lose && { lose }) };
  const runner = new Runner({ ...setup, drivers });
  const wireRunner = new Runner({ ...setup, drivers: [C] });
  try {
    for (const scenario of readScenarios(SCENARIOS)) {
      let result = await runner.run(scenario);
      const lacksWords = result.reasons.length > 0 && result.reasons.every((why) => WIRE.test(why));
      if (result.outcome === 'skipped' && lacksWords && onWire?.(scenario))
        result = await wireRunner.run(scenario);
      const { outcome, reasons } = result;
      const title = `${scenario.file}: ${scenario.name}`;
      if (outcome === 'skipped') {
        const wire = drivers.some((driver) => driver !== C) ? WIRE : /^$/;
        const known = (reason: string) =>
          wire.test(reason) || without.some((what) => reason === `no ${what}`);
        t.same(
          reasons.filter((reason) => !known(reason)),
          [],
          `${title}: may be skipped`,
        );
      } else t.equal(reasons.join('\n'), '', title);
    }
  } finally {
    await runner.end();
    await wireRunner.end();
  }
  const defects = daemon.daemon.errors.filter(({ event }) => event !== 'device_lost');
  t.same(defects, [], 'the daemon found nothing wrong with itself');
}

/** What only a guest has. */
const OF_GUESTS = ['dma_buf', 'lose', 'udmabuf'];

/** The same in a guest: with dma_bufs, and a device that is lost when a scenario says so. */
export async function playInGuest(t: Test, ...drivers: readonly string[]): Promise<void> {
  const loss = new DeviceLoss();
  const daemon = await OwnDaemon.start(loss.environment());
  t.teardown(() => daemon.stop());
  const lose = () => loss.at('vkAllocateMemory');
  // The others are played on the host.
  const onWire = ({ needs }: Scenario) => needs.some((need) => OF_GUESTS.includes(need));
  await play(t, { drivers, daemon, lose, ...(drivers[0] === LIBDMABROKER && { onWire }) });
}
