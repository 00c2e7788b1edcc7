/**
 * Who sends a request and what they may do: for a process on the Unix socket the kernel says who it
 * is and the policy what it may; over TCP a bearer token says both. The rule itself is in broker/policy.ts, and what an operation needs
 * in openapi.yaml; this is the one place where both meet.
 */
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { NO_CGROUP } from '../../broker/cgroup.js';
import { BrokerError } from '../../broker/errors.js';
import { type RestAccess, reach } from '../../broker/policy.js';
import type { Requester } from '../control.js';
import { findRestToken, type RestToken } from '../rest-tokens.js';
import type { Operation } from './spec.js';
import { tcpPort } from './tcp.js';

export interface CallerOptions {
  /** Who is at the other end of a connection; null, or without it: unknown. */
  readonly peerOf?: (socket: Socket) => Requester | null;
  /** What a process may do, now; without it, everything. */
  readonly accessOf?: (who: Requester) => RestAccess;
  /** The tokens for TCP, as they are now. */
  readonly tokens?: () => readonly RestToken[];
  /** Told of a request that its sender may not send. */
  readonly denied?: (who: Requester, error: BrokerError) => void;
}

export interface Caller {
  /** In the log, and for whatever is counted for each caller: `uid 1000`, `token grafana`. */
  readonly name: string;
  readonly requester: Requester;
  /** Null over TCP without a token that is good. */
  readonly access: RestAccess | null;
}

/** RFC 6750, section 2.1. */
const BEARER = /^Bearer +([\w.~+/-]+=*)$/i;

const UNKNOWN: Requester = {
  uid: null,
  gid: null,
  groups: null,
  pid: null,
  executable: null,
  ...NO_CGROUP,
};

const EVERYTHING: RestAccess = { role: 'admin', preview: true, owner: true };

export class Callers {
  /** Who is at the other end of a connection does not change, and asking costs system calls. */
  readonly #peers = new WeakMap<Socket, Requester>();
  /** Of requests that were checked: the user whose things alone they are about, or null. */
  readonly #only = new WeakMap<FastifyRequest, number | null>();

  constructor(private readonly options: CallerOptions) {}

  of(request: FastifyRequest): Caller {
    const { socket } = request.raw;
    if (tcpPort(socket) !== undefined) return this.#bearer(request);
    const requester = this.#peers.get(socket) ?? this.options.peerOf?.(socket) ?? UNKNOWN;
    this.#peers.set(socket, requester);
    return {
      name: `uid ${requester.uid ?? 'unknown'}`,
      requester,
      access: this.options.accessOf?.(requester) ?? EVERYTHING,
    };
  }

  #bearer({ headers }: FastifyRequest): Caller {
    const [, secret] = BEARER.exec(headers.authorization ?? '') ?? [];
    const tokens = this.options.tokens?.() ?? [];
    const token = secret === undefined ? null : findRestToken(tokens, secret, Date.now());
    if (token === null) return { name: 'anonymous', requester: UNKNOWN, access: null };
    return { name: `token ${token.name}`, requester: UNKNOWN, access: token };
  }

  /** Throws `unauthenticated`, or `permission_denied` where the sender may not use the operation. */
  check(request: FastifyRequest, reply: FastifyReply, operation: Operation): void {
    const { id, access: needed } = operation;
    const { access, requester } = this.of(request);
    if (access === null) {
      if (operation.public) return;
      // RFC 6750, section 3: the error is named only where there was a token.
      const error = request.headers.authorization === undefined ? '' : ', error="invalid_token"';
      reply.header('www-authenticate', `Bearer realm="dmabroker"${error}`);
      throw new BrokerError('unauthenticated', `${id} needs a token that is known and not expired`);
    }
    const allowed = reach(access, needed);
    if (allowed === 'all') {
      this.#only.set(request, null);
      return;
    }
    if (allowed === 'own' && requester.uid !== null) {
      this.#only.set(request, requester.uid);
      return;
    }
    const { role, preview, owner } = access;
    const error = new BrokerError('permission_denied', `${id} needs ${described(needed)}`, {
      constraint: 'role',
      requested: { role, preview, owner },
      possible: needed,
    });
    this.options.denied?.(requester, error);
    throw error;
  }

  /** The user whose things alone a request may be about; null: everybody's. It must be checked. */
  only(request: FastifyRequest): number | null {
    const only = this.#only.get(request);
    if (only === undefined) throw new Error('nobody has checked what this request may do');
    return only;
  }
}

function described({ role, preview }: RestAccess): string {
  return `the role ${role}${preview ? ' and the permission preview' : ''}`;
}
