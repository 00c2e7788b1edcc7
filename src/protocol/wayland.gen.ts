// Generated from wayland.xml by scripts/generate-protocol.ts. Do not edit.
import type { Reader } from './reader.js';
import { named, type UntypedNewId } from './wire.js';
import type { Writer } from './writer.js';

export const wl_display = named({
  name: 'wl_display',
  version: 1,
  requests: [
    { name: 'sync', opcode: 0, since: 1, destructor: false, args: [{ name: 'callback', type: 'new_id', interface: 'wl_callback' }],
      write: (w: Writer, o: number, callback_: number) => { w.begin(o); w.uint(callback_); w.end(0); },
      read: (r: Reader, to: { sync(callback_: number): void }) => { const callback_ = r.newId('callback'); r.end(); to.sync(callback_); } },
    { name: 'get_registry', opcode: 1, since: 1, destructor: false, args: [{ name: 'registry', type: 'new_id', interface: 'wl_registry' }],
      write: (w: Writer, o: number, registry_: number) => { w.begin(o); w.uint(registry_); w.end(1); },
      read: (r: Reader, to: { get_registry(registry_: number): void }) => { const registry_ = r.newId('registry'); r.end(); to.get_registry(registry_); } },
  ],
  events: [
    { name: 'error', opcode: 0, since: 1, destructor: false, args: [{ name: 'object_id', type: 'object' }, { name: 'code', type: 'uint' }, { name: 'message', type: 'string' }],
      write: (w: Writer, o: number, object_id_: number, code_: number, message_: string) => { w.begin(o); w.uint(object_id_); w.uint(code_); w.string(message_); w.end(0); },
      read: (r: Reader, to: { error(object_id_: number, code_: number, message_: string): void }) => { const object_id_ = r.objectId('object_id'); const code_ = r.uint(); const message_ = r.string(); r.end(); to.error(object_id_, code_, message_); } },
    { name: 'delete_id', opcode: 1, since: 1, destructor: false, args: [{ name: 'id', type: 'uint' }],
      write: (w: Writer, o: number, id_: number) => { w.begin(o); w.uint(id_); w.end(1); },
      read: (r: Reader, to: { delete_id(id_: number): void }) => { const id_ = r.uint(); r.end(); to.delete_id(id_); } },
  ],
  enums: {
    error: { invalid_object: 0, invalid_method: 1, no_memory: 2, implementation: 3 },
  },
});

export const wl_registry = named({
  name: 'wl_registry',
  version: 1,
  requests: [
    { name: 'bind', opcode: 0, since: 1, destructor: false, args: [{ name: 'name', type: 'uint' }, { name: 'id', type: 'new_id' }],
      write: (w: Writer, o: number, name_: number, id_: UntypedNewId) => { w.begin(o); w.uint(name_); w.untypedNewId(id_); w.end(0); },
      read: (r: Reader, to: { bind(name_: number, id_: UntypedNewId): void }) => { const name_ = r.uint(); const id_ = r.untypedNewId(); r.end(); to.bind(name_, id_); } },
  ],
  events: [
    { name: 'global', opcode: 0, since: 1, destructor: false, args: [{ name: 'name', type: 'uint' }, { name: 'interface', type: 'string' }, { name: 'version', type: 'uint' }],
      write: (w: Writer, o: number, name_: number, interface_: string, version_: number) => { w.begin(o); w.uint(name_); w.string(interface_); w.uint(version_); w.end(0); },
      read: (r: Reader, to: { global(name_: number, interface_: string, version_: number): void }) => { const name_ = r.uint(); const interface_ = r.string(); const version_ = r.uint(); r.end(); to.global(name_, interface_, version_); } },
    { name: 'global_remove', opcode: 1, since: 1, destructor: false, args: [{ name: 'name', type: 'uint' }],
      write: (w: Writer, o: number, name_: number) => { w.begin(o); w.uint(name_); w.end(1); },
      read: (r: Reader, to: { global_remove(name_: number): void }) => { const name_ = r.uint(); r.end(); to.global_remove(name_); } },
  ],
  enums: {
  },
});

export const wl_callback = named({
  name: 'wl_callback',
  version: 1,
  requests: [
  ],
  events: [
    { name: 'done', opcode: 0, since: 1, destructor: true, args: [{ name: 'callback_data', type: 'uint' }],
      write: (w: Writer, o: number, callback_data_: number) => { w.begin(o); w.uint(callback_data_); w.end(0); },
      read: (r: Reader, to: { done(callback_data_: number): void }) => { const callback_data_ = r.uint(); r.end(); to.done(callback_data_); } },
  ],
  enums: {
  },
});
