/**
 * Who sends a request and what they may do: for a process on the Unix socket the kernel says who it
 * is and the policy what it may; over TCP a bearer token says both. The rule itself is in broker/policy.ts, and what an operation needs
 * in openapi.yaml; this is the one place where both meet.
 */
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { NO_CGROUP } from '../../broker/cgroup.js';
import { type RestAccess, reach } from '../../broker/policy.js';
import type { Clock } from '../../memory/clock.js';
import { findRestToken, type RestToken } from '../config/rest-tokens.js';
import type { Requester } from '../words/requester.js';
import { Denied } from './denied.js';
import type { Operation } from './spec.js';
import { tcpPorts } from './strangers.js';

export interface CallerOptions {
  readonly clock: Clock;
  /** Who is at the other end of a connection; null, or without it: unknown. */
  readonly peerOf?: (socket: Socket) => Requester | null;
  /** What a process may do, now; without it, everything. */
  readonly accessOf?: (who: Requester) => RestAccess;
  /** Who has an access, as the end of the sentence that refuses it. */
  readonly accessIsFor?: (needed: RestAccess) => string;
  /** The tokens for TCP, as they are now. */
  readonly tokens?: () => readonly RestToken[];
  /** Told of a request that its sender may not send. */
  readonly denied?: (who: Caller, error: Denied) => void;
}

export interface Caller {
  /** In the log, and for whatever is counted for each caller: `uid 1000`, `token grafana`. */
  readonly name: string;
  readonly requester: Requester;
  /** Null over TCP without a token that is good. */
  readonly access: RestAccess | null;
}

/** What a request was checked for. */
interface Checked {
  /** The user whose things alone it may be about; null: everybody's. */
  readonly only: number | null;
  readonly needed: RestAccess;
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
  readonly #checked = new WeakMap<FastifyRequest, Checked>();

  constructor(private readonly options: CallerOptions) {}

  of(request: FastifyRequest): Caller {
    const { socket } = request.raw;
    return tcpPorts.has(socket) ? this.#bearer(request) : this.at(socket);
  }

  /** Who is at the other end of a connection over the Unix socket. */
  at(socket: Socket): Caller & { readonly access: RestAccess } {
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
    const { clock } = this.options;
    const tokens = this.options.tokens?.() ?? [];
    const token =
      secret === undefined ? null : findRestToken(tokens, secret, clock.date(clock.now()));
    if (token === null) return { name: 'anonymous', requester: UNKNOWN, access: null };
    const requester = { ...UNKNOWN, token: token.name };
    return { name: `token ${token.name}`, requester, access: token };
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
      throw new Denied('unauthenticated', `${id} needs a token that is known and not expired`);
    }
    const allowed = reach(access, needed);
    if (allowed === 'all') {
      this.#checked.set(request, { only: null, needed });
      return;
    }
    if (allowed === 'own' && requester.uid !== null) {
      this.#checked.set(request, { only: requester.uid, needed });
      return;
    }
    const { role, preview, owner } = access;
    const whom = this.options.accessIsFor?.(needed) ?? '';
    throw new Denied('permission_denied', `${id} needs ${described(needed)}${whom}`, {
      constraint: 'role',
      requested: { role, preview, owner },
      possible: needed,
    });
  }

  /** The user whose things alone a request may be about; null: everybody's. It must be checked. */
  only(request: FastifyRequest): number | null {
    return this.#get(request).only;
  }

  /** Whether its sender may still do what was checked: tokens expire, and the policy changes. */
  mayStill(request: FastifyRequest): boolean {
    const { only, needed } = this.#get(request);
    const { access } = this.of(request);
    const allowed = access === null ? 'none' : reach(access, needed);
    return allowed === 'all' || (allowed === 'own' && only !== null);
  }

  /** Throws where `mayStill` says no. */
  checkAgain(request: FastifyRequest): void {
    if (this.mayStill(request)) return;
    throw new Denied('permission_denied', 'what this request came with is no longer good');
  }

  #get(request: FastifyRequest): Checked {
    const checked = this.#checked.get(request);
    if (checked === undefined) throw new Error('nobody has checked what this request may do');
    return checked;
  }

  /** Tells of a refusal, if it is one of this server's own. */
  tell(request: FastifyRequest, error: unknown): void {
    if (error instanceof Denied) this.options.denied?.(this.of(request), error);
  }
}

function described({ role, preview }: RestAccess): string {
  return `the role ${role}${preview ? ' and the permission preview' : ''}`;
}
