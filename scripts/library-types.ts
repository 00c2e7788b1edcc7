/**
 * The types of the library that scripts/build.sh bundles into dist/lib: of what tsc has declared, the files
 * that its entry reaches. The folder's own package.json says that all of it is CommonJS, as the bundle is,
 * so that TypeScript sees in every resolution mode what Node loads.
 */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const FROM = 'dist/src';
const TO = 'dist/lib';

const reached = new Set<string>();
const waiting = [join(FROM, 'client/index.d.ts')];
for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
  if (reached.has(file)) continue;
  reached.add(file);
  const text = readFileSync(file, 'utf8');
  for (const [, specifier = ''] of text.matchAll(/(?:from|import\()\s*'(\.[^']*)\.js'/g)) {
    waiting.push(join(dirname(file), `${specifier}.d.ts`));
  }
}
for (const file of reached) {
  const target = join(TO, relative(FROM, file));
  mkdirSync(dirname(target), { recursive: true });
  cpSync(file, target);
}
writeFileSync(join(TO, 'package.json'), '{ "type": "commonjs" }\n');
