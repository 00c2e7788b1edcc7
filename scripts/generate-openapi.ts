/**
 * Writes src/rest/openapi.gen.ts, the TypeScript types of openapi.yaml's schemas and
 * operations. `--check` writes nothing and fails where the committed file is not up to date.
 *
 * Run after a build: `node dist/scripts/generate-openapi.js [--check]`.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import openapiTypescript, { astToString } from 'openapi-typescript';
import { generated } from './generated.js';

// The npm script and CI run it in the repository's root; so do people.
const root = process.cwd();

const ast = await openapiTypescript(pathToFileURL(join(root, 'openapi.yaml')), {
  silent: true,
  enumValues: true,
});
const text =
  '// Generated from openapi.yaml by scripts/generate-openapi.ts: do not edit.\n' +
  astToString(ast);

generated('src/rest/openapi.gen.ts', text, 'openapi.yaml');
