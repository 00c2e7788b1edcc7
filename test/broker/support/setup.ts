/** What many files of the broker's tests begin with: one broker, one client, and buffers that are there at once. */
import { Broker } from '../../../src/broker/broker.js';
import type { BrokerBuffer, Client } from '../../../src/broker/buffer.js';
import type { AllocationRequest } from '../../../src/broker/request.js';
import type { Result } from '../../../src/memory/result.js';
import { FakeWorld, memfd, offers, peer, request } from './world.js';

export function make() {
  const world = new FakeWorld();
  const broker = new Broker(world, { sources: [memfd], offers });
  const client = broker.connect(peer);
  return { world, broker, client };
}
export type Setup = ReturnType<typeof make>;

/** Allocates and answers at once. */
export function allocated(
  { broker, world }: Setup,
  client: Client | null,
  changes: Partial<AllocationRequest> = {},
): BrokerBuffer {
  let result: Result<BrokerBuffer> | undefined;
  broker.allocate({ client, peer }, request(changes), (given) => {
    result = given;
  });
  world.answer();
  if (result === undefined || 'error' in result) throw new Error('it was not allocated');
  return result;
}
