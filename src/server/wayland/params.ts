/** dmabroker_params_v1: a client describes memory to be allocated, or memory that it brings. */

import type { Broker } from '../../broker/broker.js';
import type { Lifetime } from '../../broker/lifetime.js';
import type { AllocationRequest } from '../../broker/request.js';
import type { Alignment } from '../../memory/alignment.js';
import { BrokerError } from '../../memory/errors.js';
import { MOD_LINEAR } from '../../memory/fourcc.js';
import { MAX_MODIFIERS, MODIFIER_BYTES } from '../../memory/limits.js';
import { type BroughtPlane, MAX_PLANES, type PlaneLayout } from '../../memory/plane.js';
import { type HandleType, type MemorySpec, type Placement, Usage } from '../../memory/source.js';
import { dmabroker_manager_v1, dmabroker_params_v1 } from '../../protocol/dmabroker-v1.gen.js';
import { join64 } from '../../protocol/wire.js';
import { BroughtFds } from './brought-fds.js';
import { BufferObject } from './buffer.js';
import type { Connection } from './connection.js';
import { testRequest } from './dry-run.js';

/** The entries of an enum whose bits are set; unknown bits or none give null. */
function fromBits<T extends string>(bits: number, values: Readonly<Record<T, number>>): T[] | null {
  const all = Object.values<number>(values).reduce((sum, bit) => sum | bit, 0);
  if (bits === 0 || (bits & ~all) !== 0) return null;
  return (Object.keys(values) as T[]).filter((name) => (bits & values[name]) !== 0);
}

/** VK_UUID_SIZE bytes, as REST has them too. */
const UUID = /^[0-9a-f]{32}$/;

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
  const brought = new BroughtFds(connection);

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
        if (used) {
          foreign.close(fd);
          params.error('already_used', 'these parameters were used by create');
        }
        if (brought.add(fd, index, offset, stride)) return;
        params.error('invalid_plane', `plane ${index} is out of range or there already`);
      },
      create: before((bufferId) => {
        if (brought.size > 0) params.error('planes_mismatch', 'planes are for import');
        const object = new BufferObject(broker, connection, bufferId, version);
        object.allocate(request());
        used = true;
      }),
      import: before((bufferId) => {
        const planes = broughtPlanes();
        if (planes.length === 0) params.error('planes_mismatch', 'import wants planes');
        const imported = importSpec();
        const object = new BufferObject(broker, connection, bufferId, version);
        used = true;
        importInto(object, imported, planes);
      }),
      adopt: before((bufferId, id, session) => {
        const planes = broughtPlanes();
        const imported = planes.length > 0 ? importSpec() : null;
        const object = new BufferObject(broker, connection, bufferId, version);
        used = true;
        const adopted = object.adopt({ id, session, fds: brought.fds });
        if (adopted !== 'unknown') brought.end(adopted);
        // A memfd of an earlier daemon's is no memory that can be imported.
        else if (imported !== null && brought.problem?.code !== 'invalid_argument') {
          importInto(object, imported, planes);
        } else
          object.failed(
            new BrokerError(
              'invalid_token',
              'the session is not known, and no dma_bufs were brought',
              { constraint: 'session' },
            ),
          );
      }),
      set_plane_layout: before((index, offset, stride) => {
        if (index >= MAX_PLANES || layout.has(index)) {
          params.error('invalid_plane', `plane ${index} is out of range or there already`);
        }
        layout.set(index, { offset, stride });
      }),
      test: before((testId) => {
        if (brought.size > 0) params.error('planes_mismatch', 'planes are for import');
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
    () => brought.end(),
  );

  function broughtPlanes(): BroughtPlane[] {
    return brought.planes ?? params.error('planes_mismatch', 'planes are from 0 on without a gap');
  }

  function importSpec(): MemorySpec {
    if (layout.size > 0) params.error('planes_mismatch', 'a plane layout is for create');
    if (modifiers.length > 1) params.error('planes_mismatch', 'memory has one modifier');
    return spec();
  }

  function importInto(
    object: BufferObject,
    imported: MemorySpec,
    planes: readonly BroughtPlane[],
  ): void {
    const { problem, fds } = brought;
    brought.end(problem === null ? fds : []);
    if (problem !== null) object.failed(problem);
    else object.import({ spec: imported, planes, device, lifetime, name });
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
