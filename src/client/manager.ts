/**
 * Finding dmabroker_manager_v1 on a new connection, and what the daemon says about itself there.
 */
import { setTimeout } from 'node:timers/promises';
import type { HandleType } from '../memory/source.js';
import { isSystemError } from '../native/libc/errno.js';
import { dmabroker_manager_v1 } from '../protocol/dmabroker-v1.gen.js';
import { wl_registry } from '../protocol/wayland.gen.js';
import { join64 } from '../protocol/wire.js';
import type { CallOptions } from './call-options.js';
import { handleTypeOf, nameOf, type OrUnknown } from './enums.js';
import { ConnectionError, type ProtocolObject, WireClient } from './wire-client.js';

export interface SourceDescription {
  readonly name: string;
  readonly handleType: OrUnknown<HandleType>;
  readonly usable: boolean;
  readonly reason: string;
}

/** A Vulkan device of the machine. */
export interface ClientDevice {
  readonly name: string;
  /** 32 hexadecimal digits: what `device` of a request names it by. */
  readonly deviceUuid: string;
  readonly driverUuid: string;
  /** dev_t of its DRM node. */
  readonly mainDevice: bigint | null;
}

/** What the daemon said about itself when the connection was made. */
export interface BrokerDescription {
  /** The main Vulkan device, or null where there is none. */
  readonly device: ClientDevice | null;
  /** All, the main one first. */
  readonly devices: readonly ClientDevice[];
  readonly sources: readonly SourceDescription[];
  /** By the names of dmabroker_manager_v1.limit. */
  readonly limits: Readonly<Record<string, bigint>>;
  /** What proves later that a connection is this one's successor: a secret (`client.adopt`). */
  readonly session: string;
}

type Manager = ProtocolObject<typeof dmabroker_manager_v1>;

/** One connection, and what every request of it begins with. */
export interface Line {
  readonly wire: WireClient;
  readonly manager: Manager;
  readonly description: BrokerDescription;
}

/**
 * Connects and waits until the daemon has described itself. `wait: false`: neither for room in its backlog,
 * nor does it keep the process alive.
 */
export async function openLine(
  socket: string,
  options: CallOptions,
  { wait = true } = {},
): Promise<Line> {
  const wire = wait ? await connected(socket, options) : WireClient.connect(socket);
  try {
    return { wire, ...(await findManager(wire, options, wait)) };
  } catch (error) {
    wire.close();
    throw error;
  }
}

/** While too many wait at the socket, in milliseconds. */
const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 50;

/** When there is room in the daemon's backlog. connect(2) would wait for that with the event loop, whatever the signal says. */
async function connected(socket: string, { signal }: CallOptions): Promise<WireClient> {
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    try {
      return WireClient.connect(socket);
    } catch (error) {
      if (!isSystemError(error) || error.code !== 'EAGAIN') throw error;
    }
    // What is given up meanwhile need not be told before the next attempt.
    await setTimeout(pause);
    signal?.throwIfAborted();
  }
}

/** Binds the manager and waits for its description. */
function findManager(
  wire: WireClient,
  options: CallOptions,
  held: boolean,
): Promise<Omit<Line, 'wire'>> {
  const find = (resolve: (found: Omit<Line, 'wire'>) => void, reject: (error: Error) => void) => {
    let manager: Manager | null = null;
    const registry = wire.create(wl_registry, {
      global: (name, type, version) => {
        if (type !== dmabroker_manager_v1.name || manager !== null) return;
        const bound = Math.min(version, dmabroker_manager_v1.version);
        const object = describedManager(wire, (description) =>
          resolve({ manager: object, description }),
        );
        manager = object;
        const target = { interface: dmabroker_manager_v1.name, version: bound, id: object.id };
        registry.request('bind', name, target);
      },
      global_remove: () => {},
    });
    wire.display.request('get_registry', registry.id);
    wire.sync({}, held).then(() => {
      if (manager === null) reject(new ConnectionError('no dmabroker_manager_v1 at this socket'));
    }, reject);
  };
  return wire.answer(find, options, held);
}

function describedManager(wire: WireClient, done: (what: BrokerDescription) => void): Manager {
  const devices: ClientDevice[] = [];
  const sources: SourceDescription[] = [];
  const limits: Record<string, bigint> = {};
  let session = '';
  return wire.create(dmabroker_manager_v1, {
    device: (name, deviceUuid, driverUuid, high, low) => {
      devices.push({ name, deviceUuid, driverUuid, mainDevice: join64(high, low) || null });
    },
    source: (name, type, usable, reason) => {
      sources.push({ name, handleType: handleTypeOf(type), usable: usable === 1, reason });
    },
    limit: (what, high, low) => {
      const name = nameOf(dmabroker_manager_v1.enums.limit, what);
      if (name !== 'unknown') limits[name] = join64(high, low);
    },
    session: (token) => {
      session = token;
    },
    done: () => done({ device: devices[0] ?? null, devices, sources, limits, session }),
  });
}
