/**
 * Values by the schemas of openapi.yaml: right ones, and some that are nearly right.
 */
import fc from 'fast-check';
import { anyText } from '../../../support/any-text.js';
import { document } from './conforms.js';

export interface Schema {
  readonly $ref?: string;
  readonly type?: string | string[];
  readonly enum?: string[];
  readonly oneOf?: Schema[];
  readonly properties?: Record<string, Schema>;
  readonly required?: string[];
  readonly items?: Schema;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly maxLength?: number;
  readonly allOf?: Schema[];
}

export const { schemas } = document.components as unknown as { schemas: Record<string, Schema> };

/** Values that a schema allows, or nearly: one in a few is out of range, missing or of another type. */
export function nearly(schema: Schema): fc.Arbitrary<unknown> {
  const resolved =
    schema.$ref === undefined ? schema : (schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {});
  return fc.oneof(
    { arbitrary: instance(resolved), weight: 30 },
    { arbitrary: fc.jsonValue({ maxDepth: 2 }), weight: 1 },
  );
}

function instance(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.oneOf) return fc.oneof(...schema.oneOf.map(nearly));
  switch ([schema.type].flat()[0]) {
    case 'object': {
      const properties = Object.entries(schema.properties ?? {});
      const record = Object.fromEntries(
        properties.map(([name, inner]) => [name, name === 'wait_ms' ? WAIT_MS : nearly(inner)]),
      );
      return fc.oneof(
        { arbitrary: fc.record(record, { requiredKeys: schema.required ?? [] }), weight: 8 },
        { arbitrary: fc.record(record, { requiredKeys: [] }), weight: 1 },
      );
    }
    case 'array': {
      const items = nearly(schema.items ?? {});
      const right = fc.uniqueArray(items, {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 3, 3),
      });
      const wrong = fc.array(items, { maxLength: 8 });
      return fc.oneof({ arbitrary: right, weight: 12 }, { arbitrary: wrong, weight: 1 });
    }
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'integer':
      return integer(schema.minimum ?? 0, schema.maximum ?? Number.MAX_SAFE_INTEGER);
    case 'string':
      return text(schema);
    default:
      return fc.jsonValue();
  }
}

/** What waits longer would keep its connection, and who has sent it, from going on. */
const WAIT_MS = fc.constantFrom(0, 0, 1, 20, -1, 0.5, 600_001, 1e300);

function integer(minimum: number, maximum: number): fc.Arbitrary<unknown> {
  const edges = [minimum - 1, maximum + 1, 0.5, -0, 1e300];
  return fc.oneof(
    { arbitrary: fc.integer({ min: minimum, max: maximum }), weight: 8 },
    { arbitrary: fc.integer({ min: minimum, max: Math.min(maximum, 8192) }), weight: 8 },
    { arbitrary: fc.constantFrom(...edges), weight: 1 },
    { arbitrary: fc.double(), weight: 1 },
  );
}

function text({ pattern, maxLength = 20 }: Schema): fc.Arbitrary<string> {
  const free = anyText({ maxLength: maxLength + 1 });
  if (pattern === undefined) return free;
  return fc.oneof(
    { arbitrary: fc.stringMatching(new RegExp(pattern)), weight: 16 },
    { arbitrary: free, weight: 1 },
  );
}
