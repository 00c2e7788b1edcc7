/** dmabroker_params_v1: a client describes memory to be allocated, or memory that it brings. */

import type { Broker } from '../../broker/broker.js';
import type { Lifetime } from '../../broker/lifetime.js';
import type { AllocationRequest } from '../../broker/request.js';
import type { Alignment } from '../../memory/alignment.js';
import { BrokerError } from '../../memory/errors.js';
import { MOD_LINEAR } from '../../memory/fourcc.js';
import { MAX_MODIFIERS, MODIFIER_BYTES } from '../../memory/limits.js';
import { type BroughtPlane, MAX_PLANES, type PlaneLayout } from '../../memory/plane.js';
import {
  type Contiguous,
  type HandleType,
  type MemorySpec,
  type Placement,
  Usage,
} from '../../memory/source.js';
import { dmabroker_manager_v1, dmabroker_params_v1 } from '../../protocol/dmabroker-v1.gen.js';
import { join64 } from '../../protocol/wire.js';
import { Batch } from './batch.js';
import { bitsOf, handleTypesOf } from './bits.js';
import { BroughtFds } from './brought-fds.js';
import { BufferObject } from './buffer.js';
import type { Connection } from './connection.js';
import { testRequest } from './dry-run.js';
import { LentMemory } from './lent-memory.js';
import type { Requests, Resource } from './resource.js';

/** VK_UUID_SIZE bytes, as REST has them too. */
const UUID = /^[0-9a-f]{32}$/;

/** Of the heap: two for a character that is not Latin-1, and a head. */
const textBytes = (text: string) => 2 * text.length + 16;

const DEFAULT_TYPES: readonly HandleType[] = ['dma_buf'];
const ANY_SOURCE: readonly string[] = [];

type Memory = { size: number } | { width: number; height: number; format: number };

/** The entry of an enum that has a value. */
function entryOf<T extends string>(value: number, values: Readonly<Record<T, number>>): T | null {
  return (Object.keys(values) as T[]).find((name) => values[name] === value) ?? null;
}

const { lifetime: lifetimes, placement: placements, plane_memory } = dmabroker_params_v1.enums;
const { contiguous: contiguities } = dmabroker_params_v1.enums;
const { usage: usages } = dmabroker_manager_v1.enums;
const usagesOf = bitsOf(usages);

export class ParamsObject implements Requests<typeof dmabroker_params_v1> {
  readonly #params: Resource<typeof dmabroker_params_v1>;
  /** The request that has made use of them. */
  #used: 'create' | 'create_batch' | 'import' | 'adopt' | null = null;
  #what: Memory | null = null;
  #modifiers: bigint[] | null = null;
  #usage: number = Usage.transfer;
  #handleTypes: readonly HandleType[] = DEFAULT_TYPES;
  #allHandleTypes: boolean | undefined;
  #lifetime: Lifetime = 'connection';
  #name: string | null = null;
  #lastingName: string | null = null;
  #alignment: Alignment = {};
  #separatePlanes = false;
  #placement: Placement = 'any';
  #contiguous: Contiguous | undefined;
  #sources: readonly string[] = ANY_SOURCE;
  #device: string | undefined;
  #waitMs: number | undefined;
  #layout: Map<number, PlaneLayout> | null = null;
  /** None until a plane comes. */
  #brought: BroughtFds | null = null;
  /** The client's own; null: there is none. */
  #memory: LentMemory | null = null;
  /** Of `add_buffer`, until they are asked for; none until one comes. */
  #batch: Batch | null = null;

  constructor(
    private readonly broker: Broker,
    private readonly connection: Connection,
    id: number,
    private readonly version: number,
  ) {
    this.#params = connection.objects.create(id, dmabroker_params_v1, version, this);
  }

  gone(): void {
    this.#brought?.end();
    // What was asked for has it.
    if (this.#used !== 'create') this.#memory?.close();
    if (this.#batch === null) return;
    if (this.connection.closing) {
      this.#batch.end();
      return;
    }
    const text = 'the parameters were destroyed before create_batch';
    this.#batch.refuse(new BrokerError('not_found', text));
  }

  // ---- requests -----------------------------------------------------------------------------------

  destroy(): void {}

  set_buffer(high: number, low: number): void {
    this.#setOnce({ size: high * 2 ** 32 + low });
  }

  set_image(width: number, height: number, format: number): void {
    this.#setOnce({ width, height, format });
  }

  add_modifier(high: number, low: number): void {
    this.#checkUnused();
    this.#modifiers ??= [];
    if (this.#modifiers.length === MAX_MODIFIERS) {
      this.#params.error('too_many_modifiers', `more than ${MAX_MODIFIERS} modifiers`);
    }
    this.#params.carry(MODIFIER_BYTES);
    this.#modifiers.push(join64(high, low));
  }

  set_usage(bits: number): void {
    this.#checkUnused();
    if (usagesOf(bits) === null) this.#params.error('invalid_bits', `usage ${bits}`);
    this.#usage = bits;
  }

  set_handle_types(bits: number): void {
    this.#checkUnused();
    this.#handleTypes =
      handleTypesOf(bits) ?? this.#params.error('invalid_bits', `handle types ${bits}`);
    this.#allHandleTypes = undefined;
  }

  require_handle_types(bits: number): void {
    this.set_handle_types(bits);
    this.#allHandleTypes = true;
  }

  set_lifetime(value: number): void {
    this.#checkUnused();
    this.#lifetime =
      entryOf(value, lifetimes) ?? this.#params.error('invalid_lifetime', `lifetime ${value}`);
  }

  set_lease(seconds: number): void {
    this.#checkUnused();
    this.#lifetime = { lease: seconds };
  }

  set_name(text: string): void {
    this.#checkUnused();
    this.#params.carry(textBytes(text));
    this.#name = text;
  }

  set_lasting_name(text: string): void {
    this.#checkUnused();
    this.#params.carry(textBytes(text));
    this.#lastingName = text;
  }

  set_alignment(stride: number, offset: number, size: number, height: number): void {
    this.#checkUnused();
    // 0: nothing is demanded, which is what a multiple of 1 says.
    const orOne = (value: number) => value || 1;
    this.#alignment = {
      stride: orOne(stride),
      offset: orOne(offset),
      size: orOne(size),
      height: orOne(height),
    };
  }

  set_planes(value: number): void {
    this.#checkUnused();
    if (value !== plane_memory.shared && value !== plane_memory.separate) {
      this.#params.error('invalid_planes', `planes ${value}`);
    }
    this.#separatePlanes = value === plane_memory.separate;
  }

  set_source(text: string): void {
    this.#checkUnused();
    this.#params.carry(textBytes(text));
    this.#sources = [text];
  }

  set_placement(value: number): void {
    this.#checkUnused();
    this.#placement =
      entryOf(value, placements) ?? this.#params.error('invalid_placement', `placement ${value}`);
  }

  set_contiguous(value: number): void {
    this.#checkUnused();
    this.#contiguous =
      entryOf(value, contiguities) ??
      this.#params.error('invalid_contiguous', `contiguous ${value}`);
  }

  set_device(uuid: string): void {
    this.#checkUnused();
    if (!UUID.test(uuid)) {
      this.#params.error('invalid_device', 'a UUID has 32 lower-case hexadecimal digits');
    }
    this.#device = uuid;
  }

  set_wait(milliseconds: number): void {
    this.#checkUnused();
    this.#waitMs = milliseconds;
  }

  set_plane_layout(index: number, offset: number, stride: number): void {
    this.#checkUnused();
    this.#layout ??= new Map();
    if (index >= MAX_PLANES || this.#layout.has(index)) this.#invalidPlane(index);
    this.#layout.set(index, { offset, stride });
  }

  add_plane(fd: number, index: number, offset: number, stride: number): void {
    if (this.#used !== null) this.connection.foreign.close(fd);
    this.#checkUnused();
    this.#brought ??= new BroughtFds(this.connection);
    if (!this.#brought.add(fd, index, offset, stride)) this.#invalidPlane(index);
  }

  create(bufferId: number): void {
    this.#checkUnused();
    this.#checkNothingBrought();
    this.#checkNoBatch();
    const object = this.#bufferObject(bufferId);
    this.#allocate(object, this.#request);
    this.#used = 'create';
  }

  add_buffer(bufferId: number): void {
    this.#checkUnused();
    this.#batch ??= new Batch(this.broker, this.connection.owner);
    this.#batch.add(this.#bufferObject(bufferId));
  }

  create_batch(): void {
    this.#checkUnused();
    this.#checkNothingBrought();
    if (this.#batch === null) {
      this.#params.error('batch_mismatch', 'create_batch wants buffers: add_buffer');
    }
    if (this.#memory !== null) {
      this.#params.error('batch_mismatch', 'set_memory is of one buffer');
    }
    const request = this.#request;
    this.#used = 'create_batch';
    const batch = this.#batch;
    this.#batch = null;
    batch.allocate(request);
  }

  test(testId: number): void {
    this.#checkUnused();
    this.#checkNothingBrought();
    const { broker, connection, version } = this;
    const problem = this.#memory?.problem ?? null;
    const request = { ...this.#request, memory: this.#memory?.lent };
    testRequest(broker, connection, { id: testId, version }, request, problem);
  }

  import(bufferId: number): void {
    this.#checkUnused();
    this.#checkNoBatch();
    this.#checkNoMemory();
    const brought = this.#brought;
    const planes = this.#planes;
    if (brought === null || planes.length === 0) {
      this.#params.error('planes_mismatch', 'import wants planes');
    }
    const imported = this.#importSpec();
    const object = this.#bufferObject(bufferId);
    this.#used = 'import';
    this.#importInto(object, imported, planes, brought);
  }

  adopt(bufferId: number, id: string, session: string): void {
    this.#checkUnused();
    this.#checkNoBatch();
    this.#checkNoMemory();
    const brought = this.#brought;
    const planes = this.#planes;
    const imported = planes.length > 0 ? this.#importSpec() : null;
    const object = this.#bufferObject(bufferId);
    this.#used = 'adopt';
    const adopted = object.adopt({ id, session, fds: brought?.fds ?? [] });
    if (adopted !== 'unknown') {
      brought?.end(adopted);
      return;
    }
    // A memfd of an earlier daemon's is no memory that can be imported.
    if (brought !== null && imported !== null && brought.problem?.code !== 'invalid_argument') {
      this.#importInto(object, imported, planes, brought);
      return;
    }
    const text = 'the session is not known, and no dma_bufs were brought';
    object.failed(new BrokerError('invalid_token', text, { constraint: 'session' }));
  }

  set_memory(fd: number, high: number, low: number): void {
    if (this.#used !== null || this.#memory !== null) this.connection.foreign.close(fd);
    this.#checkUnused();
    if (this.#memory !== null) this.#params.error('already_set', 'the memory is set already');
    this.#memory = new LentMemory(this.connection, fd, high * 2 ** 32 + low);
  }

  // ---- what they have in common -----------------------------------------------------------------

  /** All but `destroy` may come only before what makes use of them. */
  #checkUnused(): void {
    if (this.#used === null) return;
    this.#params.error('already_used', `these parameters were used by ${this.#used}`);
  }

  #setOnce(value: Memory): void {
    this.#checkUnused();
    if (this.#what !== null) {
      this.#params.error('already_set', 'the kind of memory is set already');
    }
    this.#what = value;
  }

  #invalidPlane(index: number): never {
    return this.#params.error('invalid_plane', `plane ${index} is out of range or there already`);
  }

  #checkNothingBrought(): void {
    if ((this.#brought?.size ?? 0) > 0) {
      this.#params.error('planes_mismatch', 'planes are for import');
    }
  }

  #checkNoMemory(): void {
    if (this.#memory !== null) {
      this.#params.error('planes_mismatch', 'set_memory is for create');
    }
  }

  /** What the client's own memory is made into is the broker's; it is closed when that is known. */
  #allocate(object: BufferObject, request: AllocationRequest): void {
    const memory = this.#memory;
    if (memory === null) object.allocate(request);
    else if (memory.problem === null) object.allocate({ ...request, memory: memory.lent });
    else {
      memory.close();
      object.failed(memory.problem);
    }
  }

  #checkNoBatch(): void {
    if (this.#batch !== null) {
      this.#params.error('batch_mismatch', 'buffers that were added are for create_batch');
    }
  }

  #bufferObject(id: number): BufferObject {
    return new BufferObject(this.broker, this.connection, id, this.version);
  }

  get #planes(): readonly BroughtPlane[] {
    if (this.#brought === null) return [];
    return (
      this.#brought.planes ??
      this.#params.error('planes_mismatch', 'planes are from 0 on without a gap')
    );
  }

  #importSpec(): MemorySpec {
    if (this.#layout !== null) {
      this.#params.error('planes_mismatch', 'a plane layout is for create');
    }
    if ((this.#modifiers?.length ?? 0) > 1) {
      this.#params.error('planes_mismatch', 'memory has one modifier');
    }
    return this.#spec;
  }

  #importInto(
    object: BufferObject,
    spec: MemorySpec,
    planes: readonly BroughtPlane[],
    brought: BroughtFds,
  ): void {
    const { problem, fds } = brought;
    const { device, lifetime, name, lastingName } = this.#request;
    brought.end(problem === null ? fds : []);
    if (problem !== null) object.failed(problem);
    else object.import({ spec, planes, device, lifetime, name, lastingName });
  }

  get #request(): AllocationRequest {
    return {
      spec: this.#spec,
      handleTypes: this.#handleTypes,
      allHandleTypes: this.#allHandleTypes,
      lifetime: this.#lifetime,
      name: this.#name,
      lastingName: this.#lastingName,
      sources: this.#sources,
      device: this.#device,
      count: this.#batch?.size,
      waitMs: this.#waitMs,
    };
  }

  get #spec(): MemorySpec {
    const memory =
      this.#what ?? this.#params.error('incomplete', 'no set_buffer or set_image was sent');
    const usage = this.#usage;
    const alignment = this.#alignment;
    const placement = this.#placement;
    const common = { usage, alignment, placement, contiguous: this.#contiguous };
    if ('size' in memory) return { kind: 'buffer', size: memory.size, ...common };
    return {
      kind: 'image',
      ...memory,
      modifiers: this.#modifiers ?? [MOD_LINEAR],
      ...common,
      separatePlanes: this.#separatePlanes,
      ...(this.#layout !== null && { layout: this.#dictated(this.#layout) }),
    };
  }

  #dictated(layout: ReadonlyMap<number, PlaneLayout>): PlaneLayout[] {
    const places = [...layout].sort(([a], [b]) => a - b);
    if (places.some(([index], i) => index !== i)) {
      this.#params.error('invalid_plane', 'a layout wants its planes from 0 on without a gap');
    }
    return places.map(([, place]) => place);
  }
}
