/**
 * How the daemon starts and stops: allocator, client socket, data plane, REST, in this order, and
 * back again.
 */
import type { Socket } from 'node:net';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { Peer } from '../broker/buffer.js';
import { Policy } from '../broker/policy.js';
import type { Rules } from '../broker/quota/rules.js';
import { listenUnix } from '../native/libc/socket.js';
import { notify } from '../native/systemd.js';
import { packageRoot, packageVersion } from '../package-root.js';
import { auditNote } from './audit/record.js';
import { AuditSink } from './audit/sink.js';
import type { Config, Loaded } from './config.js';
import { ConfigInForce } from './config-in-force.js';
import { ownerOf } from './control.js';
import { createControlPlane, warnings } from './control-plane.js';
import { Allocator, DataPlane } from './data-plane.js';
import { mainDevice } from './drm-node.js';
import { EventRing } from './events/ring.js';
import { EventStreams } from './events/streams.js';
import { Sweeper } from './holders/sweep.js';
import { listenOnUnixSocket } from './http/listen.js';
import { listenOnTcp } from './http/tcp.js';
import { LeakWatch } from './leaks/watch.js';
import { LogLevels } from './log-level.js';
import type { EventDraft, Inventory, QuotaSetup } from './messages.js';
import { peerOf } from './peer.js';
import { Previews } from './preview/previews.js';
import { machineRules, readMaxFds } from './quota/defaults.js';
import { PressureWatch, readPsi } from './quota/pressure.js';
import { QuotaState, stateFolder } from './quota/state.js';
import { RefusalLines } from './refusal-lines.js';
import { eventDraft } from './socket/reporter.js';
import { publishSocket } from './socket-file.js';
import { countStart } from './starts.js';
import { readPasswd, readSubuids } from './users.js';

/** What is read again at SIGHUP. */
interface Changeable {
  policy: Policy;
  tokens: Config['tokens'];
}

export class Daemon {
  private constructor(
    private readonly plane: DataPlane,
    private readonly http: FastifyInstance,
    private readonly previews: Previews,
    private readonly watch: PressureWatch,
    private readonly leaks: LeakWatch,
    private readonly streams: EventStreams,
    private readonly audit: AuditSink,
    private readonly unpublish: () => void,
    private readonly logger: Logger,
    private readonly now: Changeable,
    /** What an administrator is told about the configuration. */
    readonly settings: ConfigInForce,
  ) {}

  /** Takes over what may change while it runs. Connections that there are stay. */
  async reload(loaded: Loaded): Promise<void> {
    const { policy, pool, tokens } = loaded.config;
    await this.plane.ask('setPolicy', policy);
    await this.plane.ask('setPool', pool);
    this.now.policy = new Policy(policy);
    this.now.tokens = tokens;
    this.settings.reload(loaded);
    this.streams.checkAgain();
  }

  /** Resolves when clients and REST are served. `fatal`: a thread has died. */
  static async start(
    threads: URL,
    loaded: Loaded,
    logger: Logger,
    fatal: (error: Error) => void,
  ): Promise<Daemon> {
    const { config } = loaded;
    const logLevels = new LogLevels(config.logLevel);
    logLevels.follow(logger);
    const clientLog = logLevels.follow(logger.child({ component: 'clients' }));
    const ring = new EventRing();
    const streams = new EventStreams(ring);
    const audit = new AuditSink(logger, config.audit);
    // A flood of requests that are refused is not to push everything else out of the ring.
    const deniedEvents = new RefusalLines(() => {});
    const events = {
      log: (level: 'debug' | 'info' | 'warn' | 'error', text: string, fields: object) =>
        clientLog[level](fields, text),
      happened: (drafts: readonly EventDraft[]) => ring.push(drafts),
      acted: audit.acted,
      fatal,
    };
    // The allocator's thread opens the device while this one loads the REST server.
    const [allocator, { createHttpServer }] = await Promise.all([
      Allocator.start(threads, config.device, events),
      import('./http/server.js'),
    ]);
    let listener = -1;
    let unpublish: () => void;
    try {
      unpublish = await publishSocket(config.clients, (path) => {
        listener = listenUnix(path);
      });
    } catch (error) {
      await allocator.close();
      throw error;
    }
    describe(allocator.inventory, logger);
    const node = mainDevice(allocator.inventory.device);
    const folder = stateFolder();
    const state = QuotaState.read(folder);
    if (state.warning !== null) logger.warn(state.warning);
    const maxFds = readMaxFds();
    const machine = machineRules(totalmem(), maxFds, allocator.inventory.device);
    const start = {
      mainDevice: node,
      unknownGraceSeconds: config.accounting.unknownGraceSeconds,
      trustCounts: config.accounting.trustCounts,
      leaseGraceSeconds: config.leaseGraceSeconds,
      audit: config.audit,
      maxFds,
      quotas: quotaSetup(config, machine, state.rules),
      policy: config.policy,
      pool: config.pool,
    };
    const plane = new DataPlane(threads, allocator, listener, start, events);
    const fatalError = (error: unknown) =>
      fatal(error instanceof Error ? error : new Error(String(error)));
    const watch = pressureWatch(config, allocator, plane, logger, fatalError);
    const sweeper = new Sweeper();
    const leaks = new LeakWatch(config.leaks, sweeper, fatalError);
    const previews = new Previews(threads);
    const now: Changeable = { policy: new Policy(config.policy), tokens: config.tokens };
    const settings = new ConfigInForce(loaded, logLevels, folder, () => ({
      machine,
      rest: state.rules,
    }));
    const http = createHttpServer({
      control: createControlPlane(
        allocator,
        plane,
        previews,
        state,
        sweeper,
        leaks,
        logLevels,
        settings,
        audit,
        packageVersion(),
      ),
      logger: logger.child({ component: 'rest' }),
      openapiPath: join(packageRoot, 'openapi.yaml'),
      peerOf: requester,
      accessOf: (who) => now.policy.restAccess(who),
      tokens: () => now.tokens,
      denied: (caller, error) => {
        const owner = ownerOf(caller.requester);
        const event = { type: 'refusal', error, owner, buffer: null } as const;
        const time = new Date().toISOString();
        if (deniedEvents.admit(caller.name)) ring.push([eventDraft(event, time)]);
        const note = auditNote(event, time);
        if (note !== null) audit.acted([note]);
      },
      ring,
      streams,
      rateLimit: config.rateLimit,
      starts: countStart(folder),
    });
    // Fastify's own, which those of its requests are made from.
    logLevels.follow(http.log);
    try {
      await listenOnUnixSocket(http, config.rest);
      if (config.restTcp !== null) {
        const port = await listenOnTcp(http, config.restTcp);
        logger.info({ ...config.restTcp, port }, 'REST over TCP');
      }
    } catch (error) {
      unpublish();
      await http.close();
      await plane.close();
      throw error;
    }
    watch.start();
    leaks.start();
    notify('READY=1');
    logger.info({ clients: config.clients.path, rest: config.rest.path }, 'ready');
    return new Daemon(
      plane,
      http,
      previews,
      watch,
      leaks,
      streams,
      audit,
      unpublish,
      logger,
      now,
      settings,
    );
  }

  /** Stops taking requests, releases every buffer, destroys the device. */
  async stop(): Promise<void> {
    notify('STOPPING=1');
    this.unpublish();
    await this.http.close();
    await this.previews.close();
    await this.watch.stop();
    await this.leaks.stop();
    await this.plane.close();
    this.audit.close();
    this.logger.info('stopped');
  }
}

function quotaSetup(config: Config, machine: Rules, rest: Rules): QuotaSetup {
  return {
    rules: { default: machine, configuration: config.quotas.rules, rest },
    subuids: readSubuids(readPasswd()),
    recallSeconds: config.quotas.recallSeconds,
    charge: config.accounting.charge,
  };
}

function pressureWatch(
  config: Config,
  allocator: Allocator,
  plane: DataPlane,
  logger: Logger,
  failed: (error: unknown) => void,
): PressureWatch {
  const world = {
    psi: readPsi,
    device: () => allocator.device(),
    pressed: (sources: readonly string[] | null, seconds: number) =>
      plane.ask('pressed', { sources, seconds }),
    relieved: (sources: readonly string[] | null) => plane.ask('relieved', sources),
    log: (text: string, fields: object) => logger.warn(fields, text),
  };
  return new PressureWatch(config.pressure, world, failed);
}

/** Says once what is usable and why the rest is not. */
function describe(inventory: Inventory, logger: Logger): void {
  const { device, sources } = inventory;
  if (device !== null) {
    const { name, type, api_version, driver, extensions } = device;
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
function requester(socket: Socket): Peer | null {
  const fd = (socket as { _handle?: { fd?: number } })._handle?.fd;
  return fd === undefined || fd < 0 ? null : peerOf(fd);
}
