/**
 * Writes src/rest/openapi.gen.ts, the TypeScript types of openapi.yaml's schemas and
 * operations. `--check` writes nothing and fails where the committed file is not up to date.
 *
 * Run after a build: `node dist/scripts/generate-openapi.js [--check]`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import openapiTypescript, { astToString } from 'openapi-typescript';

// The npm script and CI run it in the repository's root; so do people.
const root = process.cwd();
const target = join(root, 'src/rest/openapi.gen.ts');

const ast = await openapiTypescript(pathToFileURL(join(root, 'openapi.yaml')), {
  silent: true,
  enumValues: true,
});
const text =
  '// Generated from openapi.yaml by scripts/generate-openapi.ts: do not edit.\n' +
  astToString(ast);

if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== text) {
    process.stderr.write(
      'src/rest/openapi.gen.ts is not what openapi.yaml says: run scripts/generate-openapi.ts\n',
    );
    process.exitCode = 1;
  }
} else {
  writeFileSync(target, text);
}
