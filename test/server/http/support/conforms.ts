/**
 * Holds answers against openapi.yaml: a status, a content type or a body that is not described
 * there is a failure. The server itself does not check its answers.
 */
import { readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { load } from 'js-yaml';
import type { Test } from 'tap';
import { openapiPath } from './root.js';
import type { Answer } from './server.js';

interface Header {
  readonly $ref?: string;
  readonly required?: boolean;
  readonly schema?: object;
}

interface Response {
  readonly $ref?: string;
  readonly headers?: Record<string, Header>;
  readonly content?: Record<string, unknown>;
}

interface Described {
  readonly operationId?: string;
  readonly responses: Record<string, Response>;
}

interface Document {
  readonly paths: Record<string, Record<string, Described>>;
  readonly components: {
    readonly responses: Record<string, Response>;
    readonly headers: Record<string, Header>;
  };
}

export const document = load(readFileSync(openapiPath, 'utf8')) as Document;

const ajv = new Ajv2020({
  strict: true,
  allowUnionTypes: true,
  allErrors: true,
  validateSchema: false,
  keywords: ['example', 'discriminator', ...Object.keys(document)],
});
addFormats.default(ajv);
ajv.addSchema(document, 'openapi');

/** Statuses that the description's text allows for any request, with their codes. */
const ANYWHERE: Record<number, string> = {
  404: 'not_found',
  405: 'method_not_allowed',
  408: 'request_timeout',
  431: 'headers_too_large',
};

const compiled = new Map<string, ValidateFunction>();

/** What is wrong with a JSON value that should be of a schema (a JSON pointer). */
export function mismatch(pointer: string, value: unknown): string | undefined {
  let validate = compiled.get(pointer);
  if (validate === undefined) {
    validate = ajv.compile({ $ref: `openapi#${pointer}` });
    compiled.set(pointer, validate);
  }
  return validate(value) ? undefined : ajv.errorsText(validate.errors);
}

/** What of an answer is not as described; undefined where all is. */
export function violation(method: string, path: string, answer: Answer): string | undefined {
  const template = templateOf(path);
  const operation =
    template === undefined ? undefined : document.paths[template]?.[method.toLowerCase()];
  const described =
    operation?.responses[answer.status] ??
    operation?.responses[`${Math.trunc(answer.status / 100)}XX`];
  if (described === undefined) return problemAnywhere(operation !== undefined, answer);

  const { content, headers = {} } = resolve(described);
  for (const [name, header] of Object.entries(headers)) {
    const shared = header.$ref?.split('/').at(-1);
    const { required, schema } = document.components.headers[shared ?? ''] ?? header;
    const value = answer.headers[name.toLowerCase()];
    if (required && value === undefined) return `no header ${name}`;
    if (shared === undefined || value === undefined || schema === undefined) continue;
    const wrong = mismatch(`/components/headers/${shared}/schema`, value);
    if (wrong !== undefined) return `header ${name}: ${wrong}`;
  }
  if (content === undefined) return answer.text === '' ? undefined : 'a body where there is none';
  const type = answer.headers['content-type']?.split(';')[0] ?? '';
  if (!(type in content)) return `${answer.status} with content type ${type}`;
  if (type.startsWith('text/') || ['application/yaml', 'image/png'].includes(type))
    return undefined;
  const pointer = `${pointerTo(described, template ?? '', method, answer.status)}/content/${segment(type)}/schema`;
  return mismatch(pointer, answer.json) ?? consistent(answer);
}

/** Fails the test where the answer is not as openapi.yaml describes it. */
export function conforms(t: Test, method: string, path: string, answer: Answer): void {
  const found = violation(method, path, answer);
  t.equal(found, undefined, `${method} ${path}: ${answer.status} is as described`);
}

function problemAnywhere(known: boolean, answer: Answer): string | undefined {
  const code = ANYWHERE[answer.status];
  // A path or method that is not described has 403 and 400 too: nothing says that it is looked up.
  if (code === undefined && (known || ![400, 401, 403, 429].includes(answer.status))) {
    return `status ${answer.status} is not described: ${answer.text}`;
  }
  if (answer.status === 405 && !answer.headers.allow) return '405 without Allow';
  if (answer.text === '') return undefined;
  return mismatch('/components/schemas/Problem', answer.json) ?? consistent(answer);
}

/** A problem's own status is the answer's. */
function consistent({ status, json }: Answer): string | undefined {
  if (status < 400) return undefined;
  const problem = json as { status: number; code: string; type: string };
  if (problem.status !== status) return `a problem with status ${problem.status}`;
  if (problem.type !== `urn:dmabroker:error:${problem.code}`) return `type ${problem.type}`;
  return undefined;
}

const templates = Object.keys(document.paths).map((path) => ({
  path,
  pattern: new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]*')}$`),
}));

function templateOf(path: string): string | undefined {
  const [plain = ''] = path.split('?');
  if (plain in document.paths) return plain;
  return templates.find(({ pattern }) => pattern.test(plain))?.path;
}

function resolve(response: Response): Response {
  const name = response.$ref?.split('/').at(-1);
  return name === undefined ? response : (document.components.responses[name] ?? {});
}

function pointerTo(response: Response, template: string, method: string, status: number): string {
  if (response.$ref !== undefined) return response.$ref.slice(1);
  const verb = method.toLowerCase();
  return `/paths/${segment(template)}/${verb}/responses/${status}`;
}

function segment(name: string): string {
  return encodeURIComponent(name.replace(/~/g, '~0').replace(/\//g, '~1'));
}
