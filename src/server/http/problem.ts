/**
 * Turns whatever was thrown into an RFC 9457 problem document from the one catalogue of errors.
 *
 * A refusal (BrokerError, or an error of Fastify's that the client caused) is shown; anything else
 * is a defect of the daemon: its cause goes to the log and not to the client.
 */
import { BrokerError, catalogue, orOutOfFds } from '../../memory/errors.js';
import type { CreateBuffer, Problem } from '../../rest/contract.js';
import { BODY_LIMIT } from './limits.js';

export const PROBLEM_TYPE = 'application/problem+json';

/** What to answer, and what to log. */
export interface Answer {
  readonly problem: Problem;
  /** A defect's cause, for the log. */
  readonly cause?: unknown;
}

/** The answer to an error of a request; `instance` is its path. */
export function answerTo(thrown: unknown, requestId: string, instance?: string): Answer {
  const error = orOutOfFds(thrown);
  const refusal = error instanceof BrokerError ? error : fromFramework(error);
  if (refusal !== undefined && refusal.code !== 'internal') {
    return { problem: problem(refusal, requestId, instance) };
  }
  const hidden = new BrokerError('internal', 'the daemon failed; its log has the cause');
  return { problem: problem(hidden, requestId, instance), cause: error };
}

/** The problem document of a refusal. */
export function problem(error: BrokerError, requestId: string, instance?: string): Problem {
  const { status, title } = catalogue[error.code];
  const { constraint, requested, possible, nearest, quota, taken_by, waited_ms } = error.refusal;
  const refusal = {
    ...(constraint === undefined ? {} : { constraint }),
    ...(requested === undefined ? {} : { requested }),
    ...(possible === undefined ? {} : { possible }),
    // Made in the words of CreateBuffer (broker/nearest.ts).
    ...(nearest === undefined ? {} : { nearest: nearest as CreateBuffer | null }),
    ...(quota === undefined ? {} : { quota }),
    ...(taken_by === undefined ? {} : { taken_by }),
    ...(waited_ms === undefined ? {} : { waited_ms }),
  };
  return {
    type: `urn:dmabroker:error:${error.code}`,
    title,
    status,
    detail: error.message,
    ...(instance === undefined ? {} : { instance }),
    code: error.code,
    request_id: requestId,
    ...(Object.keys(refusal).length === 0 ? {} : { refusal }),
  };
}

/** Fastify's own errors, as far as they are the client's fault or the data plane's slowness. */
function fromFramework(error: unknown): BrokerError | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined;
  if ('code' in error && error.code === 'FST_ERR_HANDLER_TIMEOUT') {
    return new BrokerError('unavailable', 'the data plane did not answer in time');
  }
  switch (error.statusCode) {
    case 400:
    case 414:
      return new BrokerError('malformed_request', error.message);
    case 413:
      return new BrokerError('body_too_large', 'the body is longer than the daemon reads', {
        possible: { bytes: BODY_LIMIT },
      });
    case 415:
      return new BrokerError('unsupported_media_type', 'the content type is not application/json', {
        constraint: 'content-type',
        possible: 'application/json',
      });
    default:
      return undefined;
  }
}
