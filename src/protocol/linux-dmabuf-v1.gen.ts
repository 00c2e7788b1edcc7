// Generated from linux-dmabuf-v1.xml by scripts/generate-protocol.ts. Do not edit.
import type { Reader } from './reader.js';
import { named } from './wire.js';
import type { Writer } from './writer.js';

export const zwp_linux_dmabuf_v1 = named({
  name: 'zwp_linux_dmabuf_v1',
  version: 6,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [],
      write: (w: Writer, o: number) => { w.begin(o); w.end(0); },
      read: (r: Reader, to: { destroy(): void }) => { r.end(); to.destroy(); } },
    { name: 'create_params', opcode: 1, since: 1, destructor: false, args: [{ name: 'params_id', type: 'new_id', interface: 'zwp_linux_buffer_params_v1' }],
      write: (w: Writer, o: number, params_id_: number) => { w.begin(o); w.uint(params_id_); w.end(1); },
      read: (r: Reader, to: { create_params(params_id_: number): void }) => { const params_id_ = r.newId('params_id'); r.end(); to.create_params(params_id_); } },
    { name: 'get_default_feedback', opcode: 2, since: 4, destructor: false, args: [{ name: 'id', type: 'new_id', interface: 'zwp_linux_dmabuf_feedback_v1' }],
      write: (w: Writer, o: number, id_: number) => { w.begin(o); w.uint(id_); w.end(2); },
      read: (r: Reader, to: { get_default_feedback(id_: number): void }) => { const id_ = r.newId('id'); r.end(); to.get_default_feedback(id_); } },
    { name: 'get_surface_feedback', opcode: 3, since: 4, destructor: false, args: [{ name: 'id', type: 'new_id', interface: 'zwp_linux_dmabuf_feedback_v1' }, { name: 'surface', type: 'object', interface: 'wl_surface' }],
      write: (w: Writer, o: number, id_: number, surface_: number) => { w.begin(o); w.uint(id_); w.uint(surface_); w.end(3); },
      read: (r: Reader, to: { get_surface_feedback(id_: number, surface_: number): void }) => { const id_ = r.newId('id'); const surface_ = r.objectId('surface'); r.end(); to.get_surface_feedback(id_, surface_); } },
  ],
  events: [
    { name: 'format', opcode: 0, since: 1, destructor: false, args: [{ name: 'format', type: 'uint' }],
      write: (w: Writer, o: number, format_: number) => { w.begin(o); w.uint(format_); w.end(0); },
      read: (r: Reader, to: { format(format_: number): void }) => { const format_ = r.uint(); r.end(); to.format(format_); } },
    { name: 'modifier', opcode: 1, since: 3, destructor: false, args: [{ name: 'format', type: 'uint' }, { name: 'modifier_hi', type: 'uint' }, { name: 'modifier_lo', type: 'uint' }],
      write: (w: Writer, o: number, format_: number, modifier_hi_: number, modifier_lo_: number) => { w.begin(o); w.uint(format_); w.uint(modifier_hi_); w.uint(modifier_lo_); w.end(1); },
      read: (r: Reader, to: { modifier(format_: number, modifier_hi_: number, modifier_lo_: number): void }) => { const format_ = r.uint(); const modifier_hi_ = r.uint(); const modifier_lo_ = r.uint(); r.end(); to.modifier(format_, modifier_hi_, modifier_lo_); } },
  ],
  enums: {
  },
});

export const zwp_linux_buffer_params_v1 = named({
  name: 'zwp_linux_buffer_params_v1',
  version: 6,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [],
      write: (w: Writer, o: number) => { w.begin(o); w.end(0); },
      read: (r: Reader, to: { destroy(): void }) => { r.end(); to.destroy(); } },
    { name: 'add', opcode: 1, since: 1, destructor: false, args: [{ name: 'fd', type: 'fd' }, { name: 'plane_idx', type: 'uint' }, { name: 'offset', type: 'uint' }, { name: 'stride', type: 'uint' }, { name: 'modifier_hi', type: 'uint' }, { name: 'modifier_lo', type: 'uint' }],
      write: (w: Writer, o: number, fd_: number, plane_idx_: number, offset_: number, stride_: number, modifier_hi_: number, modifier_lo_: number) => { w.begin(o); w.fd(fd_); w.uint(plane_idx_); w.uint(offset_); w.uint(stride_); w.uint(modifier_hi_); w.uint(modifier_lo_); w.end(1); },
      read: (r: Reader, to: { add(fd_: number, plane_idx_: number, offset_: number, stride_: number, modifier_hi_: number, modifier_lo_: number): void }) => { const fd_ = r.fd(); const plane_idx_ = r.uint(); const offset_ = r.uint(); const stride_ = r.uint(); const modifier_hi_ = r.uint(); const modifier_lo_ = r.uint(); r.end(); to.add(fd_, plane_idx_, offset_, stride_, modifier_hi_, modifier_lo_); } },
    { name: 'create', opcode: 2, since: 1, destructor: false, args: [{ name: 'width', type: 'int' }, { name: 'height', type: 'int' }, { name: 'format', type: 'uint' }, { name: 'flags', type: 'uint' }],
      write: (w: Writer, o: number, width_: number, height_: number, format_: number, flags_: number) => { w.begin(o); w.uint(width_); w.uint(height_); w.uint(format_); w.uint(flags_); w.end(2); },
      read: (r: Reader, to: { create(width_: number, height_: number, format_: number, flags_: number): void }) => { const width_ = r.int(); const height_ = r.int(); const format_ = r.uint(); const flags_ = r.uint(); r.end(); to.create(width_, height_, format_, flags_); } },
    { name: 'create_immed', opcode: 3, since: 2, destructor: false, args: [{ name: 'buffer_id', type: 'new_id', interface: 'wl_buffer' }, { name: 'width', type: 'int' }, { name: 'height', type: 'int' }, { name: 'format', type: 'uint' }, { name: 'flags', type: 'uint' }],
      write: (w: Writer, o: number, buffer_id_: number, width_: number, height_: number, format_: number, flags_: number) => { w.begin(o); w.uint(buffer_id_); w.uint(width_); w.uint(height_); w.uint(format_); w.uint(flags_); w.end(3); },
      read: (r: Reader, to: { create_immed(buffer_id_: number, width_: number, height_: number, format_: number, flags_: number): void }) => { const buffer_id_ = r.newId('buffer_id'); const width_ = r.int(); const height_ = r.int(); const format_ = r.uint(); const flags_ = r.uint(); r.end(); to.create_immed(buffer_id_, width_, height_, format_, flags_); } },
    { name: 'set_sampling_device', opcode: 4, since: 6, destructor: false, args: [{ name: 'device', type: 'array' }],
      write: (w: Writer, o: number, device_: Uint8Array) => { w.begin(o); w.array(device_); w.end(4); },
      read: (r: Reader, to: { set_sampling_device(device_: Uint8Array): void }) => { const device_ = r.array(); r.end(); to.set_sampling_device(device_); } },
  ],
  events: [
    { name: 'created', opcode: 0, since: 1, destructor: false, args: [{ name: 'buffer', type: 'new_id', interface: 'wl_buffer' }],
      write: (w: Writer, o: number, buffer_: number) => { w.begin(o); w.uint(buffer_); w.end(0); },
      read: (r: Reader, to: { created(buffer_: number): void }) => { const buffer_ = r.newId('buffer'); r.end(); to.created(buffer_); } },
    { name: 'failed', opcode: 1, since: 1, destructor: false, args: [],
      write: (w: Writer, o: number) => { w.begin(o); w.end(1); },
      read: (r: Reader, to: { failed(): void }) => { r.end(); to.failed(); } },
  ],
  enums: {
    error: { already_used: 0, plane_idx: 1, plane_set: 2, incomplete: 3, invalid_format: 4, invalid_dimensions: 5, out_of_bounds: 6, invalid_wl_buffer: 7, invalid_dev_t_size: 8 },
    flags: { y_invert: 1, interlaced: 2, bottom_first: 4 },
  },
});

export const zwp_linux_dmabuf_feedback_v1 = named({
  name: 'zwp_linux_dmabuf_feedback_v1',
  version: 6,
  requests: [
    { name: 'destroy', opcode: 0, since: 1, destructor: true, args: [],
      write: (w: Writer, o: number) => { w.begin(o); w.end(0); },
      read: (r: Reader, to: { destroy(): void }) => { r.end(); to.destroy(); } },
  ],
  events: [
    { name: 'done', opcode: 0, since: 1, destructor: false, args: [],
      write: (w: Writer, o: number) => { w.begin(o); w.end(0); },
      read: (r: Reader, to: { done(): void }) => { r.end(); to.done(); } },
    { name: 'format_table', opcode: 1, since: 1, destructor: false, args: [{ name: 'fd', type: 'fd' }, { name: 'size', type: 'uint' }],
      write: (w: Writer, o: number, fd_: number, size_: number) => { w.begin(o); w.fd(fd_); w.uint(size_); w.end(1); },
      read: (r: Reader, to: { format_table(fd_: number, size_: number): void }) => { const fd_ = r.fd(); const size_ = r.uint(); r.end(); to.format_table(fd_, size_); } },
    { name: 'main_device', opcode: 2, since: 1, destructor: false, args: [{ name: 'device', type: 'array' }],
      write: (w: Writer, o: number, device_: Uint8Array) => { w.begin(o); w.array(device_); w.end(2); },
      read: (r: Reader, to: { main_device(device_: Uint8Array): void }) => { const device_ = r.array(); r.end(); to.main_device(device_); } },
    { name: 'tranche_done', opcode: 3, since: 1, destructor: false, args: [],
      write: (w: Writer, o: number) => { w.begin(o); w.end(3); },
      read: (r: Reader, to: { tranche_done(): void }) => { r.end(); to.tranche_done(); } },
    { name: 'tranche_target_device', opcode: 4, since: 1, destructor: false, args: [{ name: 'device', type: 'array' }],
      write: (w: Writer, o: number, device_: Uint8Array) => { w.begin(o); w.array(device_); w.end(4); },
      read: (r: Reader, to: { tranche_target_device(device_: Uint8Array): void }) => { const device_ = r.array(); r.end(); to.tranche_target_device(device_); } },
    { name: 'tranche_formats', opcode: 5, since: 1, destructor: false, args: [{ name: 'indices', type: 'array' }],
      write: (w: Writer, o: number, indices_: Uint8Array) => { w.begin(o); w.array(indices_); w.end(5); },
      read: (r: Reader, to: { tranche_formats(indices_: Uint8Array): void }) => { const indices_ = r.array(); r.end(); to.tranche_formats(indices_); } },
    { name: 'tranche_flags', opcode: 6, since: 1, destructor: false, args: [{ name: 'flags', type: 'uint' }],
      write: (w: Writer, o: number, flags_: number) => { w.begin(o); w.uint(flags_); w.end(6); },
      read: (r: Reader, to: { tranche_flags(flags_: number): void }) => { const flags_ = r.uint(); r.end(); to.tranche_flags(flags_); } },
  ],
  enums: {
    tranche_flags: { scanout: 1, sampling: 2 },
  },
});
