/**
 * The two doors to C: the addon's own functions, whatever they are given, in a process that would end by
 * what they do wrong; what is tested of native once more where ffi-rs alone is the door; which names are hot.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { HOT } from '../../src/native/hot.js';
import { packageRoot } from '../../src/package-root.js';
import { bundled } from '../support/programs.js';

const { EBADF, EEXIST, EPERM } = constants.errno;

/** Runs a program with the environment's door, or another. */
function run(path: string, door = '', ...args: string[]) {
  const env = { ...process.env, DMABROKER_DOOR: door };
  return spawnSync(process.execPath, [bundled(path), ...args], { encoding: 'utf8', env });
}

t.test("the addon's functions, given what is wrong", async (t) => {
  const { status, signal, stdout, stderr } = run('support/programs/addon');
  t.same([status, signal], [0, null], stderr);
  const { bind, address, noView, noPoll, noControl, ...others } = JSON.parse(stdout);
  for (const thrown of [bind, address, noView, noPoll, noControl]) {
    t.ok(thrown.length > 5);
    t.same(new Set(thrown), new Set(['TypeError']), 'each is a TypeError');
  }
  t.same(others, {
    bindNothing: 'TypeError',
    addressNothing: 'TypeError',
    unset: ['TypeError', 'TypeError', 'TypeError'],
    empty: 'number',
    settled: true,
    notPolled: [-EBADF, -EBADF, -EPERM, -EEXIST],
    same: true,
    wrong: 0,
    newFds: 0,
  });
});

t.test('DMABROKER_DOOR', async (t) => {
  const { status, stderr } = run('native/arena.test', 'node');
  t.equal(status, 1);
  t.match(stderr, /DMABROKER_DOOR is "node"; set it to ffi-rs, or not at all/);

  // The daemon's is a wrong configuration: one line, and no stack.
  const env = { ...process.env, DMABROKER_DOOR: 'FFI-RS', JOURNAL_STREAM: undefined };
  const daemon = join(packageRoot, 'bin/dmabrokerd.js');
  const ended = spawnSync(process.execPath, [daemon, '--probe'], { encoding: 'utf8', env });
  t.equal(ended.status, 2);
  const told =
    'DMABROKER_DOOR is "FFI-RS"; set it to ffi-rs, or not at all for Node-API with ffi-rs behind it';
  t.equal(ended.stderr, `dmabrokerd: ${told}\n`);
});

t.test('where the addon cannot be loaded', async (t) => {
  // Of all addons that one alone: ffi-rs is one, too.
  const program = `
    const { dlopen } = process;
    process.dlopen = (module, path, ...flags) => {
      if (path.endsWith('/dmabroker.so')) throw new Error('not today');
      return dlopen.call(process, module, path, ...flags);
    };
    const { addressOf, callInt, doorOf, readCString, symbol } =
      await import(${JSON.stringify(new URL('../../src/native/ffi.js', import.meta.url))});
    const poll = symbol('poll');
    const text = readCString(addressOf(Buffer.from('text\\0')));
    console.log(JSON.stringify([doorOf(poll), callInt(poll, 0, 0, 0), text]));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    env: { ...process.env, DMABROKER_DOOR: '' },
  });
  t.equal(stdout, '["ffi-rs",0,"text"]\n', stderr);
});

t.test('ffi-rs serves everything', async (t) => {
  const ending = '.test.js';
  const libc = readdirSync(join(packageRoot, 'dist/bundle-tests/native/libc'))
    .filter((name) => name.endsWith(ending))
    .map((name) => `libc/${name.slice(0, -ending.length)}`);
  const all = ['ffi', 'step', 'arena', 'later', 'starved', ...libc];
  // Those count all fds of their process, which threads of another file may still be closing.
  const alone = ['starved', 'libc/watch'];
  for (const names of [all.filter((name) => !alone.includes(name)), ...alone.map((one) => [one])]) {
    const files = names.map((name) => `native/${name}`);
    const { status, stdout, stderr } = run('runner/together', 'ffi-rs', ...files);
    for (const name of files) t.match(stdout, new RegExp(`^ok \\d+ - ${name} #`, 'm'), name);
    t.equal(status, 0, `${names}${status === 0 ? '' : `: ${stdout}${stderr}`}`);
  }
});

t.test('each hot name is one that is called', async (t) => {
  const folder = join(packageRoot, 'src/native');
  const text = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && name !== 'hot.ts' && !name.endsWith('.gen.ts'))
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('\n');
  t.same(
    [...HOT].filter((name) => !text.includes(`'${name}'`)),
    [],
  );
});
