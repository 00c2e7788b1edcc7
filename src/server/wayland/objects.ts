/**
 * A client's objects by the ids that it chose, as libwayland's wl_map has them: which there are, and how many there
 * may be.
 *
 * Owns: what of its user's part they take, and what they carry.
 */
import type { Allowance } from '../../broker/fair-pool.js';
import { MAX_OBJECTS_PER_CLIENT } from '../../memory/limits.js';
import { wl_display } from '../../protocol/wayland.gen.js';
import type { Interface } from '../../protocol/wire.js';
import { type Outgoing, ProtocolError, type Requests, Resource } from './resource.js';

/** wl_display, which is there from the start. */
export const DISPLAY_ID = 1;

/** Client-allocated object ids end here (wl_map's WL_SERVER_ID_START). */
const SERVER_ID_START = 0xff000000;

/** What its user may have on all connections together. */
export interface ObjectAllowances {
  readonly objects: Allowance;
  /** Bytes that objects carry. */
  readonly carried: Allowance;
}

export class Objects {
  readonly #all = new Map<number, Resource>();

  constructor(
    private readonly connection: Outgoing,
    private readonly allowed: ObjectAllowances,
  ) {}

  get(id: number): Resource | undefined {
    return this.#all.get(id);
  }

  /** Adds an object for an id that the client chose. */
  create<I extends Interface>(
    id: number,
    definition: I,
    version: number,
    requests: Requests<I>,
  ): Resource<I> {
    this.checkNew(id);
    if (id !== DISPLAY_ID) this.allowed.objects.take(1);
    const resource = new Resource(this.connection, id, definition, version, requests);
    this.#all.set(id, resource as unknown as Resource);
    return resource;
  }

  /** A violation where there may be no object of this id, or no object more. */
  checkNew(id: number): void {
    const { invalid_object, no_memory } = wl_display.enums.error;
    if (id === 0 || id >= SERVER_ID_START || this.#all.has(id)) {
      throw new ProtocolError(1, invalid_object, `invalid new id ${id}`);
    }
    if (this.#all.size >= MAX_OBJECTS_PER_CLIENT) {
      throw new ProtocolError(1, no_memory, `more than ${MAX_OBJECTS_PER_CLIENT} objects`);
    }
    // The display goes with the connection, whose number is limited.
    if (id !== DISPLAY_ID && !this.allowed.objects.has(1)) {
      throw new ProtocolError(1, no_memory, 'the user has too many objects');
    }
  }

  /** The object that a request names; a violation where there is none of that interface. */
  find<I extends Interface>(id: number, definition: I): Resource<I> {
    const found = this.#all.get(id);
    if (found?.definition.name !== definition.name) {
      const { invalid_object } = wl_display.enums.error;
      throw new ProtocolError(1, invalid_object, `object ${id} is no ${definition.name}`);
    }
    return found as unknown as Resource<I>;
  }

  /** For `Resource.carry`. */
  carry(bytes: number): void {
    if (this.allowed.carried.take(bytes)) return;
    const { no_memory } = wl_display.enums.error;
    throw new ProtocolError(1, no_memory, "the user's objects carry too much");
  }

  /** Removes an object and tells the client that its id is free again. */
  destroy(resource: { readonly id: number }): void {
    const known = this.#all.get(resource.id);
    if (known === undefined || known.id === DISPLAY_ID) return;
    this.#all.delete(known.id);
    this.#end(known);
    this.free(known.id);
  }

  #end(resource: Resource): void {
    if (resource.id !== DISPLAY_ID) this.allowed.objects.give(1);
    this.allowed.carried.give(resource.carried);
    resource.alive = false;
    resource.requests.gone?.();
  }

  /** Tells the client that it may use an id again. */
  free(id: number): void {
    this.connection.write(wl_display.event.delete_id, DISPLAY_ID, id);
  }

  /** The client has gone, and all of them with it. */
  close(): void {
    for (const resource of this.#all.values()) this.#end(resource);
    this.#all.clear();
  }
}
