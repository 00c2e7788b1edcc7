/**
 * dmabroker_manager_v1 and dmabroker_params_v1: where a client describes what it wants.
 */
import type { Alignment } from '../../broker/alignment.js';
import type { Broker } from '../../broker/broker.js';
import { BrokerError } from '../../broker/errors.js';
import { MOD_LINEAR } from '../../broker/fourcc.js';
import {
  MAX_BUFFER_SIZE,
  MAX_BUFFERS_PER_CLIENT,
  MAX_IMAGE_DIMENSION,
  MAX_MODIFIERS,
  MAX_OBJECTS_PER_CLIENT,
} from '../../broker/limits.js';
import type { Lifetime } from '../../broker/request.js';
import { type HandleType, type MemorySpec, Usage } from '../../broker/source.js';
import { dmabroker_manager_v1, dmabroker_params_v1 } from '../../protocol/dmabroker-v1.gen.js';
import { hi, join64, lo, MAX_FDS } from '../../protocol/wire.js';
import type { DeviceInfo } from '../control.js';
import { BufferObject } from './buffer.js';
import type { Connection, Resource } from './connection.js';
import { cut, MAX_TEXT } from './text.js';

/** What the manager's events say and its requests reach. */
export interface ManagerContext {
  readonly broker: Broker;
  readonly device: DeviceInfo | null;
  /** dev_t of the DRM node that is advertised, or null. */
  readonly mainDevice: Buffer | null;
}

export function bindManager(
  context: ManagerContext,
  connection: Connection,
  id: number,
  version: number,
): void {
  const manager = connection.create(id, dmabroker_manager_v1, version, {
    destroy: () => {},
    create_params: (paramsId) => createParams(context, connection, paramsId, version),
    redeem: (bufferId, token) => {
      const object = new BufferObject(context.broker, connection, bufferId, version);
      try {
        object.show(context.broker.redeem(connection.client, token));
      } catch (error) {
        if (!(error instanceof BrokerError)) throw error;
        object.failed(error);
      }
    },
  });
  describe(manager, context);
}

function describe(
  manager: Resource<typeof dmabroker_manager_v1>,
  { broker, device, mainDevice }: ManagerContext,
): void {
  const { handle_type, limit } = dmabroker_manager_v1.enums;
  if (device !== null) {
    const uuid = (hex: string) => Buffer.from(hex, 'hex');
    const node = mainDevice ?? Buffer.alloc(0);
    manager.event('device', device.name, uuid(device.device_uuid), uuid(device.driver_uuid), node);
  }
  for (const { name, handleType, usable, reason } of broker.sources) {
    const why = cut(reason, MAX_TEXT.reason);
    manager.event('source', name, handle_type[handleType], usable ? 1 : 0, why);
  }
  const limits = [
    [limit.buffer_size, device?.limits.max_allocation_size ?? MAX_BUFFER_SIZE],
    [limit.image_dimension, device?.limits.max_image_dimension_2d ?? MAX_IMAGE_DIMENSION],
    [limit.buffers, MAX_BUFFERS_PER_CLIENT],
    [limit.objects, MAX_OBJECTS_PER_CLIENT],
    [limit.fds, MAX_FDS],
  ] as const;
  for (const [what, value] of limits) manager.event('limit', what, hi(value), lo(value));
  manager.event('done');
}

/** The entries of an enum whose bits are set; unknown bits or none give null. */
function fromBits<T extends string>(bits: number, values: Readonly<Record<T, number>>): T[] | null {
  const all = Object.values<number>(values).reduce((sum, bit) => sum | bit, 0);
  if (bits === 0 || (bits & ~all) !== 0) return null;
  return (Object.keys(values) as T[]).filter((name) => (bits & values[name]) !== 0);
}

type Memory = { size: number } | { width: number; height: number; format: number };

function createParams(
  { broker }: ManagerContext,
  connection: Connection,
  id: number,
  version: number,
): void {
  const { error, lifetime: lifetimes, plane_memory } = dmabroker_params_v1.enums;
  const { handle_type, usage: usages } = dmabroker_manager_v1.enums;
  let used = false;
  let what: Memory | null = null;
  const modifiers: bigint[] = [];
  let usage: number = Usage.transfer;
  let handleTypes: HandleType[] = ['dma_buf'];
  let lifetime: Lifetime = 'connection';
  let name: string | null = null;
  let alignment: Alignment = {};
  let separatePlanes = false;
  let sources: readonly string[] = [];

  /** Wraps a request that may come only before create. */
  const before =
    <A extends unknown[]>(set: (...values: A) => void) =>
    (...values: A) => {
      if (used) params.error(error.already_used, 'these parameters were used by create');
      set(...values);
    };
  const setOnce = (value: Memory) => {
    if (what !== null) params.error(error.already_set, 'the kind of memory is set already');
    what = value;
  };

  const params = connection.create(id, dmabroker_params_v1, version, {
    destroy: () => {},
    set_buffer: before((high, low) => setOnce({ size: Number(join64(high, low)) })),
    set_image: before((width, height, format) => setOnce({ width, height, format })),
    add_modifier: before((high, low) => {
      if (modifiers.push(join64(high, low)) > MAX_MODIFIERS) {
        params.error(error.too_many_modifiers, `more than ${MAX_MODIFIERS} modifiers`);
      }
    }),
    set_usage: before((bits) => {
      if (fromBits(bits, usages) === null) params.error(error.invalid_bits, `usage ${bits}`);
      usage = bits;
    }),
    set_handle_types: before((bits) => {
      handleTypes =
        fromBits(bits, handle_type) ?? params.error(error.invalid_bits, `handle types ${bits}`);
    }),
    set_lifetime: before((value) => {
      const known = (Object.keys(lifetimes) as Lifetime[]).find((key) => lifetimes[key] === value);
      lifetime = known ?? params.error(error.invalid_lifetime, `lifetime ${value}`);
    }),
    set_name: before((text) => {
      name = text;
    }),
    set_alignment: before((stride, offset, size, height) => {
      // 0: nothing is demanded, which is what a multiple of 1 says.
      const orOne = (value: number) => value || 1;
      alignment = {
        stride: orOne(stride),
        offset: orOne(offset),
        size: orOne(size),
        height: orOne(height),
      };
    }),
    set_planes: before((value) => {
      if (value !== plane_memory.shared && value !== plane_memory.separate) {
        params.error(error.invalid_planes, `planes ${value}`);
      }
      separatePlanes = value === plane_memory.separate;
    }),
    set_source: before((text) => {
      sources = [text];
    }),
    create: before((bufferId) => {
      const memory = what ?? params.error(error.incomplete, 'no set_buffer or set_image was sent');
      used = true;
      const taken = modifiers.length > 0 ? modifiers : [MOD_LINEAR];
      const spec: MemorySpec =
        'size' in memory
          ? { kind: 'buffer', size: memory.size, usage, alignment }
          : { kind: 'image', ...memory, modifiers: taken, usage, alignment, separatePlanes };
      const object = new BufferObject(broker, connection, bufferId, version);
      object.allocate({ spec, handleTypes, lifetime, name, sources });
    }),
  });
}
