/**
 * The REST server: a Fastify instance whose routes and validation are openapi.yaml's. What it
 * answers is made of the RestWorld (world.ts); it does not listen yet (listen.ts does).
 */

import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { BrokerError } from '../../memory/errors.js';
import { RefusalLines } from '../events/refusal-lines.js';
import type { EventRing } from '../events/ring.js';
import { EventStreams } from '../events/streams.js';
import { Answers } from './answers.js';
import { type CallerOptions, Callers } from './callers.js';
import {
  answerExpectations,
  closeSoon,
  letProcessEnd,
  limitConnections,
  limitPipelining,
} from './connections.js';
import { refuseBrowsers, refuseMisdirected, setSecurityHeaders } from './guard.js';
import * as limits from './limits.js';
import { Metrics } from './metrics.js';
import { createHandlers } from './operations.js';
import { answerTo, PROBLEM_TYPE } from './problem.js';
import { limitRate } from './rate-limit.js';
import { newRequestId, REQUEST_ID, REQUEST_ID_LABEL } from './request-id.js';
import { addRoutes, pathOf, refuseUnknown } from './routes.js';
import { readSpec } from './spec.js';
import { knowStrangers } from './tcp.js';
import { answerUnparsable } from './unparsable.js';
import { Waits } from './waits.js';
import type { RestWorld } from './world.js';

export interface HttpServerOptions extends CallerOptions {
  readonly world: RestWorld;
  readonly logger: FastifyBaseLogger;
  /** Where openapi.yaml is. */
  readonly openapiPath: string;
  /** What happened lately. */
  readonly ring: EventRing;
  /** Its readers, where somebody else knows when what they may do changes. */
  readonly streams?: EventStreams;
  /** Requests a second that each user may send; absent or 0: any number. */
  readonly rateLimit?: number;
  /** Whether nothing may be changed now, since it could not be recorded. */
  readonly held?: () => boolean;
  /** Milliseconds between signs of life on event streams. */
  readonly heartbeatMs?: number;
  /** Milliseconds that the data plane has for an answer. */
  readonly handlerTimeoutMs?: number;
}

/** Makes the server. Throws where openapi.yaml cannot be read. */
export function createHttpServer(options: HttpServerOptions): FastifyInstance {
  const spec = readSpec(options.openapiPath);
  const metrics = new Metrics();
  const callers = new Callers(options);
  const lines = new RefusalLines((by, suppressed) =>
    options.logger.warn({ by, suppressed }, 'refusals have no line of their own'),
  );
  const sendProblem = problemSender(callers, lines, (code) => metrics.problem(code));
  const app = Fastify({
    loggerInstance: options.logger,
    genReqId: newRequestId,
    requestIdHeader: false,
    // Refusals are logged where they are answered; requests that went well are not news.
    logController: new LogController({
      disableRequestLogging: true,
      requestIdLogLabel: REQUEST_ID_LABEL,
    }),
    requestTimeout: limits.REQUEST_TIMEOUT_MS,
    connectionTimeout: limits.CONNECTION_TIMEOUT_MS,
    keepAliveTimeout: limits.KEEP_ALIVE_TIMEOUT_MS,
    handlerTimeout: options.handlerTimeoutMs ?? limits.HANDLER_TIMEOUT_MS,
    bodyLimit: limits.BODY_LIMIT,
    routerOptions: { maxParamLength: limits.PATH_PARAMETER_LIMIT },
    http: {
      headersTimeout: limits.HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: limits.SLOW_REQUEST_CHECK_MS,
      maxHeaderSize: limits.HEADER_LIMIT,
      // Refused with a problem document, as everything else is (guard.ts).
      requireHostHeader: false,
    },
    // No route has a schema of Fastify's: what is held against openapi.yaml's is validation.ts's.
    schemaController: {
      compilersFactory: {
        // Its type is Ajv's own, which is not loaded.
        buildValidator: (() => () => () => true) as never,
        buildSerializer: () => () => JSON.stringify,
      },
    },
    // The alternative answers 503 in a form of its own while closing.
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) => {
      setSecurityHeaders(reply);
      reply.header(REQUEST_ID, request.id);
      sendProblem(error, request, reply);
    },
    clientErrorHandler: answerUnparsable,
  });
  app.server.maxConnections = limits.CONNECTION_LIMIT;
  answerExpectations(app.server, app);
  limitConnections(app, callers);

  // Nothing but JSON is parsed: a form or plain text could be sent by any web page.
  app.removeContentTypeParser('text/plain');
  app.setErrorHandler(sendProblem);
  letProcessEnd(app);
  limitPipelining(app);
  app.addHook('onRequest', async (request, reply) => {
    setSecurityHeaders(reply);
    reply.header(REQUEST_ID, request.id);
  });
  knowStrangers(app, callers);
  // Before anything that refuses: what is refused counts, too.
  if (options.rateLimit) limitRate(app, options.rateLimit, callers, options.clock);
  app.addHook('onRequest', async (request) => {
    refuseMisdirected(request);
    refuseBrowsers(request);
  });
  app.addHook('onRequest', refuseUnknown(spec.operations));
  app.addHook('onRequest', async (request) => refuseUnrecorded(request, options.held));
  app.addHook('onResponse', async (request, reply) => logChange(callers, request, reply));
  const streams = options.streams ?? new EventStreams(options.ring, options.heartbeatMs);
  const { world } = options;
  // Where the data plane has ended, nothing waits any more.
  const waits = new Waits((ticket) => void world.plane.ask('hungUp', ticket).catch(() => {}));
  // Closing waits for the answers that are under way, and these would go on for ever.
  app.addHook('preClose', async () => {
    streams.close();
    waits.close();
    lines.close();
    closeSoon(app.server);
  });
  const handlers = createHandlers(world, { spec, streams, waits, metrics });
  addRoutes(app, spec, new Answers(world.plane, handlers, callers, world.clock), callers);
  return app;
}

const isRead = ({ method }: FastifyRequest) => method === 'GET' || method === 'HEAD';

/** What the audit could not record is not done (log.audit_when_full). */
function refuseUnrecorded(request: FastifyRequest, held = () => false): void {
  const looks = isRead(request) && !pathOf(request).endsWith('/preview.png');
  if (looks || !held()) return;
  throw new BrokerError(
    'busy',
    'nothing is done now, since the log has no room to record it: try again',
    {
      constraint: 'log.audit_when_full',
    },
  );
}

/** Logs who changed something; what failed is logged where it is answered. */
function logChange(callers: Callers, request: FastifyRequest, reply: FastifyReply): void {
  const { method } = request;
  if (isRead(request) || reply.statusCode >= 400) return;
  const by = callers.of(request).name;
  request.log.info({ by, method, path: pathOf(request), status: reply.statusCode }, 'done');
}

/** Answers with a problem document; `count` is told its code. */
function problemSender(callers: Callers, lines: RefusalLines, count: (code: string) => void) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const answer = answerTo(error, request.id, pathOf(request));
    const { status, code, detail } = answer.problem;
    count(code);
    const by = callers.of(request).name;
    const about = { by, method: request.method, path: pathOf(request) };
    callers.tell(request, error);
    if (answer.cause === undefined) {
      if (lines.admit(by)) request.log.info({ code, ...about }, detail);
    } else {
      const text = 'a request failed through a defect of the daemon';
      request.log.error({ err: answer.cause, ...about }, text);
    }
    reply.code(status).type(PROBLEM_TYPE).send(JSON.stringify(answer.problem));
  };
}
