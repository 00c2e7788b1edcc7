/**
 * How the daemon starts and stops: state folder, allocator, client socket, data plane, REST, in this
 * order, and back again, when it stops as well as when a step fails.
 */
import { totalmem } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { Policy } from '../broker/policy.js';
import { regionMemory } from '../native/cma-regions.js';
import { packageRoot, packageVersion } from '../package-root.js';
import { loadAjvSoon } from './config/ajv.js';
import type { Config, Loaded } from './config/config.js';
import { ConfigInForce } from './config/in-force.js';
import { takeOver } from './config/live.js';
import { machineRules } from './config/machine-rules.js';
import type { EventStreams } from './events/streams.js';
import { listenOnUnixSocket } from './http/listen.js';
import { listenOnTcp } from './http/tcp.js';
import type { LogLevels } from './log/levels.js';
import { HandedSockets } from './machine/handed-sockets.js';
import type { Manager } from './machine/manager.js';
import { readMaxFds } from './machine/max-fds.js';
import { readSubuids } from './machine/names.js';
import { Resolver } from './machine/resolver.js';
import type { Published } from './machine/socket-file.js';
import { Reports } from './reports.js';
import {
  admitNamed,
  describe,
  leaveOthers,
  listenForClients,
  makeWatches,
  openState,
  planeSetup,
  quotaSetup,
  requester,
  type Start,
  socketFile,
  startWatchdog,
  takeHanded,
  takeKept,
} from './start.js';
import { Started } from './started.js';
import { Allocator, DataPlane } from './threads/data-plane.js';
import { Previews } from './threads/previews.js';

/** What is read again at SIGHUP. */
interface Changeable {
  policy: Policy;
  tokens: Config['restTcp']['tokensFile'];
}

interface Parts {
  readonly manager: Manager;
  readonly serves: string;
  readonly resolver: Resolver;
  readonly plane: DataPlane;
  readonly streams: EventStreams;
  readonly unpublish: () => void;
  readonly now: Changeable;
  readonly logLevels: LogLevels;
  /** As it was at the start: its path does not change. */
  readonly rest: { readonly published: Published; readonly config: Config['rest'] };
}

export class Daemon {
  private constructor(
    private readonly logger: Logger,
    private readonly started: Started,
    private readonly parts: Parts,
    /** What an administrator is told about the configuration. */
    readonly settings: ConfigInForce,
  ) {}

  /** What it is doing, in a line. */
  get serves(): string {
    return this.parts.serves;
  }

  /** Who asks for names while there are clients. */
  get resolver(): Resolver {
    return this.parts.resolver;
  }

  /** Takes over what may change while it runs. Connections that there are stay. */
  async reload(loaded: Loaded): Promise<void> {
    const { plane, now, streams, logLevels, rest } = this.parts;
    await takeOver(loaded.config, {
      policy: async (policy) => {
        await plane.ask('setPolicy', policy);
        now.policy = new Policy(policy);
        admitNamed(rest.published, rest.config, policy, this.logger);
      },
      pool: (pool) => plane.ask('setPool', pool),
      quotas: (quotas) => plane.ask('setQuotas', quotas),
      displays: ({ ask }) => plane.ask('setDisplays', ask),
      'log.level': ({ level }) => {
        if (level === logLevels.level) return;
        // With the level of before: what is logged less from now on is told that it will be.
        this.logger.warn({ level }, 'the log level is changed');
        logLevels.level = level;
      },
      'rest.tcp.tokens_file': ({ tokensFile }) => {
        now.tokens = tokensFile;
      },
    });
    this.settings.reload(loaded);
    streams.checkAgain();
  }

  /** Resolves when clients and REST are served. Where it rejects, nothing is left of what was started. */
  static async start(start: Start): Promise<Daemon> {
    const started = new Started();
    try {
      return await Daemon.#start(start, started);
    } catch (error) {
      await started.end().catch((err: unknown) => {
        start.log.logger.error({ err }, 'what was started could not be ended');
      });
      throw error;
    }
  }

  static async #start(start: Start, started: Started): Promise<Daemon> {
    const { threads, loaded, log, clock, step } = start;
    const { logger } = log;
    const { config } = loaded;
    const subuids = readSubuids();
    const reports = new Reports(start, started, subuids);

    const { sockets: handed, others } = HandedSockets.sort(start.inherited);
    started.add(() => handed.close());
    const survives = takeKept(others, reports.ring, { logger, started });

    // Before any client: from then on no process is started here (machine/nss.ts).
    const resolver = new Resolver();
    started.add(() => resolver.close());

    step('state folder');
    const kept = await openState(start.stateDir, logger, started);

    step('allocator');
    // Its thread opens the device while this one loads the REST server.
    const loading = import('./http/server.js');
    loading.catch(() => {}); // It is awaited below.
    const allocator = await Allocator.start(threads, config.device.select, reports);
    const allocatorTaken = started.add(() => allocator.close());
    const { createHttpServer } = await loading;
    describe(allocator.inventory, logger);

    step('client socket');
    const clients = await listenForClients(config, { handed, started, logger }, kept.folder);

    step('data plane');
    const maxFds = readMaxFds();
    const { device, cudaBytes } = allocator.inventory;
    const machine = machineRules(totalmem(), maxFds, device, cudaBytes);
    const quotas = quotaSetup(config, { machine, rest: kept.quotas.rules, subuids });
    const setup = planeSetup(config, allocator, { maxFds, quotas, kept: survives?.setup ?? null });
    const plane = new DataPlane(threads, allocator, clients.listener, setup, reports);
    started.add(() => plane.close());
    // Its last answer goes to the data plane.
    started.add(() => reports.search.stop());
    reports.plane = plane;
    allocatorTaken();
    clients.listenerTaken();
    survives?.taken();

    step('REST');
    const watches = makeWatches({
      start,
      look: reports.look,
      allocator,
      plane,
      failed: reports.lookFailed,
    });
    const previews = new Previews(threads);
    started.add(() => previews.close());
    const now: Changeable = {
      policy: new Policy(config.policy),
      tokens: config.restTcp.tokensFile,
    };
    const layers = () => ({ machine, rest: kept.quotas.rules });
    const level = () => reports.logLevels.level;
    const settings = new ConfigInForce(loaded, level, kept.folder.path, layers, clock);
    const { audit, ring, streams, logLevels } = reports;
    const http = createHttpServer({
      world: {
        ...{ plane, allocator, previews, settings, audit, logLevels, clock, resolver },
        ...{ quotas: kept.quotas, state: kept.folder, starts: kept.starts },
        ...{ sweeper: watches.sweeper, leaks: watches.leaks },
        policy: () => now.policy,
        fallback: config.sources.fallback,
        version: packageVersion(),
        lost: () => log.lost,
        regionMemory,
      },
      clock,
      logger: logger.child({ component: 'rest' }),
      openapiPath: join(packageRoot, 'openapi.yaml'),
      peerOf: requester,
      accessOf: (who) => now.policy.restAccess(who),
      accessIsFor: (needed) => now.policy.accessIsFor(needed),
      tokens: () => now.tokens?.tokens ?? [],
      denied: reports.denials.tell,
      ring,
      streams,
      rateLimit: config.rest.rateLimit,
      held: () => audit.held,
    });
    started.add(() => http.close());
    // Fastify's own, which those of its requests are made from.
    logLevels.follow(http.log);
    const restFile = socketFile(config.rest);
    const handedRest = takeHanded(handed, restFile, logger);
    const rest = await listenOnUnixSocket(http, restFile, handedRest ?? kept.folder);
    leaveOthers(handed, logger);
    admitNamed(rest, config.rest, config.policy, logger);

    step('REST over TCP');
    const { listen } = config.restTcp;
    if (listen !== null) {
      const port = await listenOnTcp(http, listen);
      logger.info({ ...listen, port }, 'REST over TCP');
    }

    step('watches');
    for (const each of [watches.pressure, watches.leaks]) {
      each.start();
      started.add(() => each.stop());
    }

    step('service manager');
    const serves = `serving clients at ${config.clients.socket}, REST at ${config.rest.socket}`;
    start.manager.ready(serves);
    const watchdog = startWatchdog(start, { plane, allocator }, serves);
    started.add(() => watchdog?.stop());
    logger.info({ clients: config.clients.socket, rest: config.rest.socket }, 'ready');
    loadAjvSoon();
    const { unpublish } = clients;
    return new Daemon(
      logger,
      started,
      {
        manager: start.manager,
        serves,
        plane,
        streams,
        unpublish,
        now,
        logLevels,
        resolver,
        rest: { published: rest, config: config.rest },
      },
      settings,
    );
  }

  /** Stops taking requests, releases every buffer, destroys the device. */
  async stop(): Promise<void> {
    this.parts.manager.stopping();
    // First: who comes now is to find nobody, and not somebody who does not answer. Where the service manager listens,
    // they wait for the next daemon.
    this.parts.unpublish();
    await this.started.end();
    this.logger.info('stopped');
  }
}
