/**
 * How a buffer comes to others than its owner: a token stands for it, whoever shows that may have it, and is one who
 * was handed it from the moment that its fds are on their way.
 *
 * Owns: the tokens, and how much each user was handed on all connections together, which has a bound.
 */
import { BrokerError } from '../memory/errors.js';
import { checkFaces } from '../memory/faces.js';
import { MAX_RECIPIENTS } from '../memory/limits.js';
import type { HandleType } from '../memory/source.js';
import { isAway } from './away.js';
import type { BrokerBuffer, Client, Owner } from './buffer.js';
import { FairPool } from './fair-pool.js';
import type { Policy } from './policy.js';
import type { Quotas } from './quota/quotas.js';
import type { Registry } from './registry.js';
import type { Surroundings } from './surroundings.js';
import { type Issued, Tokens, type TokenTerms } from './tokens.js';
import type { Suspect } from './unproven.js';

export interface Redemption {
  readonly buffer: BrokerBuffer;
  /** Whether the token allows its redeemer to renew the buffer's lease. */
  readonly mayRenew: boolean;
}

interface Parts {
  readonly world: Surroundings;
  readonly quotas: Quotas;
  readonly registry: Registry;
  policy(): Policy;
}

/** Throws where its memory cannot be handed out now. */
export function checkLive({ id, state }: BrokerBuffer): void {
  if (state === 'live') return;
  if (state === 'away') throw isAway(id);
  const message = `the memory of ${id} was lost with its device; its owner can have it re-issued`;
  throw new BrokerError('device_lost', message, { constraint: 'state', requested: 'live' });
}

export class Sharing {
  readonly tokens: Tokens<BrokerBuffer>;
  readonly #recipients: FairPool;
  /** What gives back one of them that is a client's. */
  readonly #forgotten = new WeakMap<Client, () => void>();

  constructor(
    private readonly parts: Parts,
    maxRecipients = MAX_RECIPIENTS,
  ) {
    this.tokens = new Tokens(parts.world.clock, parts.world.random);
    this.#recipients = new FairPool(maxRecipients);
  }

  /** Over REST it is shared in its owner's name, whoever does it: the owner's policy says with whom. */
  share(buffer: BrokerBuffer, terms: TokenTerms, by: Owner | null = null): Issued {
    if (buffer.released) throw new BrokerError('not_found', 'the buffer is released');
    checkLive(buffer);
    const { world, registry } = this.parts;
    const { peer } = by?.client ? by : buffer.owner;
    const audience = this.parts.policy().audience(peer, terms.uid);
    const issued = this.tokens.issue(buffer, { ...terms, audience }, this.#issuer(peer));
    registry.happened({ type: 'buffer.shared', buffer, token: issued.info, by });
    world.changed(buffer);
    return issued;
  }

  /** Throws where an owner may not share a buffer on these terms when it has one. */
  checkTerms({ peer }: Owner, terms: TokenTerms): void {
    this.parts.policy().audience(peer, terms.uid);
    this.tokens.check(terms, this.#issuer(peer));
  }

  #issuer(peer: Owner['peer']): number {
    return this.parts.quotas.whoIs({ client: null, peer }).uid;
  }

  /** Returns false where the buffer has no such token (any more). */
  revoke(buffer: BrokerBuffer, tokenId: string, by: Owner | null = null): boolean {
    if (!this.tokens.revoke(buffer, tokenId)) return false;
    this.parts.registry.happened({ type: 'buffer.unshared', buffer, token: tokenId, by });
    this.parts.world.changed(buffer);
    return true;
  }

  /** `types`: what it has to be had as, all of them; none are whatever it is. */
  redeem(client: Client, token: string, types: readonly HandleType[] = []): Redemption {
    const { world, quotas, registry } = this.parts;
    const found = this.tokens.find(token, client.peer);
    const { target: buffer, id, mayRenew } = found;
    checkLive(buffer);
    checkFaces(buffer.id, buffer.allocation, types);
    this.checkRecipient(buffer, client);
    quotas.redeem(buffer, client);
    this.tokens.use(found);
    registry.happened({ type: 'buffer.redeemed', buffer, client, token: id });
    world.changed(buffer);
    return { buffer, mayRenew };
  }

  /** Throws where the client's user was handed too much. */
  checkRecipient(buffer: BrokerBuffer, client: Client): void {
    if (buffer.recipients.of(client) !== null || this.#recipients.has(this.#userOf(client), 1))
      return;
    const message = 'the user was handed too many buffers on too many connections';
    throw new BrokerError('limit_exceeded', message, { constraint: 'recipients' });
  }

  /** Who was handed it, as those know it who look for it. */
  suspect({ allocation, owner, recipients }: BrokerBuffer): Suspect {
    const charged = this.parts.quotas.whoIs(owner).uid;
    const users = new Set([charged]);
    // Where files do not tell memories apart there is nothing to look for.
    let outside = allocation.identities === undefined;
    for (const { client } of recipients) {
      users.add(this.#userOf(client));
      outside ||= client.peer.pid === 0;
    }
    return {
      identities: allocation.identities ?? [],
      bytes: allocation.size,
      owner: charged,
      users: [...users].sort((a, b) => a - b),
      outside,
    };
  }

  #userOf(client: Client): number {
    return this.parts.quotas.whoOf(client).uid;
  }

  /** The planes' fds are on their way to a client: it is a recipient from now on. */
  handedOut(
    buffer: BrokerBuffer,
    client: Client,
    mayRenew = false,
    fds = buffer.held.fds.length,
  ): void {
    const { world } = this.parts;
    const known = buffer.recipients.of(client);
    if (known === null || (mayRenew && !known.mayRenew)) this.#receives(buffer, client, mayRenew);
    buffer.lastUsed = world.clock.now();
    client.fdsSent += fds;
    if (!buffer.released) world.changed(buffer);
    if (client.connected) world.changed(client);
  }

  #receives(buffer: BrokerBuffer, client: Client, mayRenew: boolean): void {
    const { world } = this.parts;
    const watched = world.tells(buffer.allocation) !== 'gone';
    const terms = { watched, mayRenew };
    buffer.recipients.add(client, world.clock.now(), terms, () => this.counted(client));
  }

  /** Counts one more that a client was handed, whatever the bound. Returns what is to be called when that is forgotten. */
  counted(client: Client): () => void {
    const uid = this.#userOf(client);
    this.#recipients.overdraw(uid, 1);
    const known = this.#forgotten.get(client);
    if (known !== undefined) return known;
    // One for all that it was handed.
    const forgotten = () => this.#recipients.give(uid, 1);
    this.#forgotten.set(client, forgotten);
    return forgotten;
  }
}
