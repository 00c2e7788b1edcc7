/**
 * The one catalogue of errors: the client protocol's `failed` event (number), REST's problem
 * documents (code, status) and the command line all take from here. Codes and numbers are stable.
 *
 * Two kinds must not be mixed: a `BrokerError` is a refusal that some client caused or must handle;
 * anything else that is thrown is a defect of the daemon.
 */

import type { Constraint, Possible } from './refusal-words.js';

interface Entry {
  /** `failed.code` of dmabroker-v1.xml's enum `refusal`. */
  readonly number: number;
  /** HTTP status of the problem document. */
  readonly status: number;
  readonly title: string;
}

export const catalogue = {
  invalid_argument: {
    number: 1,
    status: 400,
    title: 'A value is missing, malformed or out of range',
  },
  unsupported_format: { number: 2, status: 422, title: 'No usable source allocates this format' },
  unsupported_modifier: {
    number: 3,
    status: 422,
    title: 'None of the offered modifiers can be had',
  },
  unsupported_handle_type: {
    number: 4,
    status: 422,
    title: 'No usable source exports any of the accepted handle types',
  },
  unsupported_usage: { number: 5, status: 422, title: 'The device cannot serve this usage' },
  too_large: { number: 6, status: 422, title: 'The request is larger than a limit' },
  out_of_memory: { number: 7, status: 507, title: 'The source has no memory for this request' },
  limit_exceeded: { number: 8, status: 429, title: 'A limit on held buffers or bytes is reached' },
  not_found: { number: 9, status: 404, title: 'There is no such object' },
  invalid_token: {
    number: 10,
    status: 404,
    title: 'The token is unknown, used up, expired or not for you',
  },
  permission_denied: { number: 11, status: 403, title: 'The caller may not do this' },
  device_lost: { number: 12, status: 503, title: 'The device was lost, and its memory with it' },
  internal: { number: 13, status: 500, title: 'The daemon failed; its log has the cause' },
  unsupported_source: {
    number: 14,
    status: 422,
    title: 'None of the named sources can serve the request',
  },
  unsupported_placement: {
    number: 15,
    status: 422,
    title: 'No memory of this placement can be had for the request',
  },
  recalled: {
    number: 16,
    status: 429,
    title: 'Buffers that were recalled have not been given back',
  },
  unsupported_layout: {
    number: 17,
    status: 422,
    title: 'The driver makes no image of the dictated layout',
  },
  unsupported_device: {
    number: 18,
    status: 422,
    title: 'There is no such Vulkan device, or it cannot be used',
  },
  busy: {
    number: 19,
    status: 503,
    title: 'What it has to wait for has not ended in time',
  },
  name_taken: {
    number: 20,
    status: 409,
    title: 'Another buffer of the user has this lasting name',
  },
  // REST only: the client protocol has no use for these.
  malformed_request: {
    number: 100,
    status: 400,
    title: 'The request does not match the API description',
  },
  origin_refused: { number: 101, status: 403, title: 'Requests from browsers are refused' },
  method_not_allowed: { number: 102, status: 405, title: 'The resource has no such method' },
  body_too_large: { number: 103, status: 413, title: 'The request body is too large' },
  unsupported_media_type: {
    number: 104,
    status: 415,
    title: 'The request body must be application/json',
  },
  unavailable: { number: 105, status: 503, title: 'The daemon did not answer in time' },
  request_timeout: { number: 106, status: 408, title: 'The request did not arrive in time' },
  headers_too_large: { number: 107, status: 431, title: 'The request header is too large' },
  precondition_failed: {
    number: 108,
    status: 412,
    title: 'The resource has changed since its ETag was answered',
  },
  idempotency_key_reused: {
    number: 109,
    status: 422,
    title: 'The Idempotency-Key came with another request before',
  },
  idempotency_in_progress: {
    number: 110,
    status: 409,
    title: 'The first request with this Idempotency-Key is still under way',
  },
  rate_limited: { number: 111, status: 429, title: 'Too many requests in a second' },
  unauthenticated: { number: 112, status: 401, title: 'The request needs a token that is good' },
  not_stored: {
    number: 113,
    status: 507,
    title: 'The change cannot be kept over a restart, and was not made',
  },
} as const satisfies Record<string, Entry>;

export type ErrorCode = keyof typeof catalogue;

/** What failed, on both sides, as JSON: the same object in `failed.detail` and in REST. */
export interface Refusal {
  /** The request's field or the limit that failed. */
  readonly constraint?: Constraint;
  /** What the client asked for. */
  readonly requested?: unknown;
  /** What would have been possible. */
  readonly possible?: Possible;
  /**
   * The nearest request that would succeed, in the words of openapi.yaml's CreateBuffer; it was
   * planned before it is told. Null where there is none, absent where nothing was to be allocated.
   */
  readonly nearest?: object | null;
  /** The quota that refused. */
  readonly quota?: QuotaRefusal;
  /** Of a lasting name: which buffer has it, and who made that; `buffer` is null while it is being made. */
  readonly taken_by?: {
    readonly buffer: string | null;
    readonly client: string | null;
    readonly pid: number | null;
    readonly executable: string | null;
    readonly unit: string | null;
  };
  /** How long it has waited for memory before it was refused. */
  readonly waited_ms?: number;
}

/** A limit that was met; docs/quotas.md has the scopes and dimensions. */
export interface QuotaRefusal {
  readonly scope: string;
  /** The user's number, the cgroup's path, the source, the connection, or `default`. */
  readonly key: string;
  readonly dimension: string;
  readonly limit: number;
  readonly in_use: number;
  /** How much of that was released, and stays charged because somebody has it, or may have it. */
  readonly lingering: number;
}

/** A refusal: the client's to handle, never the daemon's end. */
export class BrokerError extends Error {
  override readonly name = 'BrokerError';

  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly refusal: Refusal = {},
  ) {
    super(message);
  }
}

/** What the daemon lacks itself: nobody in particular is to blame, and it may be there the next time. */
export const outOfFds = (): BrokerError =>
  new BrokerError('limit_exceeded', 'the daemon is out of file descriptors', { constraint: 'fds' });

/** Whether something failed for want of a file descriptor: a system call, or the start of a thread. */
export function isOutOfFds(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  if (error.code === 'ERR_WORKER_INIT_FAILED') return /\bE[MN]FILE\b/.test(error.message);
  return error.code === 'EMFILE' || error.code === 'ENFILE';
}

/** Wherever the daemon found out that it lacked one, that is no defect: whoever asks is told. */
export const orOutOfFds = (error: unknown): unknown => (isOutOfFds(error) ? outOfFds() : error);

/** The same error after a trip between threads, where classes do not survive. */
export interface ErrorMessage {
  readonly code: ErrorCode;
  readonly message: string;
  readonly refusal: Refusal;
  /** A defect's stack: for the log, never for a client. */
  readonly defect?: string;
}

export function toMessage(thrown: unknown): ErrorMessage {
  const error = orOutOfFds(thrown);
  if (error instanceof BrokerError) {
    return { code: error.code, message: error.message, refusal: error.refusal };
  }
  const defect = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: 'internal', message: catalogue.internal.title, refusal: {}, defect };
}

export function fromMessage(error: ErrorMessage): BrokerError {
  return new BrokerError(error.code, error.message, error.refusal);
}

/** What was thrown, in a sentence: anything can be thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
