/**
 * The name of a request and its answer: in the header `Request-Id` of every answer, in a problem
 * document, and in what the log says of it. It is `RUN-NUMBER`; the run is drawn anew at each start, so
 * that a name stands for one request in a log of many runs.
 *
 * One that a client sends is not looked at: a log's lines are found by it, and what a client chose could
 * be long, or somebody else's.
 */
import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';

export const REQUEST_ID = 'request-id';

/** Its name in problem documents and in the log. */
export const REQUEST_ID_LABEL = 'request_id';

/** Names for the requests of one run. */
export function requestIds(): () => string {
  const run = randomBytes(4).toString('hex');
  let last = 0;
  return () => `${run}-${++last}`;
}

/** For what is no request yet. Fastify's types leave out its own property. */
export function nextRequestId(app: FastifyInstance): string {
  return (app as FastifyInstance & { genReqId(request: null): string }).genReqId(null);
}
