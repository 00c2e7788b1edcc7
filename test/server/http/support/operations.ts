/** Requests that are generated from openapi.yaml's operations. */
import fc from 'fast-check';
import { document } from './conforms.js';
import { nearly, type Schema } from './generate.js';
import type { Generated } from './requests.js';

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

const shared = (document.components as unknown as { parameters: Record<string, Parameter> })
  .parameters;
const paths = document.paths as unknown as Record<string, Record<string, Described>>;

function resolve(parameter: Parameter): Parameter {
  return shared[parameter.$ref?.split('/').at(-1) ?? ''] ?? parameter;
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
/** For each operation that ends: requests that are right, and nearly right. */
export const generators = Object.entries(paths).flatMap(([template, item]) =>
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
