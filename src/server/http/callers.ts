/**
 * Who sends a request and what they may do: for a process on the Unix socket the kernel says who it
 * is and the policy what it may. The rule itself is in broker/policy.ts, and what an operation needs
 * in openapi.yaml; this is the one place where both meet.
 */
import type { Socket } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { NO_CGROUP } from '../../broker/cgroup.js';
import { BrokerError } from '../../broker/errors.js';
import { type RestAccess, suffices } from '../../broker/policy.js';
import type { Requester } from '../control.js';
import type { Operation } from './spec.js';

export interface CallerOptions {
  /** Who is at the other end of a connection; null, or without it: unknown. */
  readonly peerOf?: (socket: Socket) => Requester | null;
  /** What a process may do, now; without it, everything. */
  readonly accessOf?: (who: Requester) => RestAccess;
}

export interface Caller {
  /** In the log, and for whatever is counted for each caller: `uid 1000`. */
  readonly name: string;
  readonly requester: Requester;
  readonly access: RestAccess;
}

const UNKNOWN: Requester = {
  uid: null,
  gid: null,
  groups: null,
  pid: null,
  executable: null,
  ...NO_CGROUP,
};

const EVERYTHING: RestAccess = { role: 'admin', preview: true };

export class Callers {
  /** Who is at the other end of a connection does not change, and asking costs system calls. */
  readonly #peers = new WeakMap<Socket, Requester>();

  constructor(private readonly options: CallerOptions) {}

  of(request: FastifyRequest): Caller {
    const { socket } = request.raw;
    const requester = this.#peers.get(socket) ?? this.options.peerOf?.(socket) ?? UNKNOWN;
    this.#peers.set(socket, requester);
    return {
      name: `uid ${requester.uid ?? 'unknown'}`,
      requester,
      access: this.options.accessOf?.(requester) ?? EVERYTHING,
    };
  }

  /** Throws `permission_denied` where the sender may not use the operation. */
  check(request: FastifyRequest, { id, access: needed }: Operation): void {
    const { access } = this.of(request);
    if (suffices(access, needed)) return;
    throw new BrokerError('permission_denied', `${id} needs ${described(needed)}`, {
      constraint: 'role',
      requested: access,
      possible: needed,
    });
  }
}

function described({ role, preview }: RestAccess): string {
  return `the role ${role}${preview ? ' and the permission preview' : ''}`;
}
