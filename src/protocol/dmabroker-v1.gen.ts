// Generated from dmabroker-v1.xml by scripts/generate-protocol.ts. Do not edit.
import type { Interface } from './wire.js';

export const dmabroker_manager_v1 = {
  name: 'dmabroker_manager_v1',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'create_params', opcode: 1, since: 1, destructor: false, args: [{ name: 'params_id', type: 'new_id', interface: 'dmabroker_params_v1' }] },
    { name: 'redeem', opcode: 2, since: 1, destructor: false, args: [{ name: 'buffer_id', type: 'new_id', interface: 'dmabroker_buffer_v1' }, { name: 'token', type: 'string' }] },
    { name: 'create_work', opcode: 3, since: 1, destructor: false, args: [{ name: 'work_id', type: 'new_id', interface: 'dmabroker_work_v1' }, { name: 'buffer', type: 'object', interface: 'dmabroker_buffer_v1' }] },
  ],
  events: [
    { name: 'device', opcode: 0, since: 1, destructor: false, args: [{ name: 'name', type: 'string' }, { name: 'device_uuid', type: 'string' }, { name: 'driver_uuid', type: 'string' }, { name: 'main_device_hi', type: 'uint' }, { name: 'main_device_lo', type: 'uint' }] },
    { name: 'source', opcode: 1, since: 1, destructor: false, args: [{ name: 'name', type: 'string' }, { name: 'handle_type', type: 'uint' }, { name: 'usable', type: 'uint' }, { name: 'reason', type: 'string' }] },
    { name: 'limit', opcode: 2, since: 1, destructor: false, args: [{ name: 'what', type: 'uint' }, { name: 'value_hi', type: 'uint' }, { name: 'value_lo', type: 'uint' }] },
    { name: 'done', opcode: 3, since: 1, destructor: false, args: [] },
    { name: 'session', opcode: 4, since: 1, destructor: false, args: [{ name: 'token', type: 'string' }] },
  ],
  enums: {
    refusal: { invalid_argument: 1, unsupported_format: 2, unsupported_modifier: 3, unsupported_handle_type: 4, unsupported_usage: 5, too_large: 6, out_of_memory: 7, limit_exceeded: 8, not_found: 9, invalid_token: 10, permission_denied: 11, device_lost: 12, internal: 13, unsupported_source: 14, unsupported_placement: 15, recalled: 16, unsupported_layout: 17, unsupported_device: 18, busy: 19 },
    handle_type: { dma_buf: 1, opaque_fd: 2, memfd: 4 },
    usage: { sample: 1, render: 2, transfer: 4, storage: 8, cpu_read: 16, cpu_write: 32, scanout: 64, video_decode: 128, video_encode: 256 },
    limit: { buffer_size: 1, image_dimension: 2, buffers: 3, objects: 4, fds: 5 },
  },
} as const satisfies Interface;

export const dmabroker_params_v1 = {
  name: 'dmabroker_params_v1',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'set_buffer', opcode: 1, since: 1, destructor: false, args: [{ name: 'size_hi', type: 'uint' }, { name: 'size_lo', type: 'uint' }] },
    { name: 'set_image', opcode: 2, since: 1, destructor: false, args: [{ name: 'width', type: 'uint' }, { name: 'height', type: 'uint' }, { name: 'format', type: 'uint' }] },
    { name: 'add_modifier', opcode: 3, since: 1, destructor: false, args: [{ name: 'modifier_hi', type: 'uint' }, { name: 'modifier_lo', type: 'uint' }] },
    { name: 'set_usage', opcode: 4, since: 1, destructor: false, args: [{ name: 'usage', type: 'uint' }] },
    { name: 'set_handle_types', opcode: 5, since: 1, destructor: false, args: [{ name: 'handle_types', type: 'uint' }] },
    { name: 'set_lifetime', opcode: 6, since: 1, destructor: false, args: [{ name: 'lifetime', type: 'uint' }] },
    { name: 'set_name', opcode: 7, since: 1, destructor: false, args: [{ name: 'name', type: 'string' }] },
    { name: 'create', opcode: 8, since: 1, destructor: false, args: [{ name: 'buffer_id', type: 'new_id', interface: 'dmabroker_buffer_v1' }] },
    { name: 'set_alignment', opcode: 9, since: 1, destructor: false, args: [{ name: 'stride', type: 'uint' }, { name: 'offset', type: 'uint' }, { name: 'size', type: 'uint' }, { name: 'height', type: 'uint' }] },
    { name: 'set_planes', opcode: 10, since: 1, destructor: false, args: [{ name: 'planes', type: 'uint' }] },
    { name: 'set_source', opcode: 11, since: 1, destructor: false, args: [{ name: 'name', type: 'string' }] },
    { name: 'add_plane', opcode: 12, since: 1, destructor: false, args: [{ name: 'fd', type: 'fd' }, { name: 'plane_idx', type: 'uint' }, { name: 'offset', type: 'uint' }, { name: 'stride', type: 'uint' }] },
    { name: 'import', opcode: 13, since: 1, destructor: false, args: [{ name: 'buffer_id', type: 'new_id', interface: 'dmabroker_buffer_v1' }] },
    { name: 'set_placement', opcode: 14, since: 1, destructor: false, args: [{ name: 'placement', type: 'uint' }] },
    { name: 'set_plane_layout', opcode: 15, since: 1, destructor: false, args: [{ name: 'plane_idx', type: 'uint' }, { name: 'offset', type: 'uint' }, { name: 'stride', type: 'uint' }] },
    { name: 'test', opcode: 16, since: 1, destructor: false, args: [{ name: 'test_id', type: 'new_id', interface: 'dmabroker_test_v1' }] },
    { name: 'set_lease', opcode: 17, since: 1, destructor: false, args: [{ name: 'seconds', type: 'uint' }] },
    { name: 'set_device', opcode: 18, since: 1, destructor: false, args: [{ name: 'device_uuid', type: 'string' }] },
    { name: 'adopt', opcode: 19, since: 1, destructor: false, args: [{ name: 'buffer_id', type: 'new_id', interface: 'dmabroker_buffer_v1' }, { name: 'id', type: 'string' }, { name: 'session', type: 'string' }] },
  ],
  events: [
  ],
  enums: {
    error: { already_used: 0, already_set: 1, incomplete: 2, invalid_bits: 3, invalid_lifetime: 4, too_many_modifiers: 5, invalid_planes: 6, invalid_plane: 7, planes_mismatch: 8, invalid_placement: 9, invalid_device: 10 },
    plane_memory: { shared: 0, separate: 1 },
    placement: { any: 0, device_local: 1, host_visible: 2, host_cached: 3 },
    lifetime: { connection: 0, until_released: 1 },
  },
} as const satisfies Interface;

export const dmabroker_buffer_v1 = {
  name: 'dmabroker_buffer_v1',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'release', opcode: 1, since: 1, destructor: false, args: [] },
    { name: 'share', opcode: 2, since: 1, destructor: false, args: [{ name: 'share_id', type: 'new_id', interface: 'dmabroker_share_v1' }, { name: 'uses', type: 'uint' }, { name: 'uid', type: 'uint' }, { name: 'seconds', type: 'uint' }, { name: 'rights', type: 'uint' }] },
    { name: 'reissue', opcode: 3, since: 1, destructor: false, args: [] },
    { name: 'renew', opcode: 4, since: 1, destructor: false, args: [{ name: 'seconds', type: 'uint' }] },
    { name: 'park', opcode: 5, since: 1, destructor: false, args: [{ name: 'seconds', type: 'uint' }] },
  ],
  events: [
    { name: 'info', opcode: 0, since: 1, destructor: false, args: [{ name: 'id', type: 'string' }, { name: 'generation', type: 'uint' }, { name: 'handle_types', type: 'uint' }, { name: 'source', type: 'string' }, { name: 'size_hi', type: 'uint' }, { name: 'size_lo', type: 'uint' }, { name: 'format', type: 'uint' }, { name: 'modifier_hi', type: 'uint' }, { name: 'modifier_lo', type: 'uint' }, { name: 'width', type: 'uint' }, { name: 'height', type: 'uint' }] },
    { name: 'memory', opcode: 1, since: 1, destructor: false, args: [{ name: 'index', type: 'uint' }, { name: 'size_hi', type: 'uint' }, { name: 'size_lo', type: 'uint' }] },
    { name: 'plane', opcode: 2, since: 1, destructor: false, args: [{ name: 'fd', type: 'fd' }, { name: 'handle_type', type: 'uint' }, { name: 'plane_idx', type: 'uint' }, { name: 'memory', type: 'uint' }, { name: 'offset', type: 'uint' }, { name: 'stride', type: 'uint' }] },
    { name: 'done', opcode: 3, since: 1, destructor: false, args: [] },
    { name: 'long_detail', opcode: 4, since: 1, destructor: false, args: [{ name: 'fd', type: 'fd' }, { name: 'size', type: 'uint' }] },
    { name: 'failed', opcode: 5, since: 1, destructor: false, args: [{ name: 'code', type: 'uint' }, { name: 'message', type: 'string' }, { name: 'detail', type: 'string' }] },
    { name: 'released', opcode: 6, since: 1, destructor: false, args: [{ name: 'reason', type: 'uint' }] },
    { name: 'checked', opcode: 7, since: 1, destructor: false, args: [{ name: 'how', type: 'uint' }, { name: 'reason', type: 'string' }] },
    { name: 'vulkan_memory', opcode: 8, since: 1, destructor: false, args: [{ name: 'memory_type', type: 'uint' }, { name: 'dedicated', type: 'uint' }] },
    { name: 'lost', opcode: 9, since: 1, destructor: false, args: [{ name: 'generation', type: 'uint' }] },
    { name: 'reissued', opcode: 10, since: 1, destructor: false, args: [{ name: 'generation', type: 'uint' }] },
    { name: 'unverified', opcode: 11, since: 1, destructor: false, args: [{ name: 'usage', type: 'uint' }] },
    { name: 'recall', opcode: 12, since: 1, destructor: false, args: [{ name: 'reason', type: 'uint' }, { name: 'seconds', type: 'uint' }] },
    { name: 'lease', opcode: 13, since: 1, destructor: false, args: [{ name: 'seconds', type: 'uint' }, { name: 'answer', type: 'uint' }] },
    { name: 'lease_refused', opcode: 14, since: 1, destructor: false, args: [{ name: 'code', type: 'uint' }, { name: 'message', type: 'string' }, { name: 'detail', type: 'string' }] },
    { name: 'device', opcode: 15, since: 1, destructor: false, args: [{ name: 'device_uuid', type: 'string' }] },
  ],
  enums: {
    release_reason: { owner: 1, administrator: 2, lease_expired: 3 },
    recall_reason: { withdrawn: 0, share: 1, memory_pressure: 2, lease_expired: 3, administrator: 4 },
    import_check: { device: 1, layout: 2 },
  },
} as const satisfies Interface;

export const dmabroker_test_v1 = {
  name: 'dmabroker_test_v1',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
  ],
  events: [
    { name: 'possible', opcode: 0, since: 1, destructor: false, args: [{ name: 'source', type: 'string' }, { name: 'size_hi', type: 'uint' }, { name: 'size_lo', type: 'uint' }, { name: 'handle_types', type: 'uint' }, { name: 'modifier_hi', type: 'uint' }, { name: 'modifier_lo', type: 'uint' }, { name: 'planes', type: 'uint' }] },
    { name: 'memory', opcode: 1, since: 1, destructor: false, args: [{ name: 'index', type: 'uint' }, { name: 'size_hi', type: 'uint' }, { name: 'size_lo', type: 'uint' }] },
    { name: 'plane_layout', opcode: 2, since: 1, destructor: false, args: [{ name: 'plane_idx', type: 'uint' }, { name: 'memory', type: 'uint' }, { name: 'offset', type: 'uint' }, { name: 'stride', type: 'uint' }] },
    { name: 'unverified', opcode: 3, since: 1, destructor: false, args: [{ name: 'usage', type: 'uint' }] },
    { name: 'done', opcode: 4, since: 1, destructor: false, args: [] },
    { name: 'long_detail', opcode: 5, since: 1, destructor: false, args: [{ name: 'fd', type: 'fd' }, { name: 'size', type: 'uint' }] },
    { name: 'failed', opcode: 6, since: 1, destructor: false, args: [{ name: 'code', type: 'uint' }, { name: 'message', type: 'string' }, { name: 'detail', type: 'string' }] },
  ],
  enums: {
  },
} as const satisfies Interface;

export const dmabroker_share_v1 = {
  name: 'dmabroker_share_v1',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'revoke', opcode: 1, since: 1, destructor: false, args: [] },
  ],
  events: [
    { name: 'token', opcode: 0, since: 1, destructor: false, args: [{ name: 'token', type: 'string' }] },
    { name: 'long_detail', opcode: 1, since: 1, destructor: false, args: [{ name: 'fd', type: 'fd' }, { name: 'size', type: 'uint' }] },
    { name: 'failed', opcode: 2, since: 1, destructor: false, args: [{ name: 'code', type: 'uint' }, { name: 'message', type: 'string' }, { name: 'detail', type: 'string' }] },
    { name: 'token_id', opcode: 3, since: 1, destructor: false, args: [{ name: 'id', type: 'string' }] },
  ],
  enums: {
    right: { renew: 1 },
    error: { invalid_rights: 0 },
  },
} as const satisfies Interface;

export const dmabroker_work_v1 = {
  name: 'dmabroker_work_v1',
  version: 1,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'set_offset', opcode: 1, since: 1, destructor: false, args: [{ name: 'offset_hi', type: 'uint' }, { name: 'offset_lo', type: 'uint' }] },
    { name: 'set_size', opcode: 2, since: 1, destructor: false, args: [{ name: 'size_hi', type: 'uint' }, { name: 'size_lo', type: 'uint' }] },
    { name: 'set_source_offset', opcode: 3, since: 1, destructor: false, args: [{ name: 'offset_hi', type: 'uint' }, { name: 'offset_lo', type: 'uint' }] },
    { name: 'copy', opcode: 4, since: 1, destructor: false, args: [{ name: 'source', type: 'object', interface: 'dmabroker_buffer_v1' }] },
    { name: 'fill', opcode: 5, since: 1, destructor: false, args: [{ name: 'value', type: 'uint' }] },
    { name: 'read', opcode: 6, since: 1, destructor: false, args: [] },
  ],
  events: [
    { name: 'content', opcode: 0, since: 1, destructor: false, args: [{ name: 'fd', type: 'fd' }, { name: 'size_hi', type: 'uint' }, { name: 'size_lo', type: 'uint' }] },
    { name: 'done', opcode: 1, since: 1, destructor: false, args: [{ name: 'path', type: 'uint' }] },
    { name: 'long_detail', opcode: 2, since: 1, destructor: false, args: [{ name: 'fd', type: 'fd' }, { name: 'size', type: 'uint' }] },
    { name: 'failed', opcode: 3, since: 1, destructor: false, args: [{ name: 'code', type: 'uint' }, { name: 'message', type: 'string' }, { name: 'detail', type: 'string' }] },
  ],
  enums: {
    error: { already_used: 0, no_source: 1 },
    path: { device: 1, cpu: 2 },
  },
} as const satisfies Interface;
