/**
 * Bun and Deno, as they are: the library refuses at import with the reason, which is shown to be true; who
 * gets rid of one of the reasons sees it here.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { temporaryFolder } from '../support/folder.js';
import { npmTools } from '../support/npm-tools.js';
import { install, pack } from './support/installed.js';

t.setTimeout(300_000);
const tools = await npmTools('runtimes');
const cpu = process.arch === 'x64' ? 'x64' : 'aarch64';
const RUNTIMES = {
  bun: [join(tools, `@oven/bun-linux-${cpu}/bin/bun`), 'run'],
  deno: [
    join(tools, `@deno/linux-${process.arch}-glibc/deno`),
    'run',
    '--allow-all',
    '--no-remote',
  ],
} as const;

function run(t: Test, name: keyof typeof RUNTIMES, file: string) {
  const [program, ...args] = RUNTIMES[name];
  // Nothing of the user's own is read or written.
  const home = temporaryFolder(t);
  const env = { PATH: process.env.PATH, HOME: home, DENO_NO_UPDATE_CHECK: '1', DENO_DIR: home };
  return spawnSync(program, [...args, file], { encoding: 'utf8', env, timeout: 60_000 });
}

const folder = install(t, pack());
const LOAD = `catch((error) => console.log(error.code + ' ' + error.message));`;
const files = {
  import: ['load.mjs', `import('dmabroker').${LOAD}`],
  require: ['load.cjs', `Promise.resolve().then(() => require('dmabroker')).${LOAD}`],
} as const;

for (const [name, why] of [
  ['bun', /^ERR_DMABROKER_PLATFORM dmabroker hands out .*; this is Bun, whose net\.Socket .*\n$/],
  [
    'deno',
    /^ERR_DMABROKER_PLATFORM dmabroker hands out .*; this is Deno, in which Node's fs .*\n$/,
  ],
] as const) {
  for (const [how, [file, text]] of Object.entries(files)) {
    t.test(`${name}: ${how} is refused with the reason`, async (t) => {
      writeFileSync(join(folder, file), text);
      const { stdout, stderr } = run(t, name, join(folder, file));
      t.match(stdout, why, stderr);
    });
  }
}

t.test('the reason: Bun does not read from a pipe given by number', async (t) => {
  const file = join(temporaryFolder(t), 'pipe.cjs');
  writeFileSync(
    file,
    `const { constants, openSync, writeSync } = require('node:fs');
    require('node:child_process').spawnSync('mkfifo', ['${file}.fifo']);
    const fd = openSync('${file}.fifo', constants.O_RDWR | constants.O_NONBLOCK);
    const pipe = new (require('node:net').Socket)({ fd, readable: true, writable: false });
    const end = (said) => { console.log(said); process.exit(0); };
    pipe.on('data', () => end('read'));
    writeSync(fd, 'x');
    setTimeout(() => end('nothing'), 1000);`,
  );
  t.equal(spawnSync(process.execPath, [file], { encoding: 'utf8' }).stdout, 'read\n', 'Node does');
  t.equal(run(t, 'bun', file).stdout, 'nothing\n');
});

t.test("the reason: Deno's numbers are not the process's file descriptors", async (t) => {
  const file = join(temporaryFolder(t), 'fds.cjs');
  writeFileSync(
    file,
    `const { fstatSync, readdirSync } = require('node:fs');
    // Standard input, output and error it has.
    const fds = readdirSync('/proc/self/fd').map(Number).filter((fd) => fd > 2);
    const known = fds.filter((fd) => { try { fstatSync(fd); return true; } catch { return false; } });
    console.log(fds.length > 1, known.length);`,
  );
  t.match(run(t, 'deno', file).stdout, /^true 0\n$/);
});
