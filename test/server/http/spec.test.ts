/** openapi.yaml itself: closed objects, true examples, the catalogue's codes, types up to date. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { catalogue } from '../../../src/memory/errors.js';
import type { Problem } from '../../../src/rest/contract.js';
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
    if (media?.example === undefined) continue;
    t.equal(mismatch('/components/schemas/Problem', media.example), undefined, name);
  }
});

interface Media {
  readonly schema: Schema & { readonly $ref?: string };
  readonly example?: unknown;
  readonly examples?: Record<string, { readonly value?: unknown }>;
}

/** The examples of a body, its schema's own where it has none. */
function examplesOf({ schema, example, examples }: Media): unknown[] {
  const own = Object.values(examples ?? {}).map(({ value }) => value);
  const shared = schemas[schema.$ref?.split('/').at(-1) ?? '']?.example;
  return [...own, example ?? (own.length === 0 ? shared : undefined)].filter(
    (each) => each !== undefined,
  );
}

const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item)
    .filter(([method]) => method !== 'parameters')
    .map(([method, operation]) => ({ path, method, operation })),
);

const segment = (name: string) => encodeURIComponent(name.replace(/\//g, '~1'));

t.test(
  'every body and every answer that is no refusal has an example, which is true',
  async (t) => {
    for (const { path, method, operation } of operations) {
      const at = `/paths/${segment(path)}/${method}`;
      const { requestBody, responses } = operation as unknown as {
        readonly requestBody?: { readonly content: Record<string, Media> };
        readonly responses: Record<string, { readonly content?: Record<string, Media> }>;
      };
      const bodies = [['requestBody', requestBody?.content ?? {}] as const];
      const answers = Object.entries(responses).map(
        ([status, { content = {} }]) => [`responses/${status}`, content] as const,
      );
      for (const [place, content] of [...bodies, ...answers]) {
        for (const [type, media] of Object.entries(content)) {
          // A picture is no text.
          if (type === 'image/png') continue;
          const examples = examplesOf(media);
          t.not(examples.length, 0, `${method} ${path} ${place} ${type}`);
          const pointer = `${at}/${place}/content/${segment(type)}/schema`;
          for (const example of examples) t.equal(mismatch(pointer, example), undefined, pointer);
        }
      }
    }
  },
);

t.test('the example of a problem is one of the catalogue', async (t) => {
  for (const [name, response] of Object.entries(document.components.responses)) {
    const media = response.content?.['application/problem+json'] as Media | undefined;
    if (media === undefined) continue;
    const { code, title, status } = media.example as Problem;
    t.match(catalogue[code], { title, status }, name);
  }
});

t.test('a buffer is spelt out: each field with its meaning and an example', async (t) => {
  const { properties = {}, required } = schemas.Buffer as Schema & { required: string[] };
  const names = Object.keys(properties);
  t.same(required, names);
  t.same(schemas.BufferField?.enum, names, 'what the parameter fields takes');
  t.same(Object.keys(schemas.BufferFields?.properties ?? {}), names);
  for (const [name, property] of Object.entries(properties)) {
    const { $ref, oneOf, ...own } = property as Schema & { $ref?: string };
    const shared: Schema = schemas[$ref?.split('/').at(-1) ?? ''] ?? {};
    const text = own.description ?? shared.description ?? '';
    t.not(text, '', `${name} is described`);
    t.ok('example' in own || 'example' in shared, `${name} has an example`);
    const types = [own.type].flat();
    if (oneOf !== undefined || types.includes('null')) t.match(text, /null/i, `${name}: null`);
  }
});

t.test('nothing but settings and documents may have fields that are not described', async (t) => {
  const open: string[] = [];
  const look = (value: unknown, path: string) => {
    if (typeof value !== 'object' || value === null) return;
    const schema = value as Schema & { $ref?: string };
    if (schema.additionalProperties === true) open.push(path);
    const bare = schema.type === 'object' && !schema.properties && !schema.oneOf;
    if (bare && schema.additionalProperties === undefined) open.push(path);
    for (const [name, each] of Object.entries(value)) {
      if (!name.startsWith('example')) look(each, `${path}/${name}`);
    }
  };
  look(schemas, '');
  t.same(open, ['/Metadata', '/ConfigValue', '/ConfigValue/items']);
});

t.test('events, and what a buffer keeps of them, have the same words', async (t) => {
  const event = schemas.Event?.properties ?? {};
  const kept = schemas.HistoryEvent?.properties ?? {};
  const both = Object.keys(kept).filter((name) => name in event);
  t.same(both.sort(), ['reason', 'time', 'type']);
  for (const name of ['reason', 'time']) t.same(kept[name], event[name]);
  const types = schemas.EventType?.enum as string[];
  t.same(
    schemas.BufferEventType?.enum,
    types.filter((type) => type.startsWith('buffer.')),
  );
});

t.test('HEAD is described as GET, without bodies', async (t) => {
  for (const [path, item] of Object.entries(document.paths)) {
    const { get, head } = item as unknown as Record<string, Record<string, unknown>>;
    t.equal(head === undefined, get === undefined, path);
    if (get === undefined || head === undefined) continue;
    for (const key of ['parameters', 'security', 'tags', 'x-role', 'x-permission', 'x-owner']) {
      t.same(head[key], get[key], `${path} ${key}`);
    }
    const answers = head.responses as Record<string, { content?: unknown; headers?: unknown }>;
    const asked = get.responses as typeof answers;
    for (const [status, { content, headers }] of Object.entries(answers)) {
      t.equal(content, undefined, `${path} ${status}`);
      if (/^[23]/.test(status)) t.same(headers, asked[status]?.headers, `${path} ${status}`);
    }
    const good = (all: object) => Object.keys(all).filter((status) => /^[23]/.test(status));
    t.same(good(answers), good(asked));
  }
});

t.test('every answer has its name and what is left of the rate', async (t) => {
  for (const { path, method, operation } of operations) {
    for (const [status, response] of Object.entries(operation.responses)) {
      const shared = document.components.responses[response.$ref?.split('/').at(-1) ?? ''];
      const { headers = {} } = shared ?? response;
      for (const name of ['Request-Id', 'RateLimit-Policy', 'RateLimit']) {
        t.ok(name in headers, `${method} ${path} ${status} ${name}`);
      }
      if (status === '429') t.ok('Retry-After' in headers, `${method} ${path} ${status}`);
    }
    if (method !== 'head') t.ok('429' in operation.responses, `${method} ${path} 429`);
  }
});

t.test('the codes are those of the catalogue', async (t) => {
  t.same(schemas.ErrorCode?.enum, Object.keys(catalogue));
});

t.test('every operation describes the problems that any request can have', async (t) => {
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      // HEAD's are 4XX and 5XX.
      if (method === 'parameters' || method === 'head') continue;
      for (const status of ['400', '403', '500', '503']) {
        t.ok(operation.responses[status], `${method} ${path} ${status}`);
      }
    }
  }
});

t.test('docs/errors.md is up to date', async (t) => {
  const path = fileURLToPath(new URL('../../../scripts/generate-errors-doc.js', import.meta.url));
  const run = spawnSync(process.execPath, [path, '--check'], { cwd: root, encoding: 'utf8' });
  t.equal(run.stderr, '');
  t.equal(run.status, 0);
});
