/** dmabroker_test_v1: the answer to a dry run. */
import type { Broker } from '../../broker/broker.js';
import type { AllocationRequest } from '../../broker/request.js';
import type { BrokerError } from '../../memory/errors.js';
import type { Plan } from '../../memory/source.js';
import { unverified } from '../../memory/usage.js';
import { dmabroker_manager_v1, dmabroker_test_v1 } from '../../protocol/dmabroker-v1.gen.js';
import { hi, lo } from '../../protocol/wire.js';
import type { Connection } from './connection.js';
import { refuse } from './failure.js';
import type { Resource } from './resource.js';

export function testRequest(
  broker: Broker,
  connection: Connection,
  { id, version }: { readonly id: number; readonly version: number },
  request: AllocationRequest,
  /** What is wrong with what the client has sent. */
  problem: BrokerError | null = null,
): void {
  const resource = connection.objects.create(id, dmabroker_test_v1, version, { destroy: () => {} });
  const { client } = connection;
  const owner = { client, peer: client.peer };
  if (problem !== null) {
    refuse(broker, { owner, resource }, problem);
    return;
  }
  broker.test(owner, request, (result) => {
    if ('error' in result) refuse(broker, { owner, resource }, result.error);
    else tell(resource, result, unverified(request.spec.usage, result.scanout));
  });
}

function tell(
  resource: Resource<typeof dmabroker_test_v1>,
  { source, handleType, also = [], memories, modifier, planes }: Plan,
  trusted: number,
): void {
  const bits = dmabroker_manager_v1.enums.handle_type;
  const type = [handleType, ...also].reduce((all, each) => all | bits[each], 0);
  const size = memories.reduce((sum, bytes) => sum + bytes, 0);
  const by = modifier ?? 0n;
  resource.event('possible', source, hi(size), lo(size), type, hi(by), lo(by), planes.length);
  for (const [index, bytes] of memories.entries()) {
    resource.event('memory', index, hi(bytes), lo(bytes));
  }
  for (const [index, { memory, offset, stride }] of planes.entries()) {
    resource.event('plane_layout', index, memory, offset, stride);
  }
  if (trusted !== 0) resource.event('unverified', trusted);
  resource.event('done');
}
