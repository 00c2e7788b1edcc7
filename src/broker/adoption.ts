/**
 * A client takes up what an earlier connection of its own had: after a restart of the daemon, or of the
 * client. It proves that it is the same by the session's token and by its user; the memory that is with
 * clients alone is known again by its files (st_dev:st_ino), which nobody can choose.
 */
import { BrokerError } from '../memory/errors.js';
import type { Plane } from '../memory/plane.js';
import type { BrokerBuffer, Client } from './buffer.js';
import type { Quotas } from './quota/quotas.js';
import type { Registry } from './registry.js';
import type { Sessions } from './sessions.js';
import { succeed } from './succession.js';
import type { Surroundings } from './surroundings.js';

export interface AdoptionRequest {
  readonly id: string;
  /** The token of the earlier connection. */
  readonly session: string;
  /** Of the planes, where the client has sent them: dma_bufs and memfds. */
  readonly fds: readonly number[];
}

/** What came of it. */
export interface Adopted {
  readonly buffer: BrokerBuffer;
  /** Its owner has come back, and not one of those who were handed it. */
  readonly isOwner: boolean;
  /** It was its writer, and is again. */
  readonly isWriter: boolean;
  readonly mayRenew: boolean;
  /** Of the request's fds those that are the broker's from here on. */
  readonly taken: readonly number[];
}

interface Parts {
  readonly world: Surroundings;
  readonly quotas: Quotas;
  readonly registry: Registry;
  readonly sessions: Sessions;
}

export class Adoption {
  constructor(private readonly parts: Parts) {}

  /**
   * Null where the session is not known. Throws `not_found`, `permission_denied`, `busy` while the earlier
   * connection is there, and `invalid_argument` where the memory is needed and is not what was brought.
   * Fds that were not taken are the caller's.
   */
  adopt(client: Client, request: AdoptionRequest): Adopted | null {
    const past = this.parts.sessions.find(request.session, client.peer.uid);
    if (past === null) return null;
    const adopted = this.#judge(past, request.id);
    const taken = adopted.buffer.state === 'away' ? this.#fill(adopted.buffer, request.fds) : [];
    this.#succeed(adopted, past, client);
    return { ...adopted, taken };
  }

  #judge(past: Client, id: string): Omit<Adopted, 'taken'> {
    if (past.connected) {
      throw new BrokerError('busy', "the session's own connection is still there", {
        constraint: 'session',
      });
    }
    const buffer = this.parts.registry.get(id);
    const isWriter = buffer.lasting?.writer === past;
    if (buffer.owner.client === past) return { buffer, isOwner: true, isWriter, mayRenew: true };
    const recipient = buffer.recipients.of(past);
    if (recipient !== null) {
      return { buffer, isOwner: false, isWriter, mayRenew: recipient.mayRenew };
    }
    const message = `the session had no object for ${id}`;
    throw new BrokerError('permission_denied', message, { constraint: 'session' });
  }

  /** One of the fds for each memory; returns those. */
  #fill(buffer: BrokerBuffer, brought: readonly number[]): number[] {
    const { allocation } = buffer;
    const { identities = [], planes } = allocation;
    const { world } = this.parts;
    // Who has a memfd can open it anew, for reading alone; whoever has the buffer gets what is taken here.
    const usable =
      allocation.handleType === 'memfd' ? brought.filter((fd) => world.isWritable(fd)) : brought;
    const files = new Map(usable.map((fd) => [world.identity(fd), fd]));
    const fds = identities.flatMap((each) => files.get(each) ?? []);
    if (fds.length === 0 || fds.length < identities.length) {
      const message = `the memory of ${buffer.id} is with its clients alone: its planes are needed, and what was brought are not those`;
      throw new BrokerError('invalid_argument', message, { constraint: 'planes' });
    }
    const filled = planes.map((plane): Plane => ({ ...plane, fd: fds[plane.memory] ?? plane.fd }));
    buffer.allocation = { ...allocation, planes: filled };
    buffer.held = this.parts.registry.hold(buffer.allocation);
    buffer.state = buffer.lostWhileAway ? 'lost' : 'live';
    buffer.lostWhileAway = false;
    return fds;
  }

  /** The new connection has the place of the old one, as owner and as one of those who have it. */
  #succeed({ buffer, isOwner }: Omit<Adopted, 'taken'>, past: Client, client: Client): void {
    const { registry, world } = this.parts;
    // It was the session's already, and may not be lost to it where a limit is less by now.
    if (isOwner) succeed(this.parts, buffer, client, 'imposed');
    buffer.recipients.drop(past);
    registry.happened({ type: 'buffer.adopted', buffer, client });
    world.changed(buffer);
  }
}
