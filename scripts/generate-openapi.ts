/**
 * Writes src/rest/openapi.gen.ts, the TypeScript types of openapi.yaml's schemas and operations. The build
 * runs it where openapi.yaml has changed (scripts/build.sh); the file is not committed.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import openapiTypescript, { astToString } from 'openapi-typescript';

// The build runs it in the repository's root.
const root = process.cwd();
const target = join(root, 'src/rest/openapi.gen.ts');

const ast = await openapiTypescript(pathToFileURL(join(root, 'openapi.yaml')), {
  silent: true,
  enumValues: true,
});
const text =
  '// Generated from openapi.yaml by scripts/generate-openapi.ts: do not edit.\n' +
  astToString(ast);

writeFileSync(target, text);
