/**
 * Makes the bundles of the tests, of which the runner runs one a file: tap alone is 380 files, and what a test knows of
 * src/ is hundreds, which are a third of a CPU second to load, each time, and thrice that in the guest. What several
 * share is in chunks. So are the programs that tests start (test/support/programs.ts). White space stays, since a failure is shown with the lines around it.
 *
 * To a module `import.meta.url` is where tsc has compiled it to: what it finds beside itself is there. `createRequire` finds the
 * same from anywhere in the checkout, and stands in programs that a test writes, too.
 *
 * Run by the build: `node dist/.bundle-tests.js <folder>`; the folder ends as dist/bundle-tests.
 */
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';

const [folder = ''] = process.argv.slice(2);
const ENDING = '.test.ts';
const all = readdirSync('test', { recursive: true, encoding: 'utf8' });
const tests = all.filter((path) => path.endsWith(ENDING)).map((path) => join('test', path));
const programs = all
  .filter((path) => /^support\/programs\/[^/]+\.ts$/.test(path))
  .concat('fuzz/player.ts')
  .map((path) => join('test', path));

const whereCompiled: Plugin = {
  name: 'where-compiled',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      const compiled = relative('.', path).replace(/\.ts$/, '.js');
      const url = `(__dist + ${JSON.stringify(compiled)})`;
      return {
        contents: text.replaceAll(/(?<!createRequire\()\bimport\.meta\.url\b/g, url),
        loader: 'ts',
      };
    });
  },
};

const TAP = resolve('test/runner/file-tap.ts');
const TOGETHER = resolve('test/runner/together.ts');

/** Tests have tap by a file of the runner's. */
const tapOfFile: Plugin = {
  name: 'tap-of-file',
  setup({ onResolve }) {
    onResolve({ filter: /^tap$/ }, ({ importer }) =>
      importer === TAP || importer === TOGETHER ? null : { path: TAP },
    );
  },
};

await build({
  entryPoints: [...tests, ...programs, 'test/runner/together.ts'],
  outdir: folder,
  outbase: 'test',
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  logLevel: 'warning',
  external: ['ffi-rs', 'typescript'],
  chunkNames: 'chunks/[name]-[hash]',
  banner: {
    js:
      "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url); " +
      "const __dist = import.meta.url.replace(/bundle-tests\\/.*$/, '');",
  },
  plugins: [whereCompiled, tapOfFile],
});
