/**
 * dmabroker_params_v1 as the client sends it: a description of memory that is to be allocated, or that the
 * client brings, and then what is wanted of it.
 */
import type { Alignment } from '../memory/alignment.js';
import { fourcc } from '../memory/fourcc.js';
import { usageBits } from '../memory/usage.js';
import { dmabroker_params_v1 } from '../protocol/dmabroker-v1.gen.js';
import { hi, lo } from '../protocol/wire.js';
import { handleTypeBits } from './enums.js';
import type { Line } from './manager.js';
import type { CommonRequest, ImageRequest, ImportedMemory, LinearRequest } from './requests.js';
import type { ProtocolObject } from './wire-client.js';

export type Params = ProtocolObject<typeof dmabroker_params_v1>;

/** Memory that is brought, and what it was asked for with. */
export type Brought = ImportedMemory & Pick<CommonRequest, 'usage'>;

export function createParams({ wire, manager }: Line): Params {
  const params = wire.create(dmabroker_params_v1, {});
  manager.request('create_params', params.id);
  return params;
}

/** What is to be allocated. */
export function wanted(line: Line, request: LinearRequest | ImageRequest): Params {
  const params = createParams(line);
  if (request.kind === 'buffer') {
    params.request('set_buffer', hi(request.size), lo(request.size));
  } else {
    const { width, height, format, modifiers = [] } = request;
    params.request('set_image', width, height, fourcc(format));
    for (const modifier of modifiers) params.request('add_modifier', hi(modifier), lo(modifier));
  }
  if (request.kind === 'image' && request.separatePlanes === true) {
    params.request('set_planes', dmabroker_params_v1.enums.plane_memory.separate);
  }
  const layout = (request.kind === 'image' && request.layout) || [];
  for (const [index, { offset, stride }] of layout.entries()) {
    params.request('set_plane_layout', index, offset, stride);
  }
  const { handleTypes, allHandleTypes, source, placement, contiguous, waitMs } = request;
  if (request.alignment) {
    const { stride = 0, offset = 0, size = 0, height = 0 }: Alignment = request.alignment;
    params.request('set_alignment', stride, offset, size, height);
  }
  if (waitMs !== undefined) params.request('set_wait', waitMs);
  if (source !== undefined) params.request('set_source', source);
  if (placement) {
    params.request('set_placement', dmabroker_params_v1.enums.placement[placement]);
  }
  if (contiguous) {
    params.request('set_contiguous', dmabroker_params_v1.enums.contiguous[contiguous]);
  }
  const accepted = handleTypeBits(handleTypes ?? ['dma_buf']);
  if (allHandleTypes) params.request('require_handle_types', accepted);
  else if (handleTypes) params.request('set_handle_types', accepted);
  if (request.memory !== undefined) {
    const { fd, offset = 0 } = request.memory;
    params.request('set_memory', fd, hi(offset), lo(offset));
  }
  describe(params, request);
  return params;
}

/** What the client brings. */
export function brought(line: Line, memory: Brought): Params {
  const params = createParams(line);
  if (memory.kind === 'buffer') params.request('set_buffer', hi(memory.size), lo(memory.size));
  else {
    const { width, height, format, modifier } = memory;
    params.request('set_image', width, height, fourcc(format));
    if (modifier !== undefined) params.request('add_modifier', hi(modifier), lo(modifier));
  }
  for (const [index, { fd, offset, stride }] of memory.planes.entries()) {
    params.request('add_plane', fd, index, offset, stride);
  }
  describe(params, memory);
  return params;
}

/** What an allocation and an import have in common. */
function describe(
  params: Params,
  {
    usage,
    lifetime,
    name,
    lastingName,
    device,
  }: Pick<CommonRequest, 'usage' | 'lifetime' | 'name' | 'lastingName' | 'device'>,
): void {
  if (usage) params.request('set_usage', bits(usage, usageBits));
  if (device !== undefined) params.request('set_device', device.toLowerCase());
  if (typeof lifetime === 'object') params.request('set_lease', lifetime.lease);
  else if (lifetime) {
    params.request('set_lifetime', dmabroker_params_v1.enums.lifetime[lifetime]);
  }
  if (name !== undefined) params.request('set_name', name);
  if (lastingName !== undefined) params.request('set_lasting_name', lastingName);
}

function bits<T extends string>(names: readonly T[], values: Readonly<Record<T, number>>): number {
  return names.reduce((sum, name) => sum | values[name], 0);
}
