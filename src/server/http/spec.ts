/**
 * What the REST server must know of openapi.yaml to make its routes. Nothing about a route is said anywhere
 * else. The build has parsed it (scripts/generate-openapi.ts): that would be the longest part of a start.
 */
import { readFileSync } from 'node:fs';
import { REST_ROLES, type RestAccess } from '../../broker/policy.js';
import { DESCRIPTION } from '../../rest/description.gen.js';
import type { OperationId } from '../../rest/operation.js';

type Json = Record<string, unknown>;

const PLACES = ['path', 'query', 'header'] as const;
type Place = (typeof PLACES)[number];

/** One operation of the API description. */
export interface Operation {
  readonly id: OperationId;
  /** In upper case, as in a request. */
  readonly method: string;
  /** The path as openapi.yaml has it, e.g. `/v1/buffers/{id}`. */
  readonly path: string;
  /** JSON pointers, into the document, of the schemas of its parameters by name; headers' in lower case. */
  readonly parameters: Readonly<Record<Place, Readonly<Record<string, string>>>>;
  /** Query parameters that are lists with commas (`explode: false`). */
  readonly lists: readonly string[];
  /** JSON pointer, into the document, of its body's schema. */
  readonly body: string | undefined;
  /** What it takes to use it: `x-role`, `x-permission` and `x-owner`. */
  readonly access: RestAccess;
  /** The status where it goes well. */
  readonly success: number;
  /** Whether its answer has an ETag, and whether it is left out for who has that (If-None-Match). */
  readonly tagged: boolean;
  readonly conditional: boolean;
  /** Whether it is for those, too, of whom nothing is known (`security: []`). */
  readonly public: boolean;
}

export interface Spec {
  /** The file as it is, to be served: as text it would be twice as much. */
  readonly file: Buffer;
  /** What is in it, less words for people; JSON pointers of operations lead into it. */
  readonly document: Json;
  readonly operations: readonly Operation[];
}

/** Without `head`, which Fastify answers where GET is; the description has it for callers. */
const METHODS = ['get', 'put', 'post', 'delete', 'options', 'patch', 'trace'];

/** The API description; throws where its file is not there. */
export function readSpec(path: string): Spec {
  const file = readFileSync(path);
  const document: Json = JSON.parse(DESCRIPTION);

  const operations: Operation[] = [];
  for (const [path, item] of Object.entries(isObject(document.paths) ? document.paths : {})) {
    if (!isObject(item)) continue;
    for (const method of METHODS) {
      const operation = item[method];
      if (!isObject(operation)) continue;
      operations.push({
        id: operation.operationId as OperationId,
        method: method.toUpperCase(),
        path,
        ...parametersOf(document, path, method, item, operation),
        ...successOf(operation),
        body: isObject(operation.requestBody)
          ? pointer('paths', path, method, 'requestBody', 'content', 'application/json', 'schema')
          : undefined,
        public: Array.isArray(operation.security) && operation.security.length === 0,
        access: {
          // What somebody forgot to think about is for administrators.
          role: REST_ROLES.find((role) => role === operation['x-role']) ?? 'admin',
          preview: operation['x-permission'] === 'preview',
          owner: operation['x-owner'] === true,
        },
      });
    }
  }
  return { file, document, operations };
}

/** The first answer that goes well, and what is said of it. */
function successOf({ responses, parameters }: Json) {
  const all = Object.entries(isObject(responses) ? responses : {});
  const [status, response] = all.find(([code]) => code.startsWith('2')) ?? ['200', {}];
  const headers = isObject(response) && isObject(response.headers) ? response.headers : {};
  const names = (Array.isArray(parameters) ? parameters : []).map((each: Json) => each.name);
  return {
    success: Number(status),
    tagged: 'ETag' in headers,
    conditional: names.includes('If-None-Match'),
  };
}

function parametersOf(document: Json, path: string, method: string, item: Json, operation: Json) {
  const parameters: Record<Place, Record<string, string>> = { path: {}, query: {}, header: {} };
  const lists: string[] = [];
  const collect = (list: unknown, ...parents: string[]) => {
    if (!Array.isArray(list)) return;
    list.forEach((entry: unknown, index) => {
      const shared = isObject(entry) ? sharedParameter(entry) : undefined;
      const parameter = shared === undefined ? entry : at(document, shared);
      const place = isObject(parameter) ? PLACES.find((each) => each === parameter.in) : undefined;
      if (!isObject(parameter) || place === undefined) {
        throw new Error(`openapi.yaml: ${path} has a parameter of a kind that is not served`);
      }
      const name = String(parameter.name);
      const key = place === 'header' ? name.toLowerCase() : name;
      parameters[place][key] = pointer(...(shared ?? [...parents, String(index)]), 'schema');
      if (parameter.explode === false) lists.push(name);
    });
  };
  collect(item.parameters, 'paths', path, 'parameters');
  collect(operation.parameters, 'paths', path, method, 'parameters');
  return { parameters, lists };
}

/** Where a `$ref` to one of `components/parameters` leads. */
function sharedParameter({ $ref }: Json): string[] | undefined {
  return typeof $ref === 'string' ? $ref.replace(/^#\//, '').split('/') : undefined;
}

function at(document: Json, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), document);
}

/** A JSON pointer (RFC 6901) in the form of a URI's fragment. */
function pointer(...segments: string[]): string {
  return segments
    .map((segment) => `/${encodeURIComponent(segment.replace(/~/g, '~0').replace(/\//g, '~1'))}`)
    .join('');
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
