/** dmabroker_params_v1: a client describes memory to be allocated, or memory that it brings. */

import type { Broker } from '../../broker/broker.js';
import type { Lifetime } from '../../broker/lifetime.js';
import type { AllocationRequest } from '../../broker/request.js';
import type { Alignment } from '../../memory/alignment.js';
import { type BrokerError, outOfFds } from '../../memory/errors.js';
import { MOD_LINEAR } from '../../memory/fourcc.js';
import { noDmaBuf } from '../../memory/import.js';
import { MAX_MODIFIERS, MAX_WAITING_PLANES, MODIFIER_BYTES } from '../../memory/limits.js';
import { type BroughtPlane, MAX_PLANES, type PlaneLayout } from '../../memory/plane.js';
import { type HandleType, type MemorySpec, type Placement, Usage } from '../../memory/source.js';
import { dmabroker_manager_v1, dmabroker_params_v1 } from '../../protocol/dmabroker-v1.gen.js';
import { wl_display } from '../../protocol/wayland.gen.js';
import { join64 } from '../../protocol/wire.js';
import { BufferObject } from './buffer.js';
import type { Connection } from './connection.js';
import { testRequest } from './dry-run.js';
import { ProtocolError } from './resource.js';

/** The entries of an enum whose bits are set; unknown bits or none give null. */
function fromBits<T extends string>(bits: number, values: Readonly<Record<T, number>>): T[] | null {
  const all = Object.values<number>(values).reduce((sum, bit) => sum | bit, 0);
  if (bits === 0 || (bits & ~all) !== 0) return null;
  return (Object.keys(values) as T[]).filter((name) => (bits & values[name]) !== 0);
}

/** VK_UUID_SIZE bytes, as REST has them too. */
const UUID = /^[0-9a-f]{32}$/;

/** In place of an fd that was closed. */
const NONE = -1;

/** Of the heap: two for a character that is not Latin-1, and a head. */
const textBytes = (text: string) => 2 * text.length + 16;

type Memory = { size: number } | { width: number; height: number; format: number };

export function createParams(
  broker: Broker,
  connection: Connection,
  id: number,
  version: number,
): void {
  const { lifetime: lifetimes, placement: placements, plane_memory } = dmabroker_params_v1.enums;
  const { handle_type, usage: usages } = dmabroker_manager_v1.enums;
  const { foreign } = connection;
  let used = false;
  let what: Memory | null = null;
  const modifiers: bigint[] = [];
  let usage: number = Usage.transfer;
  let handleTypes: HandleType[] = ['dma_buf'];
  let lifetime: Lifetime = 'connection';
  let name: string | null = null;
  let alignment: Alignment = {};
  let separatePlanes = false;
  let placement: Placement = 'any';
  let sources: readonly string[] = [];
  let device: string | undefined;
  const layout = new Map<number, PlaneLayout>();
  /**
   * Memory that the client brings; the fds are ours until `import` hands them to the broker. What is no
   * dma_buf is closed at once, and `import` is refused.
   */
  const planes = new Map<number, BroughtPlane>();
  let unusable: BrokerError | null = null;

  /** Wraps a request that may come only before create. */
  const before =
    <A extends unknown[]>(set: (...values: A) => void) =>
    (...values: A) => {
      if (used) params.error('already_used', 'these parameters were used by create');
      set(...values);
    };
  const setOnce = (value: Memory) => {
    if (what !== null) params.error('already_set', 'the kind of memory is set already');
    what = value;
  };

  const params = connection.create(
    id,
    dmabroker_params_v1,
    version,
    {
      destroy: () => {},
      set_buffer: before((high, low) => setOnce({ size: Number(join64(high, low)) })),
      set_image: before((width, height, format) => setOnce({ width, height, format })),
      add_modifier: before((high, low) => {
        if (modifiers.length === MAX_MODIFIERS) {
          params.error('too_many_modifiers', `more than ${MAX_MODIFIERS} modifiers`);
        }
        params.carry(MODIFIER_BYTES);
        modifiers.push(join64(high, low));
      }),
      set_usage: before((bits) => {
        if (fromBits(bits, usages) === null) params.error('invalid_bits', `usage ${bits}`);
        usage = bits;
      }),
      set_handle_types: before((bits) => {
        handleTypes =
          fromBits(bits, handle_type) ?? params.error('invalid_bits', `handle types ${bits}`);
      }),
      set_lifetime: before((value) => {
        const known = (Object.keys(lifetimes) as (keyof typeof lifetimes)[]).find(
          (key) => lifetimes[key] === value,
        );
        lifetime = known ?? params.error('invalid_lifetime', `lifetime ${value}`);
      }),
      set_lease: before((seconds) => {
        lifetime = { lease: seconds };
      }),
      set_name: before((text) => {
        params.carry(textBytes(text));
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
          params.error('invalid_planes', `planes ${value}`);
        }
        separatePlanes = value === plane_memory.separate;
      }),
      set_source: before((text) => {
        params.carry(textBytes(text));
        sources = [text];
      }),
      add_plane: (fd, index, offset, stride) => {
        if (used || index >= MAX_PLANES || planes.has(index)) {
          foreign.close(fd);
          if (used) params.error('already_used', 'these parameters were used by create');
          params.error('invalid_plane', `plane ${index} is out of range or there already`);
        }
        if (connection.waitingPlanes >= MAX_WAITING_PLANES) {
          foreign.close(fd);
          const text = `more than ${connection.waitingPlanes} planes wait for import`;
          throw new ProtocolError(1, wl_display.enums.error.no_memory, text);
        }
        connection.waitingPlanes++;
        const kind = foreign.kindOf(fd);
        planes.set(index, { fd: kind === 'dma_buf' ? fd : NONE, offset, stride });
        if (kind === 'dma_buf') return;
        foreign.close(fd);
        unusable ??= kind === 'unasked' ? outOfFds() : noDmaBuf(index, kind);
      },
      create: before((bufferId) => {
        if (planes.size > 0) params.error('planes_mismatch', 'planes are for import');
        const object = new BufferObject(broker, connection, bufferId, version);
        object.allocate(request());
        used = true;
      }),
      import: before((bufferId) => {
        const brought: BroughtPlane[] = [];
        for (let index = 0; planes.has(index); index++)
          brought.push(planes.get(index) as BroughtPlane);
        if (brought.length === 0 || brought.length < planes.size) {
          params.error('planes_mismatch', 'import wants planes, from 0 on without a gap');
        }
        if (layout.size > 0) params.error('planes_mismatch', 'a plane layout is for create');
        if (modifiers.length > 1) params.error('planes_mismatch', 'memory has one modifier');
        const imported = spec();
        const object = new BufferObject(broker, connection, bufferId, version);
        used = true;
        connection.waitingPlanes -= planes.size;
        if (unusable !== null) {
          for (const fd of waitingFds()) foreign.close(fd);
          planes.clear();
          object.failed(unusable);
          return;
        }
        for (const fd of waitingFds()) foreign.handOver(fd);
        planes.clear();
        object.import({ spec: imported, planes: brought, device, lifetime, name });
      }),
      set_plane_layout: before((index, offset, stride) => {
        if (index >= MAX_PLANES || layout.has(index)) {
          params.error('invalid_plane', `plane ${index} is out of range or there already`);
        }
        layout.set(index, { offset, stride });
      }),
      test: before((testId) => {
        if (planes.size > 0) params.error('planes_mismatch', 'planes are for import');
        testRequest(broker, connection, { id: testId, version }, request());
      }),
      set_placement: before((value) => {
        const known = (Object.keys(placements) as Placement[]).find(
          (key) => placements[key] === value,
        );
        placement = known ?? params.error('invalid_placement', `placement ${value}`);
      }),
      set_device: before((uuid) => {
        if (!UUID.test(uuid)) {
          params.error('invalid_device', 'a UUID has 32 lower-case hexadecimal digits');
        }
        device = uuid;
      }),
    },
    () => {
      connection.waitingPlanes -= planes.size;
      for (const fd of waitingFds()) foreign.close(fd);
    },
  );

  function waitingFds(): number[] {
    return [...planes.values()].map(({ fd }) => fd).filter((fd) => fd !== NONE);
  }

  function request(): AllocationRequest {
    return { spec: spec(), handleTypes, lifetime, name, sources, device };
  }

  function spec(): MemorySpec {
    const memory = what ?? params.error('incomplete', 'no set_buffer or set_image was sent');
    if ('size' in memory) return { kind: 'buffer', size: memory.size, usage, alignment, placement };
    const taken = modifiers.length > 0 ? modifiers : [MOD_LINEAR];
    return {
      kind: 'image',
      ...memory,
      modifiers: taken,
      usage,
      alignment,
      separatePlanes,
      placement,
      ...(layout.size > 0 && { layout: dictated() }),
    };
  }

  function dictated(): PlaneLayout[] {
    const places = [...layout].sort(([a], [b]) => a - b);
    if (places.some(([index], i) => index !== i)) {
      params.error('invalid_plane', 'a layout wants its planes from 0 on without a gap');
    }
    return places.map(([, place]) => place);
  }
}
