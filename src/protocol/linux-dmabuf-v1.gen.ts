// Generated from linux-dmabuf-unstable-v1.xml by scripts/generate-protocol.ts. Do not edit.
import type { Interface } from './wire.js';

export const zwp_linux_dmabuf_v1 = {
  name: 'zwp_linux_dmabuf_v1',
  version: 4,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'create_params', opcode: 1, since: 1, destructor: false, args: [{ name: 'params_id', type: 'new_id', interface: 'zwp_linux_buffer_params_v1' }] },
    { name: 'get_default_feedback', opcode: 2, since: 4, destructor: false, args: [{ name: 'id', type: 'new_id', interface: 'zwp_linux_dmabuf_feedback_v1' }] },
    { name: 'get_surface_feedback', opcode: 3, since: 4, destructor: false, args: [{ name: 'id', type: 'new_id', interface: 'zwp_linux_dmabuf_feedback_v1' }, { name: 'surface', type: 'object', interface: 'wl_surface' }] },
  ],
  events: [
    { name: 'format', opcode: 0, since: 1, destructor: false, args: [{ name: 'format', type: 'uint' }] },
    { name: 'modifier', opcode: 1, since: 3, destructor: false, args: [{ name: 'format', type: 'uint' }, { name: 'modifier_hi', type: 'uint' }, { name: 'modifier_lo', type: 'uint' }] },
  ],
  enums: {
  },
} as const satisfies Interface;

export const zwp_linux_buffer_params_v1 = {
  name: 'zwp_linux_buffer_params_v1',
  version: 4,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
    { name: 'add', opcode: 1, since: 1, destructor: false, args: [{ name: 'fd', type: 'fd' }, { name: 'plane_idx', type: 'uint' }, { name: 'offset', type: 'uint' }, { name: 'stride', type: 'uint' }, { name: 'modifier_hi', type: 'uint' }, { name: 'modifier_lo', type: 'uint' }] },
    { name: 'create', opcode: 2, since: 1, destructor: false, args: [{ name: 'width', type: 'int' }, { name: 'height', type: 'int' }, { name: 'format', type: 'uint' }, { name: 'flags', type: 'uint' }] },
    { name: 'create_immed', opcode: 3, since: 2, destructor: false, args: [{ name: 'buffer_id', type: 'new_id', interface: 'wl_buffer' }, { name: 'width', type: 'int' }, { name: 'height', type: 'int' }, { name: 'format', type: 'uint' }, { name: 'flags', type: 'uint' }] },
  ],
  events: [
    { name: 'created', opcode: 0, since: 1, destructor: false, args: [{ name: 'buffer', type: 'new_id', interface: 'wl_buffer' }] },
    { name: 'failed', opcode: 1, since: 1, destructor: false, args: [] },
  ],
  enums: {
    error: { already_used: 0, plane_idx: 1, plane_set: 2, incomplete: 3, invalid_format: 4, invalid_dimensions: 5, out_of_bounds: 6, invalid_wl_buffer: 7 },
    flags: { y_invert: 1, interlaced: 2, bottom_first: 4 },
  },
} as const satisfies Interface;

export const zwp_linux_dmabuf_feedback_v1 = {
  name: 'zwp_linux_dmabuf_feedback_v1',
  version: 4,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [] },
  ],
  events: [
    { name: 'done', opcode: 0, since: 1, destructor: false, args: [] },
    { name: 'format_table', opcode: 1, since: 1, destructor: false, args: [{ name: 'fd', type: 'fd' }, { name: 'size', type: 'uint' }] },
    { name: 'main_device', opcode: 2, since: 1, destructor: false, args: [{ name: 'device', type: 'array' }] },
    { name: 'tranche_done', opcode: 3, since: 1, destructor: false, args: [] },
    { name: 'tranche_target_device', opcode: 4, since: 1, destructor: false, args: [{ name: 'device', type: 'array' }] },
    { name: 'tranche_formats', opcode: 5, since: 1, destructor: false, args: [{ name: 'indices', type: 'array' }] },
    { name: 'tranche_flags', opcode: 6, since: 1, destructor: false, args: [{ name: 'flags', type: 'uint' }] },
  ],
  enums: {
    tranche_flags: { scanout: 1 },
  },
} as const satisfies Interface;
