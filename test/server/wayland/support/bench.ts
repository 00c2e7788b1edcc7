/**
 * A Connection with bytes alone: no socket, no daemon; a registry with a fake world behind it. What
 * is fed to it is overwritten afterwards, as the step does with its input.
 */
import { Broker } from '../../../../src/broker/broker.js';
import type { BrokerBuffer } from '../../../../src/broker/buffer.js';
import { type Allowance, FairPool } from '../../../../src/broker/fair-pool.js';
import { MAX_CARRIED_BYTES, MAX_OBJECTS, MAX_QUEUED } from '../../../../src/memory/limits.js';
import type { FdKind } from '../../../../src/native/kind.js';
import {
  dmabroker_manager_v1,
  dmabroker_params_v1,
} from '../../../../src/protocol/dmabroker-v1.gen.js';
import { wl_display, wl_registry } from '../../../../src/protocol/wayland.gen.js';
import { Connection } from '../../../../src/server/wayland/connection.js';
import { createDisplay, type Global } from '../../../../src/server/wayland/display.js';
import type { Part } from '../../../../src/server/wayland/fair-requests.js';
import { ForeignFds } from '../../../../src/server/wayland/foreign-fds.js';
import { bindManager } from '../../../../src/server/wayland/manager.js';
import { FakeWorld, memfd, offers, peer, second } from '../../../broker/support/world.js';
import { type WireEvent, WirePeer } from '../../../support/wire-peer.js';
import { nextPacket } from './packets.js';

export const REGISTRY = 2;
export const MANAGER = 3;
/** The first id that `ready` leaves free. */
export const FREE = 4;
/** A limit of its own (MAX_WAITING_PLANES) comes first. */
export const FDS = 2048;
const MEMFD_BIT = dmabroker_manager_v1.enums.handle_type.memfd;

/** As long as it takes. */
const WHOLE: Part = { goesOn: () => true };

export class Bench {
  readonly peer = new WirePeer();
  readonly world: FakeWorld;
  readonly broker: Broker;
  readonly connection: Connection;
  readonly objects: FairPool;
  readonly carried: FairPool;
  readonly queued: FairPool;
  /** What its user may have of fds. */
  readonly allowance: Allowance;
  /** What fds of the client are; dma_bufs, if nothing else is said. */
  readonly kinds = new Map<number, FdKind>();
  /** Of sealed memfds, by fd. */
  readonly contents = new Map<number, Uint8Array | string>();
  /** fds of the client that were closed. */
  readonly closed: number[] = [];
  touched = 0;

  /** `globals` come after the manager, which is number 1. With `other`, both share a registry. */
  constructor(globals: readonly Global[] = [], other?: Bench) {
    this.world = other?.world ?? new FakeWorld();
    this.broker =
      other?.broker ?? new Broker(this.world, { sources: [memfd], offers, devices: [second] });
    const close = (fd: number) => {
      this.closed.push(fd);
    };
    const client = this.broker.connect(peer);
    const { uid } = client.peer;
    this.objects = other?.objects ?? new FairPool(MAX_OBJECTS);
    this.carried = other?.carried ?? new FairPool(MAX_CARRIED_BYTES);
    const world = {
      kindOf: (fd: number) => this.kinds.get(fd) ?? 'dma_buf',
      problemOf: () => null,
      close,
      sealedContent: (fd: number) => this.contents.get(fd) ?? 'it can be changed',
      closeLater: (fd: number, done: () => void) => {
        close(fd);
        done();
      },
    };
    this.allowance = new FairPool(FDS).of(uid);
    const foreign = new ForeignFds(world, this.allowance);
    this.queued = other?.queued ?? new FairPool(MAX_QUEUED);
    const allowed = {
      objects: this.objects.of(uid),
      carried: this.carried.of(uid),
      queue: this.queued.of(uid),
    };
    this.connection = new Connection(client, foreign, allowed, () => this.touched++);
    const context = { broker: this.broker, device: null, mainDevice: null, others: [] };
    const manager: Global = {
      name: 1,
      definition: dmabroker_manager_v1,
      version: 1,
      bind: (connection, id, version) => bindManager(context, connection, id, version),
    };
    createDisplay(this.connection, [manager, ...globals]);
  }

  /** Gives bytes to the connection as if they had been received, of which all are heard. */
  feed(bytes: Buffer, fds: readonly number[] = [], lost = false, part: Part = WHOLE): void {
    const view = Buffer.from(bytes);
    this.connection.receive(view, 0, view.length, fds, lost, part);
    view.fill(0xff);
  }

  /** Encodes a request and feeds it. */
  readonly request: WirePeer['request'] = (...request) => {
    const bytes = this.peer.request(...request);
    this.feed(bytes);
    return bytes;
  };

  /** Sends every packet and returns the events in them. */
  events(): WireEvent[] {
    const events: WireEvent[] = [];
    for (let packet = nextPacket(this.connection); packet; packet = nextPacket(this.connection)) {
      const fds = packet.held?.fds ?? [];
      events.push(...this.peer.read(packet.bytes, fds));
      this.connection.sent(packet.bytes.length);
    }
    return events;
  }

  /** The events' names. */
  names(): string[] {
    return this.events().map(({ name }) => name);
  }

  /** Binds the manager and throws its description away. */
  ready(): this {
    this.request(wl_display, 1, 'get_registry', REGISTRY);
    this.bind(1, dmabroker_manager_v1.name, 1, MANAGER);
    this.events();
    return this;
  }

  bind(name: number, type: string, version: number, id: number): void {
    this.request(wl_registry, REGISTRY, 'bind', name, { interface: type, version, id });
  }

  /** Asks for a memfd of 4096 bytes as object `id`, with params `id + 1`, which are destroyed. */
  ask(id: number, lifetime: 'connection' | 'until_released' = 'connection'): void {
    const params = id + 1;
    const lifetimes = dmabroker_params_v1.enums.lifetime;
    this.request(dmabroker_manager_v1, MANAGER, 'create_params', params);
    this.request(dmabroker_params_v1, params, 'set_buffer', 0, 4096);
    this.request(dmabroker_params_v1, params, 'set_handle_types', MEMFD_BIT);
    this.request(dmabroker_params_v1, params, 'set_lifetime', lifetimes[lifetime]);
    this.request(dmabroker_params_v1, params, 'create', id);
    this.request(dmabroker_params_v1, params, 'destroy');
  }

  /** Allocates a buffer as object `id`; its events are read. */
  allocate(id: number, lifetime: 'connection' | 'until_released' = 'connection'): BrokerBuffer {
    this.ask(id, lifetime);
    this.world.answer();
    this.events();
    const buffer = [...this.broker.buffers].at(-1);
    if (buffer === undefined) throw new Error('nothing was allocated');
    return buffer;
  }

  /** The client hangs up. */
  close(): void {
    this.connection.close();
    this.broker.disconnect(this.connection.client);
  }
}

/** The values of the wl_display.error among events; throws where there is not exactly one. */
export function errorOf(events: readonly WireEvent[]): {
  object: number;
  code: number;
  text: string;
} {
  const errors = events.filter(({ name }) => name === 'wl_display.error');
  const [object, code, text] = errors[0]?.values ?? [];
  if (errors.length !== 1) throw new Error(`${errors.length} errors`);
  return { object: object as number, code: code as number, text: text as string };
}
