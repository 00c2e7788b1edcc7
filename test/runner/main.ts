/**
 * `npm test`: runs the test files, two at a time and more while CPUs are idle, on the host or in a guest as each needs, and prints a
 * line a file, what failed, what was slow, and as the last line tap's counts.
 *
 *   node dist/test/runner/main.js [--nightly] [--qemu] [word…]
 *
 * A word takes the files whose path has it in it. All TAP goes to build/tests.tap.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { repositoryRoot } from '../vm/paths.js';
import { type Choice, type Host, prepareGuest } from '../vm/vm.js';
import { Contention } from './contention.js';
import { type Execution, execute } from './execute.js';
import { allFiles, chosen, type Group, groups, label, type TestFile, type Where } from './files.js';
import { BOOTS } from './lists.js';
import { lateFiles, printFailures, printFile, printLate, printSlowest, tapOf } from './report.js';
import { SpareCpu } from './spare-cpu.js';
import { readTimes, writeTimes } from './times.js';

/** As many as the machine of the gate has cores. With more each file waits for the others, and what has a limit comes near it. */
const LANES = 2;
/**
 * Two more take a file each time so much of the machine has been idle for so long: files often wait, for a guest's boot or a time
 * that must pass.
 */
const EXTRA_LANES = 2;
const SPARE = 0.2;
const SPARE_MS = 1000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    nightly: { type: 'boolean', default: false },
    qemu: { type: 'boolean', default: false },
  },
});
const whole = positionals.length === 0;
process.chdir(repositoryRoot());
// What files make for a guest, which sees the checkout alone, is there, too.
mkdirSync('build', { recursive: true });

const times = readTimes();
const everything = allFiles('dist/test');
const files = chosen(everything, positionals, values.nightly);
if (files.length === 0) {
  console.error(`No test file has ${positionals.join(' or ')} in its path under test/.`);
  process.exit(2);
}

// What must be built goes on beside the host's tests.
const hosts = new Map<Where, Host>();
async function prepare(where: Where, choice: Choice | undefined): Promise<void> {
  if (!files.some((file) => file.where === where)) return;
  hosts.set(where, await prepareGuest({ choice }));
}
const preparing = prepare('guest', values.qemu ? 'qemu' : undefined)
  .then(() => prepare('qemu', 'qemu'))
  .catch((error: Error) => console.error(`There is no guest: ${error.message}`))
  .then(() => {
    prepared = true;
  });
let prepared = false;

const results = new Map<TestFile, Execution>();
const waiting = groups(files, times);
const contention = new Contention();
const around = { dist: 'dist', hosts, nightly: values.nightly };

/** The next that can run now; a guest's file waits until there is a guest, or will be none. */
async function next(): Promise<Group | undefined> {
  for (;;) {
    const canRun = ({ name, where }: TestFile) =>
      prepared || hosts.has(where) || (where === 'host' && !BOOTS.has(name));
    const at = waiting.findIndex((group) => group.every(canRun));
    if (at >= 0) return waiting.splice(at, 1)[0];
    if (waiting.length === 0) return undefined;
    await preparing;
  }
}

async function lane(): Promise<void> {
  for (let group = await next(); group !== undefined; group = await next()) await run(group);
}

async function run(group: Group): Promise<void> {
  for (const [file, result] of await execute(group, around)) {
    results.set(file, result);
    printFile(file, result);
  }
}

const spare = new SpareCpu();
const extras: Promise<void>[] = [];
let extra = 0;
const filling = setInterval(() => {
  if (spare.share() < SPARE || extra === EXTRA_LANES || waiting.length === 0) return;
  extra++;
  const one = next().then((group) => group && run(group));
  extras.push(one.finally(() => extra--));
}, SPARE_MS);

/**
 * How many files take too long. Beside two others a file takes up to twice its time: so one that took long is run once
 * more, alone.
 */
async function judgeLate(): Promise<number> {
  const files = lateFiles(results);
  if (files.length === 0) return 0;
  if (contention.busy) {
    console.log('Times are not judged: other work keeps the machine busy.');
    return 0;
  }
  const alone = new Map<TestFile, Execution>();
  for (const file of files) {
    console.log(`${label(file)} once more, alone:`);
    for (const [, result] of await execute([file], around)) {
      alone.set(file, result);
      printFile(file, result);
    }
  }
  const failed = [...alone.values()].reduce((sum, each) => sum + each.failed, 0);
  return printLate(alone) + failed;
}

await Promise.all(Array.from({ length: LANES }, lane));
clearInterval(filling);
await Promise.all(extras);
contention.stop();

writeFileSync(join('build', 'tests.tap'), tapOf(results));
for (const [file, { failed, seconds }] of results)
  if (failed === 0) times.set(label(file), seconds);
writeTimes(times);

const total = { passed: 0, failed: 0, skipped: 0 };
for (const { passed, failed, skipped } of results.values()) {
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
}
printFailures(results);
let late = 0;
if (whole) {
  printSlowest(results, contention);
  if (!values.nightly && !values.qemu) late = await judgeLate();
}
console.log(`${total.passed} passed, ${total.failed + late} failed, ${total.skipped} skipped`);
process.exitCode = total.failed + late === 0 && total.passed > 0 ? 0 : 1;
