/** Every memory that buffers have, live or lingering, each once: what it takes to find out who has how much. */
import type { Broker } from '../../broker/broker.js';
import { hasOpaqueFace } from '../../memory/faces.js';
import type { AllMemories } from '../words/questions.js';

/** `only`: of the buffers of this user alone. */
export function allMemories(
  broker: Pick<Broker, 'buffers' | 'lingering' | 'clients'>,
  only: number | null,
): AllMemories {
  const memories = new Map<string, AllMemories['memories'][number] & { buffers: string[] }>();
  const outside = new Set<object>();
  let opaque = 0;
  for (const { id, owner, allocation, recipients } of [...broker.buffers, ...broker.lingering]) {
    if (only !== null && owner.peer.uid !== only) continue;
    for (const { client } of recipients) if (client.peer.pid === 0) outside.add(client);
    if (allocation.identities === undefined || hasOpaqueFace(allocation)) opaque++;
    for (const [index, identity] of (allocation.identities ?? []).entries()) {
      const known = memories.get(identity);
      if (known !== undefined) {
        known.buffers.push(id);
        continue;
      }
      const bytes = allocation.memories[index] ?? 0;
      const further = allocation.faceIdentities?.[index];
      const same = further === undefined ? {} : { further };
      memories.set(identity, { identity, ...same, bytes, buffers: [id] });
    }
  }
  return {
    memories: [...memories.values()],
    clients: [...broker.clients].map(({ id, peer }) => ({ id, pid: peer.pid })),
    outside: outside.size,
    opaque,
  };
}
