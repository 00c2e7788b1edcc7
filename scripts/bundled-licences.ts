/**
 * Writes the licences of the packages that are in the bundle: what is bundled is distributed, and each of
 * their licences wants its text to be with every copy.
 *
 * Run by the build: `node dist/scripts/bundled-licences.js <esbuild's metafile> <target>`.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [metafile = '', target = ''] = process.argv.slice(2);

const { inputs } = JSON.parse(readFileSync(metafile, 'utf8')) as { inputs: object };
const folders = new Set(
  Object.keys(inputs).flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? []),
);

const texts = [...folders].sort().map((folder) => {
  const { name, version, license } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  ) as Record<string, string>;
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file));
  const own = files.map((file) => readFileSync(join(folder, file), 'utf8').trim());
  // Some say no more than its name.
  if (own.length === 0 && !license) throw new Error(`${folder} does not name its licence`);
  return [`${name} ${version} (${license})`, ...own].join('\n\n');
});
writeFileSync(target, `${texts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`);
