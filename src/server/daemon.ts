/**
 * How the daemon starts and stops: state folder, allocator, client socket, data plane, REST, in this
 * order, and back again, when it stops as well as when a step fails.
 */
import { totalmem } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { Policy } from '../broker/policy.js';
import { type Clock, dateText } from '../memory/clock.js';
import type { LogLevel } from '../memory/log-level.js';
import { packageRoot, packageVersion } from '../package-root.js';
import type { Config, Loaded } from './config/config.js';
import { ConfigInForce } from './config/in-force.js';
import { takeOver } from './config/live.js';
import { machineRules, readMaxFds } from './config/machine-rules.js';
import { AuditSink } from './events/audit-sink.js';
import { RefusalLines } from './events/refusal-lines.js';
import { EventRing } from './events/ring.js';
import { EventStreams } from './events/streams.js';
import { listenOnUnixSocket } from './http/listen.js';
import { listenOnTcp } from './http/tcp.js';
import { LogLevels } from './log/levels.js';
import type { Log } from './log/log.js';
import { mainDevice } from './machine/drm-node.js';
import { accountable, readPasswd, readSubuids } from './machine/users.js';
import { Search } from './observe/holders/search.js';
import { Sweeper } from './observe/holders/sweep.js';
import { LeakWatch } from './observe/leaks/watch.js';
import { eventDraft } from './plane/reporter.js';
import {
  describe,
  listenForClients,
  lookFailed,
  pressureWatch,
  quotaSetup,
  requester,
  socketFile,
  tellManager,
} from './start.js';
import { Started } from './started.js';
import { defaultStateFolder, StateFolder } from './state/folder.js';
import { QuotaState } from './state/quotas.js';
import { countStart } from './state/starts.js';
import { Allocator, DataPlane } from './threads/data-plane.js';
import { Previews } from './threads/previews.js';
import { auditNote } from './words/audit.js';
import type { EventDraft } from './words/messages.js';
import { ownerOf } from './words/requester.js';

/** What is read again at SIGHUP. */
interface Changeable {
  policy: Policy;
  tokens: Config['restTcp']['tokensFile'];
}

/** What a daemon is started with. */
export interface Start {
  /** Where the other threads' files stand. */
  readonly threads: URL;
  readonly loaded: Loaded;
  /** Where it keeps its state; null: where it does by default. */
  readonly stateDir: string | null;
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

interface Parts {
  readonly plane: DataPlane;
  readonly streams: EventStreams;
  readonly unpublish: () => void;
  readonly now: Changeable;
}

export class Daemon {
  private constructor(
    private readonly logger: Logger,
    private readonly started: Started,
    private readonly parts: Parts,
    /** What an administrator is told about the configuration. */
    readonly settings: ConfigInForce,
  ) {}

  /** Takes over what may change while it runs. Connections that there are stay. */
  async reload(loaded: Loaded): Promise<void> {
    const { plane, now, streams } = this.parts;
    await takeOver(loaded.config, {
      policy: async (policy) => {
        await plane.ask('setPolicy', policy);
        now.policy = new Policy(policy);
      },
      pool: (pool) => plane.ask('setPool', pool),
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
    const { threads, loaded, log, clock, fatal, step } = start;
    const { logger } = log;
    const { config } = loaded;
    const logLevels = new LogLevels(config.log.level);
    logLevels.follow(logger);
    const clientLog = logLevels.follow(logger.child({ component: 'clients' }));
    const ring = new EventRing();
    const streams = new EventStreams(ring);
    let plane: DataPlane | null = null;
    const audit = new AuditSink(log, clock, {
      wanted: config.log.audit,
      whenFull: config.log.auditWhenFull,
      // It ends with an error where the data plane does, which is told elsewhere.
      held: (held) => void plane?.ask('hold', held).catch(() => {}),
    });
    started.add(() => audit.close());
    // A flood of requests that are refused is not to push everything else out of the ring.
    const deniedEvents = new RefusalLines(() => {});
    started.add(() => deniedEvents.close());
    const search: Search = new Search({
      clock,
      userOf: accountable(readSubuids(readPasswd())),
      answer: (found) => void plane?.ask('swept', found).catch(() => {}),
      failed: (error) => failed(error),
    });
    const fatalError = (error: unknown) =>
      fatal(error instanceof Error ? error : new Error(String(error)));
    const failed = lookFailed(logger, fatalError);
    const events = {
      log: (level: LogLevel, text: string, fields: object) => clientLog[level](fields, text),
      happened: (drafts: readonly EventDraft[]) => ring.push(drafts),
      acted: audit.acted,
      sweep: (identities: readonly string[]) => search.search(identities),
      fatal,
    };

    step('state folder');
    const folder = StateFolder.open(start.stateDir ?? defaultStateFolder());
    started.add(() => folder.close());
    if (folder.abandoned !== null) {
      const sockets = folder.abandoned.size;
      logger.warn({ sockets }, 'a daemon that was killed and has not ended: its place is taken');
    }
    const state = QuotaState.read(folder);
    for (const problem of [folder.problem, state.warning]) {
      if (problem !== null) logger.warn(problem);
    }
    const starts = await countStart(folder);

    step('allocator');
    // Its thread opens the device while this one loads the REST server.
    const loading = import('./http/server.js');
    loading.catch(() => {}); // It is awaited below.
    const allocator = await Allocator.start(threads, config.device.select, events);
    const allocatorTaken = started.add(() => allocator.close());
    const { createHttpServer } = await loading;
    describe(allocator.inventory, logger);

    step('client socket');
    const { listener, listenerTaken, unpublish } = await listenForClients(config, started, folder);

    step('data plane');
    const maxFds = readMaxFds();
    const machine = machineRules(totalmem(), maxFds, allocator.inventory.device);
    plane = new DataPlane(
      threads,
      allocator,
      listener,
      {
        mainDevice: mainDevice(allocator.inventory.device),
        unknownGraceSeconds: config.accounting.unknownGraceSeconds,
        trustedBytes: config.accounting.trustedBytes ?? Number.POSITIVE_INFINITY,
        leaseGraceSeconds: config.leases.graceSeconds,
        audit: config.log.audit,
        maxFds,
        quotas: quotaSetup(config, machine, state.rules),
        policy: config.policy,
        pool: config.pool,
      },
      events,
    );
    started.add(() => plane.close());
    // Its last answer goes to the data plane.
    started.add(() => search.stop());
    allocatorTaken();
    listenerTaken();

    step('REST');
    const watch = pressureWatch(config, allocator, plane, logger, failed);
    const sweeper = new Sweeper(clock);
    const leaks = new LeakWatch(config.leaks, sweeper, failed);
    const previews = new Previews(threads);
    started.add(() => previews.close());
    const now: Changeable = {
      policy: new Policy(config.policy),
      tokens: config.restTcp.tokensFile,
    };
    const layers = () => ({ machine, rest: state.rules });
    const settings = new ConfigInForce(loaded, () => logLevels.level, folder.path, layers, clock);
    const http = createHttpServer({
      world: {
        plane,
        allocator,
        previews,
        quotas: state,
        state: folder,
        sweeper,
        leaks,
        logLevels,
        settings,
        audit,
        version: packageVersion(),
        starts,
        lost: () => log.lost,
        clock,
      },
      clock,
      logger: logger.child({ component: 'rest' }),
      openapiPath: join(packageRoot, 'openapi.yaml'),
      peerOf: requester,
      accessOf: (who) => now.policy.restAccess(who),
      accessIsFor: (needed) => now.policy.accessIsFor(needed),
      tokens: () => now.tokens?.tokens ?? [],
      denied: (caller, error) => {
        const owner = ownerOf(caller.requester);
        const event = { type: 'refusal', error, owner, buffer: null } as const;
        const time = dateText(clock, clock.now());
        if (deniedEvents.admit(caller.name)) ring.push([eventDraft(event, time, clock)]);
        const note = auditNote(event, time);
        if (note !== null) audit.acted([note]);
      },
      ring,
      streams,
      rateLimit: config.rest.rateLimit,
      held: () => audit.held,
    });
    started.add(() => http.close());
    // Fastify's own, which those of its requests are made from.
    logLevels.follow(http.log);
    await listenOnUnixSocket(http, socketFile(config.rest), folder);

    step('REST over TCP');
    const { listen } = config.restTcp;
    if (listen !== null) {
      const port = await listenOnTcp(http, listen);
      logger.info({ ...listen, port }, 'REST over TCP');
    }

    step('watches');
    for (const each of [watch, leaks]) {
      each.start();
      started.add(() => each.stop());
    }

    step('service manager');
    tellManager('READY=1', logger);
    logger.info({ clients: config.clients.socket, rest: config.rest.socket }, 'ready');
    return new Daemon(logger, started, { plane, streams, unpublish, now }, settings);
  }

  /** Stops taking requests, releases every buffer, destroys the device. */
  async stop(): Promise<void> {
    tellManager('STOPPING=1', this.logger);
    // First: who comes now is to find nobody, and not somebody who does not answer.
    this.parts.unpublish();
    await this.started.end();
    this.logger.info('stopped');
  }
}
