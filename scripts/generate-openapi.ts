/**
 * Writes, of openapi.yaml, src/rest/openapi.gen.ts, the TypeScript types of its schemas and operations, and
 * description.gen.ts, what the server's routes and checks are made of. The build runs it where openapi.yaml has changed
 * (scripts/build.sh); the files are not committed.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { load } from 'js-yaml';
import openapiTypescript, { astToString } from 'openapi-typescript';

// The build runs it in the repository's root.
const root = process.cwd();
const HEAD = '// Generated from openapi.yaml by scripts/generate-openapi.ts: do not edit.\n';

const ast = await openapiTypescript(pathToFileURL(join(root, 'openapi.yaml')), {
  silent: true,
  enumValues: true,
});
writeFileSync(join(root, 'src/rest/openapi.gen.ts'), HEAD + astToString(ast));

/** A discriminator's values, put beside it for error messages. */
const VALUES = 'x-discriminator-values';
const FOR_PEOPLE = new Set([
  'description',
  'summary',
  'title',
  'example',
  'examples',
  'externalDocs',
]);
/** Below these, keys are names. */
const NAMES = new Set([
  'properties',
  'mapping',
  'schemas',
  'parameters',
  'responses',
  'headers',
  'paths',
]);

interface Discriminator {
  readonly propertyName: string;
  readonly mapping: Readonly<Record<string, string>>;
}

/**
 * Without what is for people alone. And Ajv takes a discriminator's values from the schemas' own `kind` and refuses
 * OpenAPI's `mapping`, which says the same for makers of clients.
 */
function forTheServer(value: unknown, areNames = false): unknown {
  if (Array.isArray(value)) return value.map((each) => forTheServer(each));
  if (typeof value !== 'object' || value === null) return value;
  const copy: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    if (!areNames && FOR_PEOPLE.has(key)) continue;
    if (!areNames && key === 'discriminator') {
      const { propertyName, mapping } = inner as Discriminator;
      copy[key] = { propertyName };
      copy[VALUES] = Object.keys(mapping);
    } else {
      copy[key] = forTheServer(inner, !areNames && NAMES.has(key));
    }
  }
  return copy;
}

const document = load(readFileSync(join(root, 'openapi.yaml'), 'utf8'));
const json = JSON.stringify(forTheServer(document));
writeFileSync(
  join(root, 'src/rest/description.gen.ts'),
  `${HEAD}export const DISCRIMINATOR_VALUES = '${VALUES}';\nexport const DESCRIPTION: string = ${JSON.stringify(json)};\n`,
);
