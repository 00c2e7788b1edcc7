/**
 * Keeps web pages away from the API. A browser on the same machine can be made to send requests to
 * a local server by any page (cross-site requests, DNS rebinding); what such requests cannot do is
 * leave out `Origin` or name `localhost` as their host. The lesson is Tailscale's, whose local API
 * refuses any request with `Origin` or `Referer` (ipn/localapi/localapi.go).
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { BrokerError } from '../../memory/errors.js';
import { Denied } from './denied.js';
import { tcpPorts } from './strangers.js';

/** Headers that every answer has, errors of the HTTP parser too. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  // Answers hold secrets (tokens) and are out of date at once.
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** Names of the machine itself; with a port or without. */
const LOCAL_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::(\d{1,5}))?$/i;
/** What a URL without one means. */
const HTTP_PORT = 80;

/**
 * Refuses what Node would answer without a problem document, or take: no or several names of the host
 * (RFC 9112, section 3.2), and an expectation that nobody can meet (RFC 9110, section 10.1.1).
 */
export function refuseMisdirected({ raw }: FastifyRequest): void {
  const names = raw.rawHeaders.filter((each, i) => i % 2 === 0 && each.toLowerCase() === 'host');
  const least = raw.httpVersion === '1.0' ? 0 : 1;
  if (names.length < least || names.length > 1) {
    throw new BrokerError(
      'malformed_request',
      `a request has one header host, not ${names.length}`,
      {
        constraint: 'host',
        requested: names.length,
      },
    );
  }
  const { expect } = raw.headers;
  if (expect !== undefined && expect.toLowerCase() !== '100-continue') {
    throw new BrokerError('malformed_request', 'the header expect can be 100-continue alone', {
      constraint: 'expect',
      requested: expect,
      possible: '100-continue',
    });
  }
}

/** Refuses requests that a browser sent for a page, or that name another host. */
export function refuseBrowsers(request: FastifyRequest): void {
  const { headers } = request;
  for (const header of ['origin', 'referer'] as const) {
    if (headers[header] !== undefined) {
      throw new Denied('origin_refused', `a request may not have the header ${header}`, {
        constraint: header,
      });
    }
  }
  const port = tcpPorts.get(request.raw.socket);
  const host = LOCAL_HOST.exec(headers.host ?? '');
  if (host === null || (port !== undefined && Number(host[1] ?? HTTP_PORT) !== port)) {
    const possible = port === undefined ? 'localhost' : `localhost:${port}`;
    throw new Denied('origin_refused', `the header host must name ${possible}`, {
      constraint: 'host',
      requested: headers.host ?? null,
      possible,
    });
  }
}

/** Sets the headers that every answer has. */
export function setSecurityHeaders(reply: FastifyReply): void {
  reply.headers(SECURITY_HEADERS);
}
