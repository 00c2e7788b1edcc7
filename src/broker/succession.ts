/** A buffer has another connection for its owner, of the same user: by an adoption, or by a claim as its writer. */
import type { BrokerBuffer, Client } from './buffer.js';
import type { Quotas } from './quota/quotas.js';
import type { Registry } from './registry.js';

interface Parts {
  readonly registry: Registry;
  readonly quotas: Quotas;
}

export function succeed({ registry, quotas }: Parts, buffer: BrokerBuffer, client: Client): void {
  const { size } = buffer.allocation;
  buffer.owner.client?.owned.delete(buffer);
  registry.owns(buffer.owner, -size);
  buffer.owner = { client, peer: client.peer };
  client.owned.add(buffer);
  registry.owns(buffer.owner, size);
  quotas.move(buffer);
}
