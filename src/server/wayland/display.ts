/**
 * wl_display, wl_callback and wl_registry, as Wayland's core protocol says (wayland.xml): what
 * every client of the Wayland wire protocol begins with.
 */
import { wl_callback, wl_display, wl_registry } from '../../protocol/wayland.gen.js';
import type { Interface } from '../../protocol/wire.js';
import type { Connection } from './connection.js';
import { ProtocolError, type Resource } from './resource.js';

/** Something that a client can bind. */
export interface Global {
  /** The registry's number for it. */
  readonly name: number;
  readonly definition: Interface;
  /** The highest version offered. */
  readonly version: number;
  bind(connection: Connection, id: number, version: number): void;
}

/** Object 1, which exists from the start. */
export function createDisplay(connection: Connection, globals: readonly Global[]): void {
  let serial = 0;
  connection.objects.create(1, wl_display, 1, {
    // The callback is made and gone at once: nobody sees that it was never there.
    sync: (id) => {
      connection.objects.checkNew(id);
      connection.write(wl_callback.event.done, id, serial++);
      connection.objects.free(id);
    },
    get_registry: (id) => createRegistry(connection, id, globals),
  });
}

function createRegistry(connection: Connection, id: number, globals: readonly Global[]): void {
  const registry: Resource<typeof wl_registry> = connection.objects.create(id, wl_registry, 1, {
    bind: (name, target) => {
      const global = globals.find((candidate) => candidate.name === name);
      const { invalid_object } = wl_display.enums.error;
      if (global === undefined) throw new ProtocolError(id, invalid_object, `no global ${name}`);
      if (global.definition.name !== target.interface) {
        const text = `global ${name} is a ${global.definition.name}, not a ${target.interface}`;
        throw new ProtocolError(id, invalid_object, text);
      }
      if (target.version < 1 || target.version > global.version) {
        const text = `${target.interface} has versions 1 to ${global.version}, not ${target.version}`;
        throw new ProtocolError(id, invalid_object, text);
      }
      global.bind(connection, target.id, target.version);
    },
  });
  for (const { name, definition, version } of globals) {
    registry.event('global', name, definition.name, version);
  }
}
