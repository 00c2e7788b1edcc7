/**
 * Who may ask what over REST: an administrator everything, a reader whatever changes nothing, anybody
 * whether the daemon works and what it offers.
 */
import type { FastifyRequest } from 'fastify';
import { BrokerError } from '../../broker/errors.js';
import type { RestRole } from '../../broker/policy.js';
import { pathOf } from './routes.js';

const PUBLIC = new Set(['/healthz', '/openapi.yaml', '/v1/device', '/v1/device/formats']);

/** Throws `permission_denied`. */
export function checkRole(role: RestRole, request: FastifyRequest): void {
  const path = pathOf(request);
  const reads = request.method === 'GET' || request.method === 'HEAD';
  if (role === 'admin' || (reads && (role === 'reader' || PUBLIC.has(path)))) return;
  throw new BrokerError('permission_denied', `${request.method} ${path} needs another role`, {
    constraint: 'role',
    requested: role,
    possible: reads ? ['reader', 'admin'] : ['admin'],
  });
}
