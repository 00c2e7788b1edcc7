/** dmabroker_manager_v1: the broker describes itself, and a client begins. */
import type { Broker } from '../../broker/broker.js';
import type { DeviceDescription, PhysicalDescription } from '../../memory/device.js';
import {
  MAX_BATCH,
  MAX_BUFFER_SIZE,
  MAX_BUFFERS_PER_CLIENT,
  MAX_FDS,
  MAX_IMAGE_DIMENSION,
  MAX_OBJECTS_PER_CLIENT,
} from '../../memory/limits.js';
import { asRefusal } from '../../memory/result.js';
import { dmabroker_manager_v1 } from '../../protocol/dmabroker-v1.gen.js';
import { hi, lo } from '../../protocol/wire.js';
import { ownNode } from '../machine/drm-node.js';
import { handleTypesOf } from './bits.js';
import { BufferObject } from './buffer.js';
import type { Connection } from './connection.js';
import { ParamsObject } from './params.js';
import type { Resource } from './resource.js';
import { subjectOf } from './subject.js';
import { cut, MAX_TEXT } from './text.js';
import { WorkObject } from './work.js';

/** What the manager's events say and its requests reach. */
export interface ManagerContext {
  readonly broker: Broker;
  readonly device: DeviceDescription | null;
  /** dev_t of the DRM node that is advertised, or null. */
  readonly mainDevice: Buffer | null;
  /** The machine's other devices. */
  readonly others: readonly OtherDevice[];
}

type OtherDevice = Pick<PhysicalDescription, 'name' | 'deviceUuid' | 'driverUuid' | 'drm'>;

export function bindManager(
  context: ManagerContext,
  connection: Connection,
  id: number,
  version: number,
): void {
  const manager = connection.objects.create(id, dmabroker_manager_v1, version, {
    destroy: () => {},
    create_params: (paramsId) => {
      new ParamsObject(context.broker, connection, paramsId, version);
    },
    redeem: (bufferId, token) => {
      const object = new BufferObject(context.broker, connection, bufferId, version);
      try {
        object.redeemed(context.broker.sharing.redeem(connection.client, token));
      } catch (error) {
        object.failed(asRefusal(error));
      }
    },
    redeem_as: (bufferId, token, bits) => {
      const object = new BufferObject(context.broker, connection, bufferId, version);
      const types = handleTypesOf(bits);
      if (types === null) {
        manager.error('invalid_handle_types', `handle types ${bits}`);
        return;
      }
      try {
        object.redeemed(context.broker.sharing.redeem(connection.client, token, types), types);
      } catch (error) {
        object.failed(asRefusal(error));
      }
    },
    claim: (bufferId, name, milliseconds, how) => {
      const { claim } = dmabroker_manager_v1.enums;
      const object = new BufferObject(context.broker, connection, bufferId, version);
      if ((how & ~(claim.writer | claim.committed)) !== 0) {
        manager.error('invalid_claim', `how ${how}`);
      }
      object.claim({
        ...{ name, milliseconds },
        asWriter: (how & claim.writer) !== 0,
        committed: (how & claim.committed) !== 0,
      });
    },
    create_work: (workId, bufferId) => {
      new WorkObject(subjectOf(connection, bufferId), workId);
    },
  });
  describe(manager, connection, context);
}

function describe(
  manager: Resource<typeof dmabroker_manager_v1>,
  connection: Connection,
  { broker, device, mainDevice, others }: ManagerContext,
): void {
  const { handle_type, limit } = dmabroker_manager_v1.enums;
  if (device !== null) {
    const tell = (each: OtherDevice, node: Buffer | null) => {
      // Native byte order: the daemon runs on little-endian machines alone (package.json's cpu).
      const dev = node?.readBigUInt64LE() ?? 0n;
      const { name, deviceUuid, driverUuid } = each;
      manager.event('device', name, deviceUuid, driverUuid, hi(dev), lo(dev));
    };
    tell(device, mainDevice);
    for (const other of others) tell(other, ownNode(other.drm));
  }
  for (const { name, handleType, usable, reason } of broker.sources) {
    const why = cut(reason, MAX_TEXT.reason);
    manager.event('source', name, handle_type[handleType], usable ? 1 : 0, why);
  }
  const limits = [
    [limit.buffer_size, device?.limits.maxAllocationSize ?? MAX_BUFFER_SIZE],
    [limit.image_dimension, device?.limits.maxImageDimension2d ?? MAX_IMAGE_DIMENSION],
    [limit.buffers, MAX_BUFFERS_PER_CLIENT],
    [limit.objects, MAX_OBJECTS_PER_CLIENT],
    [limit.fds, MAX_FDS],
    [limit.batch, MAX_BATCH],
  ] as const;
  for (const [what, value] of limits) manager.event('limit', what, hi(value), lo(value));
  manager.event(
    'session',
    connection.session(() => broker.openSession(connection.client)),
  );
  manager.event('done');
}
