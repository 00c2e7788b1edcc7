/** What becomes of a test file that does not end as it should: it fails, and nothing of it is left. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { eventually } from '../support/daemon.js';
import { temporaryFolder } from '../support/folder.js';
import { execute, type Limits } from './execute.js';

const dist = temporaryFolder(t);
mkdirSync(join(dist, 'test'));
const good = 'console.log("TAP version 14\\nok 1 - a\\n1..1");';

function run(program: string, limits: Partial<Limits> = {}) {
  writeFileSync(join(dist, 'test', 'x.test.js'), program);
  const all = { test: 60, file: 60, linger: 60, ...limits };
  const around = { dist, hosts: new Map(), nightly: false, limits: all };
  return execute({ name: 'x', where: 'host' }, around);
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
  const { failed, failures } = await run(`${good} process.exitCode = 3;`);
  t.same([failed, failures], [1, ['it ended with status 3']]);
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
  t.match(result.failures, [/ended after 1 s/]);
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
  const result = await execute({ name: 'x.guest', where: 'guest' }, around);
  t.match(result, { passed: 0, failed: 1, failures: ['there is no guest'] });
});
