/**
 * The name of a request and its answer: in the header `Request-Id` of every answer, in a problem
 * document, and in what the log says of it. It is drawn at random, so that it stands for one request in a
 * log of many runs, and does not tell how many requests others make.
 *
 * One that a client sends is not looked at: a log's lines are found by it, and what a client chose could
 * be long, or somebody else's.
 */
import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';

export const REQUEST_ID = 'request-id';

/** Its name in problem documents and in the log. */
export const REQUEST_ID_LABEL = 'request_id';

/** 64 bits: two requests in four billion have the same. */
export const newRequestId = (): string => randomBytes(8).toString('hex');

/** For what is no request yet. Fastify's types leave out its own property. */
export function nextRequestId(app: FastifyInstance): string {
  return (app as FastifyInstance & { genReqId(request: null): string }).genReqId(null);
}
