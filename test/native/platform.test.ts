/** Where dmabroker does not run, that is what is said, and what it is for: never that a file is missing. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';
import {
  type Platform,
  requireSupported,
  thisPlatform,
  UnsupportedPlatform,
  unloadable,
} from '../../src/native/platform.js';
import { packageRoot } from '../../src/package-root.js';

const PURPOSE =
  /^dmabroker hands out dma_buf file descriptors and runs in Node on Linux, on x64 or /;

const like = (other: Partial<Platform>): Platform => ({ ...thisPlatform(), ...other });

t.test('this one is supported', async (t) => {
  requireSupported(thisPlatform());
  t.match(thisPlatform().glibc(), /^2\.\d+$/);
});

t.test('other systems, architectures and runtimes', async (t) => {
  const cases: [Partial<Platform>, RegExp][] = [
    [{ platform: 'darwin' }, /; this is darwin$/],
    [{ platform: 'win32' }, /; this is win32$/],
    [{ arch: 'riscv64' }, /; this is riscv64$/],
    [{ versions: { node: '24.3.0', bun: '1.4.5' } }, /; this is Bun, whose net\.Socket /],
    [{ versions: { node: '24.3.0', deno: '2.9.6' } }, /; this is Deno, in which Node's fs /],
  ];
  for (const [other, why] of cases) {
    const run = () => requireSupported(like(other));
    t.throws(run, { code: 'ERR_DMABROKER_PLATFORM', message: why });
    t.throws(run, { message: PURPOSE });
  }
});

t.test('another C library, or one that is too old', async (t) => {
  const cause = new Error("version `GLIBC_2.34' not found");
  const musl = unloadable(cause, like({ arch: 'x64', glibc: () => undefined }));
  t.match(musl.message, /this is x64 with a C library that is not glibc: version `GLIBC_2\.34'/);
  const old = unloadable(cause, like({ arch: 'arm64', glibc: () => '2.31' }));
  t.match(old.message, /glibc 2\.34 or newer; this is arm64 with glibc 2\.31: version/);
  t.equal(old.cause, cause);
  t.ok(old instanceof UnsupportedPlatform);
});

t.test('the programs say it in a sentence, without a stack', async (t) => {
  const fake = "Object.defineProperty(process, 'arch', { value: 'riscv64' })";
  for (const [name, ...args] of [
    ['dmabrokerd', '--help'],
    ['dmabrokerctl', 'recv', 'token'],
  ] as const) {
    const program = join(packageRoot, `bin/${name}.js`);
    const node = ['--import', `data:text/javascript,${fake}`, program, ...args];
    const run = spawnSync(process.execPath, node, { encoding: 'utf8' });
    t.match(run, { status: 1, stdout: '' });
    t.match(run.stderr, /^dmabrokerc?t?l?d?: dmabroker hands out .*; this is riscv64\n$/, name);
  }
  // What needs nothing native is served.
  const list = [
    '--import',
    `data:text/javascript,${fake}`,
    join(packageRoot, 'bin/dmabrokerctl.js'),
  ];
  t.equal(spawnSync(process.execPath, [...list, '--help']).status, 0);
});
