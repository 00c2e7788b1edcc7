/**
 * Holds requests against the schemas of openapi.yaml, and turns what is wrong with them into
 * refusals that name the field.
 *
 * Bodies are taken as they are (`"4096"` is no integer); path and query parameters, which are text,
 * are converted. Unknown fields are refused and never dropped: a misspelt field must not be ignored.
 */

import type { Ajv2020, ErrorObject, ValidateFunction } from 'ajv/dist/2020.js';
import { BrokerError, type ErrorCode, type Refusal } from '../../memory/errors.js';
import { isExact } from '../../memory/exact.js';
import type { FieldPath } from '../../memory/refusal-words.js';
import { DISCRIMINATOR_VALUES } from '../../rest/description.gen.js';
import { createAjv, loadAjv } from '../config/ajv.js';
import type { Spec } from './spec.js';

/** Checks one part of a request and fills in defaults; rejects with a BrokerError. */
export type Check = (data: unknown) => Promise<void>;

export interface Validators {
  /** For a body with the schema at a JSON pointer. */
  body(pointer: string): Check;
  /** For parameters of one place with the schemas at JSON pointers. */
  parameters(pointers: Readonly<Record<string, string>>, rule: ParameterRule): Check;
}

/** Path parameters are all there; a misspelt query parameter is not ignored; headers may be anything. */
export type ParameterRule = 'all' | 'known' | 'any';

/** The name under which schemas refer to the API description. */
const ROOT = 'openapi';

/** Makes the validators of an API description. */
export function createValidators(spec: Spec): Validators {
  let made: { readonly strict: Ajv2020; readonly coercing: Ajv2020 } | null = null;
  const validators = async () => {
    await loadAjv();
    made ??= { strict: create(spec, false), coercing: create(spec, true) };
    return made;
  };
  return {
    body: (pointer) =>
      check(async () => (await validators()).strict.compile({ $ref: `${ROOT}#${pointer}` })),
    parameters(pointers, rule) {
      const properties = Object.entries(pointers).map(([name, pointer]) => [
        name,
        // Ajv fills in a default that stands beside the reference, not behind it.
        { $ref: `${ROOT}#${pointer}`, ...defaultOf(spec.document, pointer) },
      ]);
      const schema = {
        type: 'object',
        properties: Object.fromEntries(properties),
        required: rule === 'all' ? Object.keys(pointers) : [],
        ...(rule === 'known' ? { additionalProperties: false } : {}),
      };
      return check(async () => (await validators()).coercing.compile(schema));
    },
  };
}

function create({ document }: Spec, coerceTypes: boolean): Ajv2020 {
  return createAjv({
    coerceTypes,
    useDefaults: true,
    removeAdditional: false,
    discriminator: true,
    // A nullable value is `type: [integer, 'null']` in OpenAPI 3.1.
    allowUnionTypes: true,
    // Error messages show the value and what the schema would have allowed.
    verbose: true,
    // Words of OpenAPI that say nothing about validity; all others are misspelt and throw.
    keywords: ['example', DISCRIMINATOR_VALUES, ...Object.keys(document)],
  }).addSchema(document, ROOT);
}

/** `{ default }` of the schema at a JSON pointer, or of the one that it refers to, or nothing. */
function defaultOf(document: object, pointer: string): { default?: unknown } {
  let value: unknown = document;
  for (const segment of pointer.split('/').slice(1)) {
    const key = decodeURIComponent(segment).replace(/~1/g, '/').replace(/~0/g, '~');
    value = (value as Record<string, unknown>)[key];
  }
  const schema = value as { $ref?: string; default?: unknown };
  if (schema.$ref !== undefined) return defaultOf(document, schema.$ref.slice(1));
  return schema.default === undefined ? {} : { default: schema.default };
}

function check(compile: () => Promise<ValidateFunction>): Check {
  // Compiled when it is first needed: the daemon is to start quickly.
  let compiled: ValidateFunction | undefined;
  return async (data) => {
    compiled ??= await compile();
    if (compiled(data)) return;
    const [error] = compiled.errors ?? [];
    throw error === undefined
      ? new BrokerError('malformed_request', 'the request does not match the API description')
      : refusal(error);
  };
}

/** These say that a value of the right kind is not allowed; all others, that it is of another kind. */
const ABOUT_VALUES = new Set([
  'enum',
  'maxItems',
  'maxLength',
  'maximum',
  'minItems',
  'minLength',
  'minimum',
  'exclusiveMinimum',
  'pattern',
  'uniqueItems',
]);

/** Too much of these is what the registry calls it (memory/check-spec.ts), whichever door it comes by. */
const SIZES = new Set(['size', 'width', 'height']);

function codeOf({ keyword }: ErrorObject, field: string): ErrorCode {
  if (keyword === 'maximum' && SIZES.has(field)) return 'too_large';
  return ABOUT_VALUES.has(keyword) ? 'invalid_argument' : 'malformed_request';
}

function refusal(error: ErrorObject): BrokerError {
  const field = fieldOf(error);
  const code = codeOf(error, field);
  const what = field === '' ? 'the body' : field;
  return new BrokerError(code, `${what} ${sentence(error)}`, {
    ...(field === '' ? {} : { constraint: field as FieldPath }),
    // Lists and objects are the client's own and could be long; it knows them.
    ...(isScalar(error.data) ? { requested: error.data } : {}),
    ...possible(error),
  });
}

/** `token.uses` or `modifiers[3]` for the place that an error is about. */
function fieldOf({ instancePath, keyword, params }: ErrorObject): string {
  const segments = instancePath.split('/').slice(1);
  if (keyword === 'required') segments.push(String(params.missingProperty));
  if (keyword === 'additionalProperties') segments.push(String(params.additionalProperty));
  if (keyword === 'discriminator') segments.push(String(params.tag));
  return segments
    .map((segment) => segment.replace(/~1/g, '/').replace(/~0/g, '~'))
    .reduce(
      (path, segment) =>
        /^\d+$/.test(segment) ? `${path}[${segment}]` : path ? `${path}.${segment}` : segment,
      '',
    );
}

function sentence({ keyword, message, params, parentSchema }: ErrorObject): string {
  switch (keyword) {
    case 'required':
      return 'is missing';
    case 'additionalProperties':
      return 'is not known here';
    case 'enum':
      return `must be one of ${list(params.allowedValues)}`;
    case 'discriminator':
      return `must be one of ${list(parentSchema?.[DISCRIMINATOR_VALUES])}`;
    case 'pattern':
      return `is not of the form ${params.pattern}`;
    case 'type':
      return `must be ${[params.type].flat().join(' or ')}`;
    default:
      return message ?? 'does not match the API description';
  }
}

function possible({ keyword, params, parentSchema }: ErrorObject): Refusal {
  switch (keyword) {
    case 'enum':
      return { possible: params.allowedValues };
    case 'additionalProperties':
      return { possible: Object.keys(parentSchema?.properties ?? {}) };
    case 'discriminator':
      return { possible: parentSchema?.[DISCRIMINATOR_VALUES] };
    case 'maximum':
    case 'minimum':
    case 'exclusiveMinimum':
    case 'maxLength':
    case 'minLength':
    case 'maxItems':
    case 'minItems':
      return { possible: { [keyword]: params.limit } };
    case 'pattern':
      return { possible: { pattern: params.pattern } };
    default:
      return {};
  }
}

function list(values: unknown): string {
  return Array.isArray(values) ? values.join(', ') : String(values);
}

/** And such as JSON tells exactly. */
function isScalar(value: unknown): boolean {
  if (typeof value === 'number') return isExact(value);
  return value === null || ['boolean', 'string'].includes(typeof value);
}
