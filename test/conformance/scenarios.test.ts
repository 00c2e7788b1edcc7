/** Every command that a driver may have is asked for by a scenario, and is in the README that drivers are written by. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Driver } from '../../conformance/driver.js';
import { C, LIBDMABROKER, SCENARIOS, TYPESCRIPT } from '../../conformance/places.js';
import { readScenarios } from '../../conformance/scenario.js';
import { catalogue } from '../../src/memory/errors.js';
import { packageRoot } from '../../src/package-root.js';

const scenarios = readScenarios(SCENARIOS);
const steps = scenarios.flatMap((scenario) => scenario.steps);
const asked = new Set(steps.flatMap((step) => (step.kind === 'client' ? [step.what] : [])));

t.test('commands', async (t) => {
  const readme = readFileSync(join(packageRoot, 'conformance/README.md'), 'utf8');
  const documented = (name: string) => new RegExp(`^\\| .*\`${name}\``, 'm').test(readme);
  for (const command of [C, LIBDMABROKER, TYPESCRIPT]) {
    const driver = await Driver.start(command, process.env);
    for (const name of driver.can) {
      t.ok(documented(name), `${name} is documented`);
      t.ok(asked.has(name) || name === 'hello', `${name} is used`);
    }
    t.match(await driver.tell('fly', {}, null), { rejected: { message: /fly/ } });
    await driver.end('leave');
  }
});

t.test('names are there once, and what is needed is documented', async (t) => {
  const names = scenarios.map(({ file, name }) => `${file}: ${name}`);
  t.equal(new Set(names).size, names.length);
  const known = [
    'dma_buf',
    'memfd',
    'opaque_fd',
    'udmabuf',
    'device',
    'rest',
    'runtime_folder',
    'lose',
  ];
  t.same(
    scenarios.flatMap(({ needs }) => needs).filter((need) => !known.includes(need)),
    [],
  );
});

t.test('codes of refusals that are expected are of the catalogue', async (t) => {
  const said = steps.flatMap(({ expectation: { outcome, pattern } }) => {
    const { code } = pattern as { code?: unknown };
    return outcome === 'refused' && typeof code === 'string' ? [code] : [];
  });
  t.ok(said.length > 0);
  t.same(
    said.filter((code) => !Object.hasOwn(catalogue, code)),
    [],
  );
});
