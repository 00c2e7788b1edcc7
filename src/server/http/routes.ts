/**
 * Makes Fastify's routes from openapi.yaml: each operation gets its handler and the checks of its
 * parameters and its body. Also answers requests that no operation is described for.
 *
 * There are packages that do this; they check the whole file against OpenAPI's schema at each start
 * (most of a second, ten times that in an emulated machine) and read that schema from a path that is
 * lost when the daemon is bundled. The file is linted where it is changed instead.
 */
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { BrokerError } from '../../memory/errors.js';
import type { Answers } from './answers.js';
import type { Callers } from './callers.js';
import type { Operation, Spec } from './spec.js';
import { createValidators, type Validators } from './validation.js';

/** Adds a route for each operation, for those who may use it. */
export function addRoutes(
  app: FastifyInstance,
  spec: Spec,
  answers: Answers,
  callers: Callers,
): void {
  const validators = createValidators(spec);
  for (const operation of spec.operations) {
    app.route({
      method: operation.method,
      url: operation.path.replace(/\{(\w+)\}/g, ':$1'),
      onRequest: [
        async (request, reply) => callers.check(request, reply, operation),
        refuseNameless,
        ...(operation.body === undefined ? [refuseBody] : []),
      ],
      preValidation: checks(operation, validators),
      handler: (request, reply) => answers.answer(operation, request, reply),
    });
  }
}

/** `/v1/buffers/` is no buffer without a name: there is no such resource. */
async function refuseNameless(request: FastifyRequest): Promise<void> {
  if (Object.values(request.params as object).includes('')) throw noResource(pathOf(request));
}

/** A hook that holds a request against its operation. */
function checks({ parameters, lists, body }: Operation, validators: Validators) {
  const path = validators.parameters(parameters.path, 'all');
  const query = validators.parameters(parameters.query, 'known');
  const header = validators.parameters(parameters.header, 'any');
  const content = body === undefined ? undefined : validators.body(body);
  return async (request: FastifyRequest): Promise<void> => {
    await path(request.params);
    const asked = request.query as Record<string, unknown>;
    for (const name of lists) {
      const value = asked[name];
      if (typeof value === 'string') asked[name] = value.split(',');
    }
    await query(asked);
    await header(request.headers);
    await content?.(request.body);
  };
}

/** A hook that answers requests for which there is no route: 405 where the path is known, else 404. */
export function refuseUnknown(operations: readonly Operation[]) {
  const methods = new Map<string, string[]>();
  for (const { path, method } of operations) {
    const known = methods.get(path) ?? [];
    // Fastify answers HEAD where GET is.
    methods.set(path, [...known, ...(method === 'GET' ? ['GET', 'HEAD'] : [method])]);
  }
  const paths = [...methods].map(([path, allowed]) => ({
    // openapi.yaml's paths hold nothing that a regular expression would take for an operator,
    // except the dot.
    pattern: new RegExp(`^${path.replace(/\./g, '\\.').replace(/\{\w+\}/g, '[^/]+')}$`),
    allowed,
  }));

  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const path = pathOf(request);
    // Fastify takes the target of `OPTIONS *` (RFC 9112, 3.2.4) for `/`.
    if (!request.is404 && path !== '*') return;
    const known = paths.find(({ pattern }) => pattern.test(path));
    if (known === undefined) throw noResource(path);
    reply.header('allow', known.allowed.join(', '));
    throw new BrokerError('method_not_allowed', `${path} has no method ${request.method}`, {
      constraint: 'method',
      requested: request.method,
      possible: known.allowed,
    });
  };
}

const noResource = (path: string) => new BrokerError('not_found', `there is no resource ${path}`);

/** The path of a request, without the query. */
export function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? request.url;
}

/**
 * For operations without a body: one that is sent nonetheless is refused before it is read. Many
 * clients send a content type with an empty body; Fastify would want to parse that.
 */
async function refuseBody({ raw }: FastifyRequest): Promise<void> {
  const { headers } = raw;
  const { 'content-length': length = '0', 'transfer-encoding': coding } = headers;
  if (length !== '0' || (coding !== undefined && !(await isEmpty(raw)))) {
    throw new BrokerError('malformed_request', 'this operation takes no body');
  }
  delete headers['content-type'];
  delete headers['transfer-encoding'];
}

/** Of a body whose length is not told before: some clients send all of theirs in chunks. */
function isEmpty(raw: IncomingMessage): Promise<boolean> {
  return new Promise((resolve) => {
    raw.once('data', () => resolve(false));
    raw.once('end', () => resolve(true));
    raw.once('close', () => resolve(false));
  });
}
