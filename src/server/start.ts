/**
 * Pieces of the daemon's start (daemon.ts has their order). Owns nothing: what is opened here is ended by
 * `Started`, or by whom it is handed to.
 */
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import type { Rules } from '../broker/quota/rules.js';
import type { Peer } from '../broker/who.js';
import { messageOf } from '../memory/errors.js';
import { isSystemError } from '../native/libc/errno.js';
import { close } from '../native/libc/fd.js';
import { listenUnix } from '../native/libc/socket.js';
import { notify } from '../native/systemd.js';
import type { Config } from './config/config.js';
import { deviceView, warnings } from './lists/inventory-views.js';
import { peerOf } from './machine/peer.js';
import { type Publishing, publishSocket, type SocketFile } from './machine/socket-file.js';
import { readPasswd, readSubuids } from './machine/users.js';
import { PressureWatch, readPsi } from './observe/pressure.js';
import type { Started } from './started.js';
import type { Allocator, DataPlane } from './threads/data-plane.js';
import type { Inventory, QuotaSetup } from './words/messages.js';

export function socketFile({ socket, mode, group }: Config['clients']): SocketFile {
  return { path: socket, mode, ...(group !== null && { group }) };
}

/** The clients' socket. Until the data plane has taken it over, `started` closes it. */
export async function listenForClients(config: Config, started: Started, state: Publishing) {
  let listener = -1;
  const listenerTaken = started.add(() => {
    if (listener >= 0) close(listener);
  });
  const listen = (path: string) => {
    listener = listenUnix(path);
  };
  const unpublish = await publishSocket(socketFile(config.clients), listen, state);
  started.add(unpublish);
  return { listener, listenerTaken, unpublish };
}

/** A manager that cannot be told does not keep the daemon from its work. */
export function tellManager(state: string, logger: Logger): void {
  try {
    notify(state);
  } catch (error) {
    const reason = messageOf(error);
    logger.warn({ reason }, `the service manager (NOTIFY_SOCKET) cannot be told ${state}`);
  }
}

export function quotaSetup(config: Config, machine: Rules, rest: Rules): QuotaSetup {
  return {
    rules: { default: machine, configuration: config.quotas.rules, rest },
    subuids: readSubuids(readPasswd()),
    recallSeconds: config.quotas.recallSeconds,
    charge: config.accounting.charge,
  };
}

export function pressureWatch(
  config: Config,
  allocator: Allocator,
  plane: DataPlane,
  logger: Logger,
  failed: (error: unknown) => void,
): PressureWatch {
  const world = {
    psi: readPsi,
    device: async () => {
      const device = await allocator.device();
      return device && deviceView(device);
    },
    pressed: (sources: readonly string[] | null, seconds: number) =>
      plane.ask('pressed', { sources, seconds }),
    relieved: (sources: readonly string[] | null) => plane.ask('relieved', sources),
    log: (text: string, fields: object) => logger.warn(fields, text),
  };
  return new PressureWatch(config.pressure, world, failed);
}

/**
 * For what looks at the machine again and again: a look that the system refuses, for want of file
 * descriptors, say, is missed. The next one may do.
 */
export function lookFailed(
  logger: Logger,
  fatal: (error: unknown) => void,
): (error: unknown) => void {
  return (error) => {
    if (!isSystemError(error)) fatal(error);
    else logger.warn({ reason: error.message }, 'the machine could not be looked at');
  };
}

/** Says once what is usable and why the rest is not. */
export function describe(inventory: Inventory, logger: Logger): void {
  const { device, sources } = inventory;
  if (device !== null) {
    const { name, type, apiVersion: api_version, driver, extensions } = device;
    logger.info({ name, type, api_version, driver, extensions }, `Vulkan device: ${name}`);
  }
  for (const source of sources) {
    const { name, handleType, usable, reason } = source;
    const text = `source ${name} (${handleType}): ${usable ? 'usable' : 'not usable'}: ${reason}`;
    logger.info({ source }, text);
  }
  for (const warning of warnings(inventory)) logger.warn(warning);
}

/** Node keeps a socket's fd to itself; without it the requester is simply not known. */
export function requester(socket: Socket): Peer | null {
  const fd = (socket as { _handle?: { fd?: number } })._handle?.fd;
  return fd === undefined || fd < 0 ? null : peerOf(fd);
}
