/** Answers what Node's HTTP parser did not take: too slow, too long, or no HTTP. */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { BrokerError } from '../../memory/errors.js';
import { SECURITY_HEADERS } from './guard.js';
import * as limits from './limits.js';
import { PROBLEM_TYPE, problem } from './problem.js';
import { newRequestId, REQUEST_ID, REQUEST_ID_LABEL } from './request-id.js';

/** There is no request yet, only a socket. */
export function answerUnparsable(
  this: FastifyInstance,
  error: Error & { code?: string },
  socket: Socket,
) {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const requestId = newRequestId();
  const answer = problem(unparsable(error), requestId);
  this.log.info({ code: answer.code, [REQUEST_ID_LABEL]: requestId }, answer.detail);
  const body = JSON.stringify(answer);
  const headers = {
    ...SECURITY_HEADERS,
    [REQUEST_ID]: requestId,
    'content-type': PROBLEM_TYPE,
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  };
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  if (socket.writable) {
    const status = `${answer.status} ${STATUS_CODES[answer.status] ?? ''}`;
    socket.write(`HTTP/1.1 ${status}\r\n${head.join('')}\r\n${body}`);
  }
  socket.destroySoon();
}

function unparsable({ code, message }: Error & { code?: string }): BrokerError {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new BrokerError('request_timeout', 'the request did not arrive in time', {
        possible: { milliseconds: limits.REQUEST_TIMEOUT_MS },
      });
    case 'HPE_HEADER_OVERFLOW':
      return new BrokerError('headers_too_large', 'the request header is too large', {
        possible: { bytes: limits.HEADER_LIMIT },
      });
    default:
      return new BrokerError('malformed_request', `this is no HTTP: ${message}`);
  }
}
