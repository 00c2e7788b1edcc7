/**
 * The package, packed and installed: what is in it, that Node 20 takes it, and that the daemon, the command
 * line and the library work from there, for require and for import.
 */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { GLIBC } from '../../src/native/platform.js';
import { packageRoot } from '../../src/package-root.js';
import { TestDaemon } from '../support/daemon.js';
import { FOR_THE_MACHINE, install, installedForAll, pack } from './support/installed.js';

t.setTimeout(300_000);
const packed = pack();
const folder = install(t, packed);
const own = join(folder, 'node_modules/dmabroker');

interface Manifest {
  readonly dependencies?: Record<string, string>;
  readonly [field: string]: unknown;
}

const manifest = JSON.parse(readFileSync(join(own, 'package.json'), 'utf8')) as Manifest;

t.test('nothing is shipped or installed twice, nor what nobody runs', async (t) => {
  const unwanted = /\.map$|^dist\/(src|test|bench|scripts)\/|\.test\./;
  t.same(
    packed.paths.filter((path) => unwanted.test(path)),
    [],
  );
  for (const arch of ['x64', 'arm64']) {
    t.ok(packed.paths.includes(`dist/native/linux-${arch}/dmabroker.so`), arch);
  }
  // What the programs and the library load from elsewhere is what package.json depends on, and no more.
  const bundles = packed.paths.filter((path) => /^dist\/(bundle|lib)\/.*\.js$/.test(path));
  const loaded = new Set(
    bundles.flatMap((path) => {
      const text = readFileSync(join(own, path), 'utf8');
      return [
        ...text.matchAll(/(?:\bfrom|\bimport\(|\brequire\d?\()\s*["'](@?[a-z][\w./@-]*)["']/g),
      ]
        .map(([, name = '']) => name)
        .filter((name) => existsSync(join(packageRoot, 'node_modules', name)));
    }),
  );
  const called = bundles.some((path) =>
    /createRequire\([^)]*\)\(\s*["']ffi-rs["']/.test(readFileSync(join(own, path), 'utf8')),
  );
  t.ok(called, 'ffi-rs is not bundled');
  t.same([...loaded].sort(), []);
  t.same(Object.keys(manifest.dependencies ?? {}), ['ffi-rs']);
  const installed = readdirSync(join(folder, 'node_modules')).filter((name) => !/^\./.test(name));
  t.same(installed.sort(), ['@yuuang', 'dmabroker', 'ffi-rs']);
  t.match(readFileSync(join(own, 'dist/bundle/LICENSES.txt'), 'utf8'), /^fastify \S+ \(MIT\)$/m);
});

t.test('the fields that say where it runs are those of the code', async (t) => {
  t.match(manifest, { engines: { node: '>=20' }, os: ['linux'], libc: ['glibc'] });
  t.same(manifest.cpu, ['x64', 'arm64']);
  const lock = JSON.parse(readFileSync(join(packageRoot, 'package-lock.json'), 'utf8'));
  for (const name of ['@yuuang/ffi-rs-linux-x64-gnu', '@yuuang/ffi-rs-linux-arm64-gnu']) {
    t.match(lock.packages[`node_modules/${name}`], { optional: true, libc: ['glibc'] }, name);
  }
});

t.test(`the shim of either architecture wants glibc ${GLIBC} at most`, async (t) => {
  const [, most = 0] = GLIBC.split('.').map(Number);
  for (const arch of ['x64', 'arm64']) {
    const file = readFileSync(join(own, `dist/native/linux-${arch}/dmabroker.so`), 'latin1');
    const wanted = [...file.matchAll(/GLIBC_2\.(\d+)/g)].map(([, minor]) => Number(minor));
    t.not(wanted.length, 0);
    t.ok(Math.max(...wanted) <= most, `${arch}: 2.${Math.max(...wanted)}`);
  }
});

t.test(
  'installed for the machine, it is no link to the checkout, and has what the documents install',
  async (t) => {
    const page = readFileSync(join(packageRoot, 'docs/install.md'), 'utf8');
    const [, section = ''] = /^## From source\n([\s\S]*?)^##/m.exec(page) ?? [];
    t.match(section, FOR_THE_MACHINE);
    const prefix = installedForAll();
    const program = realpathSync(join(prefix, 'bin/dmabrokerd'));
    t.equal(program, join(prefix, 'lib/node_modules/dmabroker/bin/dmabrokerd.js'));
    const lines = [...section.matchAll(/^ {4}install (?:-D )?-m 644 (.+) \/\S+$/gm)];
    const files = lines.flatMap(([, words = '']) => words.split(' '));
    t.equal(files.length, 7);
    for (const file of files) {
      // One is written with a star, as a shell takes it.
      const all = new RegExp(`^${file.replaceAll('.', '\\.').replace('*', '.+')}$`);
      t.ok(
        packed.paths.some((path) => all.test(path)),
        file,
      );
    }
  },
);

/** What a client does, as a program of either kind. */
const CLIENT = `
(async () => {
  const client = await connect({ socket: process.argv[2] });
  const buffer = await client.allocate({ kind: 'buffer', size: 4096, handleTypes: ['memfd'] });
  const memory = buffer.map();
  memory.write((bytes) => bytes.fill(7));
  const got = await client.redeem(await buffer.share({ uses: 1 }));
  let seen;
  got.map().read((bytes) => { seen = bytes[4095]; });
  const refusal = await client
    .allocate({ kind: 'buffer', size: 4096, handleTypes: ['opaque_fd'] })
    .catch((error) => error instanceof BrokerError && error.code);
  client.close();
  console.log(JSON.stringify({ seen, refusal }));
})();
`;

t.test('the daemon, the command line and the library', async (t) => {
  const program = join(own, 'bin/dmabrokerd.js');
  const daemon = await TestDaemon.memfd(t, { program });
  const ctl = (...args: string[]) =>
    execFileSync(
      join(folder, 'node_modules/.bin/dmabrokerctl'),
      ['--socket', daemon.restSocket, '--json', ...args],
      { encoding: 'utf8' },
    );
  ctl('alloc', '--size', '4096', '--handle-type', 'memfd', '--name', 'packed');
  t.match(JSON.parse(ctl('list')), [{ name: 'packed', size: 4096 }]);
  t.equal((await daemon.rest('GET', '/docs/swagger-ui.css')).status, 200);

  const files = {
    'client.cjs': `const { connect, BrokerError } = require('dmabroker');${CLIENT}`,
    'client.mjs': `import { connect, BrokerError } from 'dmabroker';${CLIENT}`,
    'both.mjs': `import * as imported from 'dmabroker';
      import { createRequire } from 'node:module';
      const { connect, BrokerError } = createRequire(import.meta.url)('dmabroker');
      if (imported.BrokerError !== BrokerError) throw new Error('there are two of it');${CLIENT}`,
  };
  for (const [name, text] of Object.entries(files)) {
    const file = join(folder, name);
    writeFileSync(file, text);
    const said = execFileSync(process.execPath, [file, daemon.clientSocket], { encoding: 'utf8' });
    t.same(JSON.parse(said), { seen: 7, refusal: 'unsupported_handle_type' }, name);
  }
  t.same(daemon.errors, []);
});

t.test('with another C library, and where a binary is not good or missing', async (t) => {
  const file = join(folder, 'load.cjs');
  writeFileSync(
    file,
    `if (process.argv[2]) process.report.getReport = () => ({ header: {} });
    try { require('dmabroker'); } catch (error) { console.log(error.code + ' ' + error.message); }`,
  );
  const load = (...args: string[]) =>
    execFileSync(process.execPath, [file, ...args], { encoding: 'utf8' });
  t.equal(load(), '', 'it loads');
  const told = /^ERR_DMABROKER_PLATFORM dmabroker hands out .*; this is \w+ with /;
  writeFileSync(join(own, `dist/native/linux-${process.arch}/dmabroker.so`), 'no library');
  t.match(load(), told);
  t.match(load(), /with glibc 2\.\d+: .*dmabroker\.so/);
  rmSync(join(folder, 'node_modules/@yuuang'), { recursive: true });
  t.match(load(), told);
  // With another C library npm installs another package of ffi-rs's, which is not asked for.
  t.match(load('musl'), told);
  t.match(load('musl'), /a C library that is not glibc: /);
});
