/**
 * Pieces of the daemon's start (daemon.ts has their order). Owns nothing: what is opened here is ended by
 * `Started`, or by whom it is handed to.
 */
import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import { namedBy, type PolicyRules } from '../broker/policy.js';
import type { Rules } from '../broker/quota/rules.js';
import type { Peer } from '../broker/who.js';
import type { Clock } from '../memory/clock.js';
import { messageOf } from '../memory/errors.js';
import type { Inherited } from '../native/inherited.js';
import { close, setNonBlocking } from '../native/libc/fd.js';
import { listenUnix } from '../native/libc/socket.js';
import type { Config, Loaded } from './config/config.js';
import type { EventRing } from './events/ring.js';
import { HeadNumber } from './kept/head.js';
import { deviceView, warnings } from './lists/inventory-views.js';
import type { Log } from './log/log.js';
import { mainDevice } from './machine/drm-node.js';
import type { HandedSockets } from './machine/handed-sockets.js';
import { type Manager, watchdogMs } from './machine/manager.js';
import { fdOf, peerOf } from './machine/peer.js';
import {
  adoptSocketFile,
  type Published,
  type Publishing,
  publishSocket,
  type SocketFile,
} from './machine/socket-file.js';
import { storeLimit } from './machine/store-limit.js';
import type { SubuidRange } from './machine/users.js';
import { type Look, Sweeper } from './observe/holders/sweeper.js';
import { LeakWatch } from './observe/leaks/watch.js';
import { PressureWatch, readPsi } from './observe/pressure.js';
import type { Started } from './started.js';
import { defaultStateFolder, StateFolder } from './state/folder.js';
import { openKept } from './state/kept.js';
import { QuotaState } from './state/quotas.js';
import { countStart } from './state/starts.js';
import type { Allocator, DataPlane } from './threads/data-plane.js';
import { patient, Watchdog } from './threads/watchdog.js';
import type { Inventory, PlaneSetup, QuotaSetup } from './words/messages.js';

/** Clearing hundreds of gigabytes is one call of the kernel's (a DMA heap, say), and slower on a busy machine. */
const ALLOCATOR_MS = 5 * 60_000;

/** What a daemon is started with. */
export interface Start {
  /** Where the other threads' files stand. */
  readonly threads: URL;
  readonly loaded: Loaded;
  /** Where it keeps its state; null: where it does by default. */
  readonly stateDir: string | null;
  /** What the service manager has handed over; from now on the daemon's. */
  readonly inherited: readonly Inherited[];
  readonly manager: Manager;
  readonly log: Log;
  readonly clock: Clock;
  /** A thread has died. */
  readonly fatal: (error: Error) => void;
  /** Told of each step before it is taken; what it throws is that step's failure. */
  readonly step: (name: StartStep) => void;
}

export const START_STEPS = [
  'state folder',
  'allocator',
  'client socket',
  'data plane',
  'REST',
  'REST over TCP',
  'watches',
  'service manager',
] as const;
export type StartStep = (typeof START_STEPS)[number];

export function socketFile({ socket, mode, group }: Config['clients']): SocketFile {
  return { path: socket, mode, ...(group !== null && { group }) };
}

/**
 * Lets whom the policy names open REST's socket, where its mode lets in a group and not everybody: before Linux 6.16
 * whoever can open it can hold up REST, by a file whose close waits (SECURITY.md). The file's group gets in where it was
 * configured; the daemon's own is the policy's to name.
 */
export function admitNamed(
  published: Published,
  { mode, group }: Config['rest'],
  policy: PolicyRules,
  logger: Logger,
): void {
  // To connect takes writing (unix(7)).
  if ((mode & 0o022) !== 0o020) {
    tryTo(() => published.admit(null, mode), logger, 'an old access list of REST’s socket stays');
    return;
  }
  const others = group === null ? mode & ~0o070 : mode;
  const named = namedBy(policy);
  try {
    published.admit(named, others);
  } catch (error) {
    const entries = named.uids.length + named.gids.length;
    logger.warn({ reason: messageOf(error), entries }, 'whom the policy names cannot open REST');
    try {
      // Nor may whom it named before.
      published.admit({ uids: [], gids: [] }, others);
    } catch {
      // There is no list at all, then.
    }
  }
}

function tryTo(act: () => void, logger: Logger, otherwise: string): void {
  try {
    act();
  } catch (error) {
    logger.warn({ reason: messageOf(error) }, otherwise);
  }
}

/**
 * The socket of that file, if the service manager has handed it over, as its mode and group are to be. Null: the daemon
 * makes it itself. Says so where the manager listens elsewhere: nobody answers there.
 */
export function takeHanded(
  handed: HandedSockets,
  file: SocketFile,
  logger: Logger,
): { readonly fd: number; readonly published: Published } | null {
  const { path } = file;
  const fd = handed.take(path);
  if (fd === null) return null;
  try {
    setNonBlocking(fd);
    const published = adoptSocketFile(file, (mode) => {
      const text = `${path} had mode ${mode.toString(8)} until now: SocketMode= of its unit is to be as configured`;
      logger.warn({ path }, text);
    });
    if (published === null) {
      close(fd);
      const mend = "systemctl restart 'dmabrokerd*' has the service manager make it anew";
      logger.warn({ path }, `${path} was removed, the daemon makes its own: ${mend}`);
      return null;
    }
    logger.info({ path }, `the service manager listens on ${path}`);
    return { fd, published };
  } catch (error) {
    close(fd);
    throw error;
  }
}

/** Sockets that the configuration does not name: what is said, so that nobody waits there for long. */
export function leaveOthers(handed: HandedSockets, logger: Logger): void {
  for (const path of handed.paths) {
    const mend = 'name it with ListenStream= of the socket’s unit (systemctl edit), too';
    logger.warn({ path }, `nobody answers at ${path}: the configuration names another: ${mend}`);
  }
  handed.close();
}

/** The clients' socket. Until the data plane has taken it over, `started` closes it. */
export async function listenForClients(
  config: Config,
  { handed, started, logger }: { handed: HandedSockets; started: Started; logger: Logger },
  state: Publishing,
) {
  let listener = -1;
  const listenerTaken = started.add(() => {
    if (listener >= 0) close(listener);
  });
  const file = socketFile(config.clients);
  const taken = takeHanded(handed, file, logger);
  if (taken !== null) {
    listener = taken.fd;
    return { listener, listenerTaken, unpublish: taken.published.unpublish };
  }
  const listen = (path: string) => {
    listener = listenUnix(path);
  };
  const { unpublish } = await publishSocket(file, listen, state);
  started.add(unpublish);
  return { listener, listenerTaken, unpublish };
}

/** Tells the service manager that the daemon is alive, where it asks. */
export function startWatchdog(
  { manager, clock, log: { logger } }: Start,
  { plane, allocator }: { readonly plane: DataPlane; readonly allocator: Allocator },
  serves: string,
): Watchdog | null {
  const limitMs = watchdogMs(process.env);
  if (limitMs === null) return null;
  const seconds = limitMs / 1000;
  const threads = [
    { name: 'the clients', ask: () => plane.ask('ping', null) },
    patient({ name: 'the allocator', ask: () => allocator.ping() }, ALLOCATOR_MS, clock),
  ];
  const watchdog = new Watchdog(threads, limitMs, {
    alive: manager.alive,
    silent: (reason) => {
      logger.error({ reason }, `${reason}; after ${seconds} s the service manager ends the daemon`);
      manager.status(reason);
    },
    answers: () => {
      logger.warn('every thread answers again');
      manager.status(serves);
    },
  });
  watchdog.start();
  return watchdog;
}

export function quotaSetup(
  config: Config,
  { machine, rest, subuids }: { machine: Rules; rest: Rules; subuids: readonly SubuidRange[] },
): QuotaSetup {
  return {
    rules: { default: machine, configuration: config.quotas.rules, rest },
    subuids,
    recallSeconds: config.quotas.recallSeconds,
    charge: config.accounting.charge,
  };
}

/** What the daemon keeps over a restart. */
export async function openState(path: string | null, logger: Logger, started: Started) {
  const folder = StateFolder.open(path ?? defaultStateFolder());
  started.add(() => folder.close());
  if (folder.abandoned !== null) {
    const sockets = folder.abandoned.size;
    logger.warn({ sockets }, 'a daemon that was killed and has not ended: its place is taken');
  }
  const quotas = QuotaState.read(folder);
  for (const problem of [folder.problem, quotas.warning]) {
    if (problem !== null) logger.warn(problem);
  }
  return { folder, quotas, starts: await countStart(folder) };
}

export function planeSetup(
  config: Config,
  { inventory }: Allocator,
  known: Pick<PlaneSetup, 'maxFds' | 'quotas' | 'kept'>,
): Omit<PlaneSetup, 'listener' | 'wake' | 'inventory' | 'events'> {
  return {
    ...known,
    mainDevice: mainDevice(inventory.device),
    unknownGraceSeconds: config.accounting.unknownGraceSeconds,
    trustedBytes: config.accounting.trustedBytes ?? Number.POSITIVE_INFINITY,
    leaseGraceSeconds: config.leases.graceSeconds,
    restartGraceSeconds: config.restart.graceSeconds,
    keeper: config.restart.keeper,
    policy: config.policy,
    fallback: config.sources.fallback,
    displays: config.displays.ask,
    pool: config.pool,
  };
}

const NAMES_SHOWN = 10;

/** What the service manager has kept and this daemon does not know. */
function discardUnknown(others: readonly Inherited[], logger: Logger): void {
  if (others.length === 0) return;
  const names = [...new Set(others.map(({ name }) => name))].slice(0, NAMES_SHOWN);
  logger.warn({ count: others.length, names }, 'descriptors of the service manager are not known');
  for (const { fd } of others) close(fd);
}

/**
 * What a daemon before this one has left with the service manager. Until the data plane has taken it over
 * (`taken`), `started` closes it. Null where nothing outlives the daemon.
 */
export function takeKept(
  others: readonly Inherited[],
  ring: EventRing,
  { logger, started }: { readonly logger: Logger; readonly started: Started },
) {
  const { env } = process;
  const limit = storeLimit(env);
  const kept =
    limit === 0 ? null : openKept(others, { limit, socket: env.NOTIFY_SOCKET ?? '' }, logger);
  if (kept === null) {
    if (limit === 0) discardUnknown(others, logger);
    logger.info('no service manager keeps buffers: they will not survive a restart of the daemon');
    return null;
  }
  const { setup, numbers } = kept;
  started.add(() => numbers.close());
  ring.goOn(numbers.get(HeadNumber.run), numbers.get(HeadNumber.event), (next) =>
    numbers.set(HeadNumber.event, next),
  );
  const taken = started.add(() => {
    for (const fd of [setup.file, ...setup.named.map((each) => each.fd)]) close(fd);
  });
  return { setup, taken };
}

/** What looks at the machine again and again. None is started yet. */
export function makeWatches({
  start: { loaded, log, clock },
  look,
  allocator,
  plane,
  failed,
}: {
  readonly start: Start;
  readonly look: Look;
  readonly allocator: Allocator;
  readonly plane: DataPlane;
  readonly failed: (error: unknown) => void;
}) {
  const { pressure, leaks } = loaded.config;
  const sweeper = new Sweeper(
    clock,
    async () => {
      const { memories } = await plane.ask('allMemories', null);
      return new Set(
        memories.flatMap(({ identity, further }) =>
          further === undefined ? [identity] : [identity, further],
        ),
      );
    },
    look,
  );
  const world = {
    psi: readPsi,
    device: async () => {
      const device = await allocator.device();
      return device && deviceView(device);
    },
    pressed: (sources: readonly string[] | null, seconds: number) =>
      plane.ask('pressed', { sources, seconds }),
    relieved: (sources: readonly string[] | null) => plane.ask('relieved', sources),
    log: (text: string, fields: object) => log.logger.warn(fields, text),
  };
  return {
    sweeper,
    pressure: new PressureWatch(pressure, world, failed),
    leaks: new LeakWatch(leaks, sweeper, failed),
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

/** Who sends a request; null: it is not known. */
export function requester(socket: Socket): Peer | null {
  const fd = fdOf(socket);
  return fd === null ? null : peerOf(fd);
}
