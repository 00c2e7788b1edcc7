/**
 * `npm run conformance`: holds client libraries against a daemon, by the scenarios of scenarios/.
 *
 *   npm run conformance -- [--driver COMMAND]… [--socket PATH [--rest-socket PATH]] [word…]
 *
 * Without --driver the project's are taken (that in Rust where it was built), each alone and all together; without --socket it starts a daemon
 * of its own. Words take the scenarios whose file or name has one of them. Ends with 1 where one failed,
 * with 2 where it could not be tried.
 */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { OwnDaemon } from './own-daemon.js';
import { C, LIBDMABROKER, PYTHON, PYTHON_AIO, RUST, SCENARIOS, TYPESCRIPT } from './places.js';
import { type Result, Runner, type Setup } from './runner.js';
import { readScenarios, type Scenario } from './scenario.js';

const marks = { passed: 'ok  ', failed: 'FAIL', skipped: 'skip' } as const;

function print({ scenario, outcome, reasons }: Result): void {
  console.log(`${marks[outcome]} ${scenario.file}: ${scenario.name}`);
  for (const reason of reasons) console.log(`       ${reason}`);
}

/** Plays all of them; how many passed, failed, were skipped. */
async function play(setup: Setup, scenarios: readonly Scenario[]) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const runner = new Runner(setup);
  try {
    for (const scenario of scenarios) {
      const result = await runner.run(scenario);
      counts[result.outcome]++;
      print(result);
    }
  } finally {
    await runner.end();
  }
  return counts;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      driver: { type: 'string', multiple: true },
      socket: { type: 'string' },
      'rest-socket': { type: 'string' },
    },
  });
  const scenarios = readScenarios(SCENARIOS, positionals);
  if (scenarios.length === 0) {
    console.error(`No scenario has ${positionals.join(' or ')} in its file or name.`);
    return 2;
  }
  const { driver, socket } = values;
  const rust = [RUST].filter((each) => existsSync(each.slice(1, -1)));
  const all = [TYPESCRIPT, C, LIBDMABROKER, PYTHON, PYTHON_AIO, ...rust];
  const sets = driver === undefined ? [...all.map((each) => [each]), all] : [driver];
  const own = socket === undefined ? await OwnDaemon.start() : null;
  const total = { passed: 0, failed: 0, skipped: 0 };
  try {
    for (const drivers of sets) {
      console.log(`# ${drivers.join(' and ')}`);
      const restSocket = values['rest-socket'] ?? null;
      const where =
        own === null ? { socket: socket ?? '', restSocket, runtimeFolder: null } : own.setup;
      const counts = await play({ ...where, drivers }, scenarios);
      for (const name of ['passed', 'failed', 'skipped'] as const) total[name] += counts[name];
    }
  } finally {
    await own?.stop();
  }
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  return total.failed > 0 ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
