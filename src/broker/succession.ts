/**
 * A buffer has another connection for its owner, of the same user: by an adoption, or by a claim as its writer. Who its
 * owner is, `buffer.owner` alone says: whoever may do only what an owner may is asked there, at that moment.
 */
import type { BrokerBuffer, Client } from './buffer.js';
import type { Quotas } from './quota/quotas.js';
import type { Registry } from './registry.js';

interface Parts {
  readonly registry: Registry;
  readonly quotas: Quotas;
}

/**
 * `admitted`: the new owner must have room for it, in the accounts that are not charged for it already. Throws
 * `limit_exceeded` then, and all is as it was.
 */
export function succeed(
  { registry, quotas }: Parts,
  buffer: BrokerBuffer,
  client: Client,
  how: 'admitted' | 'imposed',
): void {
  const { size } = buffer.allocation;
  const owner = { client, peer: client.peer };
  quotas.move(buffer, owner, how);
  buffer.owner.client?.owned.delete(buffer);
  registry.owns(buffer.owner, -size);
  buffer.owner = owner;
  client.owned.add(buffer);
  registry.owns(buffer.owner, size);
}
