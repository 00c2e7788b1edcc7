/** openapi.yaml itself: closed objects, true examples, the catalogue's codes, types up to date. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { catalogue } from '../../../src/broker/errors.js';
import { document, mismatch } from './support/conforms.js';
import { root } from './support/root.js';

interface Schema {
  readonly type?: unknown;
  readonly properties?: Record<string, unknown>;
  readonly additionalProperties?: unknown;
  readonly description?: string;
  readonly example?: unknown;
  readonly enum?: unknown[];
  readonly oneOf?: unknown;
}

const { schemas } = document.components as unknown as { schemas: Record<string, Schema> };

t.test('every schema is described, every object is closed', async (t) => {
  for (const [name, schema] of Object.entries(schemas)) {
    t.ok(schema.description, `${name} has a description`);
    if (schema.properties) t.equal(schema.additionalProperties, false, `${name} is closed`);
  }
});

t.test('every example is an instance of its schema', async (t) => {
  for (const [name, schema] of Object.entries(schemas)) {
    if (schema.example === undefined) continue;
    t.equal(mismatch(`/components/schemas/${name}`, schema.example), undefined, name);
  }
  for (const [name, response] of Object.entries(document.components.responses)) {
    const media = response.content?.['application/problem+json'] as { example?: unknown };
    if (media.example === undefined) continue;
    t.equal(mismatch('/components/schemas/Problem', media.example), undefined, name);
  }
});

t.test('the codes are those of the catalogue', async (t) => {
  t.same(schemas.ErrorCode?.enum, Object.keys(catalogue));
});

t.test('every operation describes the problems that any request can have', async (t) => {
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      if (method === 'parameters') continue;
      for (const status of ['400', '403', '500', '503']) {
        t.ok(operation.responses[status], `${method} ${path} ${status}`);
      }
    }
  }
});

for (const [script, file] of [
  ['generate-openapi', 'src/server/http/openapi.gen.ts'],
  ['generate-errors-doc', 'docs/errors.md'],
]) {
  t.test(`${file} is up to date`, async (t) => {
    const path = fileURLToPath(new URL(`../../../scripts/${script}.js`, import.meta.url));
    const run = spawnSync(process.execPath, [path, '--check'], { cwd: root, encoding: 'utf8' });
    t.equal(run.stderr, '');
    t.equal(run.status, 0);
  });
}
