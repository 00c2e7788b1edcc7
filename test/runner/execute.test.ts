/** What becomes of a test file that does not end as it should: it fails, and nothing of it is left. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { eventually } from '../support/daemon.js';
import { temporaryFolder } from '../support/folder.js';
import { type Execution, execute, type Limits, type Surroundings } from './execute.js';
import type { TestFile } from './files.js';

const dist = temporaryFolder(t);
mkdirSync(join(dist, 'bundle-tests'));
const good = 'console.log("TAP version 14\\nok 1 - a\\n1..1");';

function run(program: string, limits: Partial<Limits> = {}) {
  writeFileSync(join(dist, 'bundle-tests', 'x.test.js'), program);
  const all = { test: 60, file: 60, linger: 60, ...limits };
  const around = { dist, hosts: new Map(), nightly: false, limits: all };
  return only({ name: 'x', where: 'host' }, around);
}

async function only(file: TestFile, around: Surroundings): Promise<Execution | undefined> {
  return (await execute([file], around)).get(file);
}

/** Whether the process that wrote its number there still runs. */
function runs(file: string): boolean {
  const stat = `/proc/${readFileSync(file, 'utf8')}/stat`;
  return existsSync(stat) && !/\) Z /.test(readFileSync(stat, 'utf8'));
}

t.test('one that passes', async (t) => {
  t.match(await run(good), { passed: 1, failed: 0, failures: [] });
});

t.test('one that fails after its last assertion', async (t) => {
  const result = await run(`${good} process.exitCode = 3;`);
  t.match(result, { failed: 1, failures: ['it ended with status 3'] });
});

t.test('one whose failed assertion says it', async (t) => {
  const program = 'console.log("TAP version 14\\nnot ok 1 - a\\n1..1"); process.exitCode = 1;';
  t.match(await run(program), { passed: 0, failed: 1, failures: ['a'] });
});

t.test('one that asserts nothing', async (t) => {
  t.match(await run(''), { passed: 0, failures: [/./] });
});

t.test('one that a signal ends', async (t) => {
  t.match(await run(`${good} process.kill(process.pid, 'SIGKILL');`), {
    failures: [/SIGKILL/],
  });
});

t.test('one that does not end', async (t) => {
  const result = await run(`${good} setInterval(() => {}, 1e9);`, { file: 1 });
  t.match(result, { failures: [/ended after 1 s/] });
});

t.test('one whose process outlives it and holds its output', async (t) => {
  const pid = join(dist, 'pid');
  const result = await run(
    `import { spawn } from 'node:child_process';
     import { writeFileSync } from 'node:fs';
     const child = spawn('sleep', ['1000'], { stdio: ['ignore', 'inherit', 'ignore'] });
     writeFileSync(${JSON.stringify(pid)}, String(child.pid));
     child.unref();
     ${good}`,
    { linger: 1 },
  );
  t.match(result, { passed: 1, failures: [/still held its output/] });
  await eventually(() => !runs(pid), 'it is gone');
});

t.test('one for a guest where there is none', async (t) => {
  const around = { dist, hosts: new Map(), nightly: false };
  const files = ['x.guest', 'y.guest'].map((name): TestFile => ({ name, where: 'guest' }));
  for (const each of (await execute(files, around)).values())
    t.match(each, { passed: 0, failed: 1, failures: ['there is no guest'] });
});

t.test('files that share a process', async (t) => {
  const files = ['a', 'b', 'c'].map((name): TestFile => ({ name, where: 'host' }));
  // In place of runner/together.js.
  mkdirSync(join(dist, 'bundle-tests', 'runner'), { recursive: true });
  const together = (...lines: string[]) => {
    const program = lines.map((line) => `console.log(${JSON.stringify(line)});`).join('\n');
    writeFileSync(
      join(dist, 'bundle-tests', 'runner', 'together.js'),
      `${program} process.exitCode = 1;`,
    );
  };
  const around = { dist, hosts: new Map(), nightly: false };
  const outcomes = async () => [...(await execute(files, around)).values()];

  together('TAP version 14', '# test file: a', 'ok 1 - x', 'ok 2 - y', '# test file: b');
  t.match(await outcomes(), [
    { passed: 2, failed: 0, tap: /^ok 1 - x\nok 2 - y\n1\.\.2$/ },
    { passed: 0, failures: [/no plan/] },
    { passed: 0, failures: [/did not run/] },
  ]);

  const two = ['# test file: b', 'not ok 2 - y', '# test file: c', 'ok 3 - z', '1..3'];
  together('TAP version 14', '# test file: a', 'ok 1 - x', ...two);
  t.match(await outcomes(), [
    { passed: 1, failed: 0, tap: /^ok 1 - x\n1\.\.1$/ },
    { failed: 1, failures: ['y'], tap: /^not ok 1 - y\n1\.\.1$/ },
    { passed: 1, failed: 0, tap: /^ok 1 - z\n/ },
  ]);
});
