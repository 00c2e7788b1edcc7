// Generated from wayland.xml by scripts/generate-protocol.ts. Do not edit.
import type { Interface } from './wire.js';

export const wl_display = {
  name: 'wl_display',
  version: 1,
  requests: [
    { name: 'sync', opcode: 0, since: 1, destructor: false, args: [{ name: 'callback', type: 'new_id', interface: 'wl_callback' }] },
    { name: 'get_registry', opcode: 1, since: 1, destructor: false, args: [{ name: 'registry', type: 'new_id', interface: 'wl_registry' }] },
  ],
  events: [
    { name: 'error', opcode: 0, since: 1, destructor: false, args: [{ name: 'object_id', type: 'object' }, { name: 'code', type: 'uint' }, { name: 'message', type: 'string' }] },
    { name: 'delete_id', opcode: 1, since: 1, destructor: false, args: [{ name: 'id', type: 'uint' }] },
  ],
  enums: {
    error: { invalid_object: 0, invalid_method: 1, no_memory: 2, implementation: 3 },
  },
} as const satisfies Interface;

export const wl_registry = {
  name: 'wl_registry',
  version: 1,
  requests: [
    { name: 'bind', opcode: 0, since: 1, destructor: false, args: [{ name: 'name', type: 'uint' }, { name: 'id', type: 'new_id' }] },
  ],
  events: [
    { name: 'global', opcode: 0, since: 1, destructor: false, args: [{ name: 'name', type: 'uint' }, { name: 'interface', type: 'string' }, { name: 'version', type: 'uint' }] },
    { name: 'global_remove', opcode: 1, since: 1, destructor: false, args: [{ name: 'name', type: 'uint' }] },
  ],
  enums: {
  },
} as const satisfies Interface;

export const wl_callback = {
  name: 'wl_callback',
  version: 1,
  requests: [
  ],
  events: [
    { name: 'done', opcode: 0, since: 1, destructor: true, args: [{ name: 'callback_data', type: 'uint' }] },
  ],
  enums: {
  },
} as const satisfies Interface;
