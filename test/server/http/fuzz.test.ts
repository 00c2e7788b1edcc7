/**
 * 20,000 requests to a real daemon, generated from openapi.yaml's operations: right, nearly right and
 * hostile. None gets a 5xx or an answer that is not described, and afterwards the registry has what a
 * recount of the answers says, and no fd is left open.
 */
import { Agent } from 'node:http';
import fc from 'fast-check';
import t from 'tap';
import type { BufferInfo } from '../../../src/server/control.js';
import { TestDaemon } from '../../support/daemon.js';
import { withoutLeaks } from '../../support/fds.js';
import { document, violation } from './support/conforms.js';
import { nearly, type Schema } from './support/generate.js';
import { type Answer, send } from './support/server.js';

const REQUESTS = 20_000;
/** Sent at the same time, over as many connections. */
const BATCH = 16;

interface Parameter {
  readonly $ref?: string;
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly schema: Schema;
}

interface Described {
  readonly parameters?: Parameter[];
  readonly requestBody?: { readonly content: Record<string, { readonly schema: Schema }> };
  readonly responses: Record<string, { readonly content?: Record<string, unknown> }>;
}

interface Generated {
  readonly method: string;
  readonly template: string;
  readonly path: Readonly<Record<string, unknown>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly header: Readonly<Record<string, unknown>>;
  readonly body: unknown;
  /** Chooses among the buffers that there are for a path's id; null: the generated one. */
  readonly pick: number | null;
}

const shared = (document.components as unknown as { parameters: Record<string, Parameter> })
  .parameters;
const paths = document.paths as unknown as Record<string, Record<string, Described>>;

function resolve(parameter: Parameter): Parameter {
  return shared[parameter.$ref?.split('/').at(-1) ?? ''] ?? parameter;
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const generators = Object.entries(paths).flatMap(([template, item]) =>
  METHODS.flatMap((method) => {
    const operation = item[method];
    // A stream of events has no end.
    if (operation === undefined || 'text/event-stream' in (operation.responses[200]?.content ?? {}))
      return [];
    const common = (item.parameters ?? []) as unknown as Parameter[];
    return [generator(template, method, [...common, ...(operation.parameters ?? [])], operation)];
  }),
);

function generator(
  template: string,
  method: string,
  parameters: Parameter[],
  { requestBody }: Described,
): fc.Arbitrary<Generated> {
  const values = (place: Parameter['in']) => {
    const here = parameters.map(resolve).filter((parameter) => parameter.in === place);
    const record = Object.fromEntries(here.map(({ name, schema }) => [name, nearly(schema)]));
    return fc.record(record, place === 'path' ? {} : { requiredKeys: [] });
  };
  const schema = requestBody?.content['application/json']?.schema;
  return fc.record({
    method: fc.constant(method.toUpperCase()),
    template: fc.constant(template),
    path: values('path'),
    query: fc.oneof(
      { arbitrary: values('query'), weight: 9 },
      { arbitrary: fc.dictionary(fc.string(), fc.string(), { maxKeys: 2 }), weight: 1 },
    ),
    header: values('header'),
    body:
      schema === undefined
        ? fc.constant(undefined)
        : fc.tuple(nearly(schema), fc.boolean()).map(servable),
    pick: fc.option(fc.nat(1000), { freq: 4 }),
  });
}

/** Half of the creations leave out what this daemon, which has memfd alone, mostly refuses. */
function servable([body, asIs]: [unknown, boolean]): unknown {
  if (asIs || typeof body !== 'object' || body === null || !('handle_types' in body)) return body;
  const { kind, size, width, height, name } = body as Record<string, unknown>;
  const asked = { kind, size, width, height, name };
  const given = Object.entries(asked).filter(([, value]) => value !== undefined);
  const format = kind === 'image' ? { format: 'XR24' } : {};
  return { ...Object.fromEntries(given), ...format, handle_types: ['memfd'] };
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));

class Model {
  readonly buffers = new Set<string>();
  readonly made = new Set<string>();

  urlOf({ template, path, query, pick }: Generated): string {
    const ids = [...this.buffers];
    const existing = pick === null ? undefined : ids[pick % ids.length];
    const filled = template.replace(/\{(\w+)\}/g, (_, name: string) => {
      const value = name === 'id' && template.startsWith('/v1/buffers') ? existing : undefined;
      return encodeURIComponent(toWellFormed(value ?? textOf(path[name]) ?? ''));
    });
    const parameters = Object.entries(query).map(
      ([name, value]) => `${encode(name)}=${encode(textOf(value) ?? '')}`,
    );
    return parameters.length === 0 ? filled : `${filled}?${parameters.join('&')}`;
  }

  /** What an answer says of the registry. */
  note({ method, template }: Generated, url: string, { status, json }: Answer): void {
    if (template === '/v1/buffers' && method === 'POST' && status === 201) {
      const { id } = (json as { buffer: BufferInfo }).buffer;
      // An Idempotency-Key repeats answers, of buffers that are gone too.
      if (!this.made.has(id)) this.buffers.add(id);
      this.made.add(id);
    }
    if (template === '/v1/buffers/{id}' && method === 'DELETE' && status === 204) {
      this.buffers.delete(url.split('/').at(-1)?.split('?')[0] ?? '');
    }
  }
}

const toWellFormed = (text: string) => text.replace(/[\ud800-\udfff]/g, '\ufffd');
const encode = (text: string) => encodeURIComponent(toWellFormed(text));

/** What Node's client would not send. */
const sendable = (value: string) => value.replace(/[^\x20-\x7e]/g, '?');

// Minutes where other tests run at the same time.
t.setTimeout(280_000);

async function fetchPreview(daemon: TestDaemon, id: string): Promise<Answer> {
  const agent = new Agent();
  return send(agent, daemon.restSocket, 'GET', `/v1/buffers/${id}/preview.png`);
}

await withoutLeaks(t, 'generated requests', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  // The thread that makes previews starts with the first one, and has fds of its own.
  const image = { kind: 'image', width: 8, height: 8, format: 'XR24', handle_types: ['memfd'] };
  const { body } = await daemon.rest('POST', '/v1/buffers', image);
  const preview = await fetchPreview(daemon, body.buffer.id);
  t.equal(preview.status, 200);
  await daemon.rest('DELETE', `/v1/buffers/${body.buffer.id}`);
  const fds = await daemon.idleFds();
  const agent = new Agent({ keepAlive: true, maxSockets: BATCH });
  const model = new Model();
  const statuses = new Map<string, number>();
  let sent = 0;

  const request = async (generated: Generated) => {
    const { method, header, body } = generated;
    const url = model.urlOf(generated);
    const headers = Object.fromEntries(
      Object.entries(header).map(([name, value]) => [name, sendable(textOf(value) ?? '')]),
    );
    const answer = await send(agent, daemon.restSocket, method, url, { headers, body });
    model.note(generated, url, answer);
    sent++;
    const kind = `${answer.status}`;
    statuses.set(kind, (statuses.get(kind) ?? 0) + 1);
    const found = violation(method, url, answer);
    if (found !== undefined) throw new Error(`${method} ${url}: ${found}`);
    // 507: there is no memory for what was asked, and the refusal says so.
    if (answer.status >= 500 && answer.status !== 507) {
      throw new Error(`${method} ${url} ${JSON.stringify(body)}: ${answer.text}`);
    }
  };

  t.test('every answer is a described one', { timeout: 280_000 }, async (t) => {
    const batch = fc.array(fc.oneof(...generators), { minLength: BATCH, maxLength: BATCH });
    await fc.assert(
      fc.asyncProperty(batch, async (requests) => void (await Promise.all(requests.map(request)))),
      { numRuns: REQUESTS / BATCH, endOnFailure: true },
    );
    t.comment(Object.fromEntries(statuses));
    t.ok(sent >= REQUESTS);
    for (const status of ['200', '201', '204', '400', '404', '412', '422']) {
      t.ok(statuses.get(status), `some are answered with ${status}`);
    }
  });

  t.test('the registry is as a recount says', async (t) => {
    const kept = (await daemon.buffers()).filter(({ released_at }) => released_at === null);
    t.same(kept.map(({ id }) => id).sort(), [...model.buffers].sort());
    t.same(await daemon.clients(), []);
    t.same(daemon.errors, []);
    for (const id of model.buffers) {
      t.equal((await daemon.rest('DELETE', `/v1/buffers/${id}`)).status, 204);
    }
    agent.destroy();
    await daemon.settled(fds);
  });
});
