/**
 * REST's operations that the main thread answers, from what it keeps or with more than one question; all
 * others are the data plane's (plane/operations.ts). Status and headers are openapi.yaml's (answers.ts).
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Aliases } from '../../broker/aliases.js';
import { dateText } from '../../memory/clock.js';
import type { WithCuda } from '../../memory/device.js';
import { BrokerError } from '../../memory/errors.js';
import type { SourceState } from '../../memory/source.js';
import type { Matrix } from '../../pixels/ycbcr.js';
import type { LeakReport, QuotaRule } from '../../rest/contract.js';
import type { Call, OperationId } from '../../rest/operation.js';
import type { EventStreams } from '../events/streams.js';
import { holdings } from '../lists/holdings.js';
import {
  deviceView,
  formatView,
  listedDeviceView,
  sourceView,
  warnings,
} from '../lists/inventory-views.js';
import { UserNames } from '../machine/user-names.js';
import { Heaps } from '../observe/heaps.js';
import { heldBy, ownProcesses, processesReport } from '../observe/holders/processes.js';
import { holdersReport, ownHolders } from '../observe/holders/report.js';
import { leakReport } from '../observe/leaks/report.js';
import { Health } from '../threads/health.js';
import { checkIfMatch } from '../words/etag.js';
import { logLevelNote } from '../words/events.js';
import type { Measured } from '../words/metrics.js';
import type { MainOperation } from '../words/questions.js';
import { checkRule, ruleFromRest } from '../words/quota-rules.js';
import { ownerOf, type Requester } from '../words/requester.js';
import type { Callers } from './callers.js';
import { sendDocsFile, sendDocsPage } from './docs.js';
import { streamEvents } from './event-stream.js';
import { bufferQuery, clientQuery, sendPage } from './lists.js';
import type { Metrics } from './metrics.js';
import type { Spec } from './spec.js';
import type { Waits } from './waits.js';
import type { RestWorld } from './world.js';

/** A request that was validated and whose sender may send it. */
export interface Asked<Id extends OperationId> extends Call<Id> {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly callers: Callers;
  readonly by: Requester;
  /** The user whose things alone it may be about; null: everybody's. */
  readonly only: number | null;
  /** Makes something once, however often a request with the same Idempotency-Key comes. */
  once<T>(make: () => Promise<T>): Promise<T>;
}

/** Answers with the body of the answer, null for none, or by itself with the reply. */
export type Handler<Id extends OperationId> = (asked: Asked<Id>) => Promise<unknown>;
/** A query whose defaults of openapi.yaml were filled in. */
type Defaulted<Id extends OperationId, Names extends keyof Call<Id>['query']> = Call<Id>['query'] &
  Required<Pick<Call<Id>['query'], Names>>;
type Handlers = { readonly [Id in MainOperation]: Handler<Id> };

/** One thing after the other: for what awaits in its midst and may not be done twice at a time. */
class Serial {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs a task when all before it are over, however they ended. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => {});
    return result;
  }
}

/** Where to go on from `/`. */
const LINKS = {
  description: '/openapi.yaml',
  documentation: '/docs',
  health: '/healthz',
  readiness: '/readyz',
  metrics: '/metrics',
  whoami: '/v1/whoami',
  buffers: '/v1/buffers',
  clients: '/v1/clients',
  devices: '/v1/devices',
  quotas: '/v1/quotas',
  events: '/v1/events',
};

const NOTHING_ALLOWED = { role: 'none', preview: false, owner: false } as const;

/** What players assume where nothing is said: BT.709 from 720 rows on, BT.601 below. */
const usualMatrix = (height: number | null): Matrix => ((height ?? 0) >= 720 ? 'bt709' : 'bt601');

export function createHandlers(
  world: RestWorld,
  http: {
    readonly spec: Spec;
    readonly streams: EventStreams;
    readonly waits: Waits;
    readonly metrics: Metrics;
  },
): Handlers {
  const { plane, allocator, previews, clock } = world;
  /** All buffers, where a device is told of what was released of it. */
  const buffersFor = async (devices: readonly WithCuda[]) =>
    devices.some(({ cuda }) => cuda !== null) ? (await plane.mirror()).buffers.views : [];
  const { spec, streams, waits, metrics } = http;
  const regionOf = ({ region }: SourceState) =>
    region === undefined ? null : world.regionMemory(region);
  const quotaChanges = new Serial();
  const userNames = new UserNames(clock, world.resolver);
  const health = new Health([
    { name: 'the clients', ask: () => plane.ask('ping', null) },
    { name: 'the allocator', ask: () => allocator.ping() },
    { name: 'previews', ask: () => previews.ping() },
  ]);

  const heaps = new Heaps(() => allocator.devices(), clock);

  const usable = () =>
    allocator.inventory.sources
      .filter(({ usable }) => usable)
      .map(({ name, handleType }) => `${name}/${handleType}`);

  /** Why nobody can be served, as long as all threads answer; null where they can. */
  function unready() {
    if (usable().length === 0)
      return { why: 'no memory source is usable', constraint: 'sources' } as const;
    if (!world.audit.held) return null;
    return { why: 'the log has no room', constraint: 'log.audit_when_full' } as const;
  }

  async function leaks(only: number | null): Promise<LeakReport> {
    const isTheirs = (uid: number | null) => only === null || uid === only;
    const { buffers } = await plane.mirror();
    const { config, growth, last: sweep } = world.leaks;
    return leakReport(config, {
      buffers: buffers.views.filter(({ owner }) => isTheirs(owner.uid)),
      growing: growth.growing.filter(({ process }) => isTheirs(process.uid)),
      sweep,
      clock,
    });
  }

  async function measured(): Promise<Measured> {
    const counted = await plane.ask('metrics', null);
    const { views } = (await plane.mirror()).buffers;
    return {
      ...counted,
      users: holdings(views, ({ owner }) => String(owner.uid ?? 'unknown')),
      units: holdings(views, ({ owner }) => owner.unit ?? 'none'),
    };
  }

  /** Sets a rule, or forgets it with null; it is kept over a restart. */
  async function changeQuota(
    { params: { scope, key }, ifMatch, by }: Asked<'setQuota' | 'unsetQuota'>,
    rule: QuotaRule | null,
  ) {
    const named = checkRule(scope, key, ruleFromRest(rule ?? {}));
    const aliases = new Aliases(allocator.inventory.sources);
    const id = aliases.ruleOf(named);
    // What was kept under another name, before the kernel had this one.
    const former = [...world.quotas.rules.keys()].filter(
      (each) => each !== id && aliases.ruleOf(each) === id,
    );
    const current = () =>
      plane.ask('getQuota', { params: { scope, key }, query: undefined, body: undefined });
    // Of two who have seen the same, the second is refused.
    return quotaChanges.run(async () => {
      if (ifMatch !== undefined) checkIfMatch(ifMatch, await current());
      await world.quotas.set(id, rule === null ? null : ruleFromRest(rule));
      for (const each of former) await world.quotas.set(each, null);
      await plane.ask('configureQuotas', { rules: world.quotas.rules, changed: id }, by);
      return current();
    });
  }

  /** Buffers whose memory a process has; where somebody sees their own alone, one of their own processes. */
  const heldByProcess = async (pid: number, only: number | null) => {
    const memories = await plane.ask('allMemories', null, null, only);
    return heldBy(memories, await world.sweeper.sweep(), pid, only);
  };

  return {
    getRoot: async () => ({ name: 'dmabroker', version: world.version, links: LINKS }),
    getHealth: async () => {
      await health.check();
      return {
        status: 'ok',
        version: world.version,
        uptime_seconds: Math.floor(process.uptime()),
        sources_usable: usable(),
        warnings: [
          ...warnings(allocator.inventory),
          ...[world.quotas.warning, world.state.problem].filter((warning) => warning !== null),
        ],
      };
    },
    getReadiness: async () => {
      await health.check();
      const problem = unready();
      if (problem === null) return { status: 'ready', sources_usable: usable() };
      const { why, constraint } = problem;
      throw new BrokerError('unavailable', `not ready: ${why}`, { constraint });
    },
    getWhoami: async ({ by, callers, request }) => {
      const { uid, gid, groups, pid, executable, unit, token = null } = by;
      const policy = world.policy();
      // A token's access has its digest, too.
      const { role, preview, owner } = callers.of(request).access ?? NOTHING_ALLOWED;
      const { rights, rules } = policy.explain(by);
      const given = token === null ? rights : [{ right: role, through: `token ${token}` }];
      return {
        ...{ uid, gid, groups, pid, executable, unit, token, role, preview, owner },
        connect: uid !== null && policy.mayConnect(by),
        rights: given,
        rules,
      };
    },
    getOpenapi: async ({ reply }) => {
      reply.type('application/yaml');
      return spec.file;
    },
    getDocs: async ({ reply }) => sendDocsPage(reply),
    getDocsFile: ({ reply, params }) => sendDocsFile(reply, params.file),
    getMetrics: async ({ reply }) => {
      const text = await metrics.text(await measured(), {
        leaks: await leaks(null),
        eventReaders: streams.count,
        starts: world.starts,
        lost: world.lost(),
        ready: unready() === null,
        stored: world.state.problem === null && world.quotas.warning === null,
        ...(await heaps.look()),
        version: world.version,
      });
      reply.type(metrics.registry.contentType);
      return text;
    },
    getDevice: async () => {
      const device = await allocator.device();
      const { sources } = allocator.inventory;
      const unusable = sources.find(({ name, usable }) => name === 'vulkan' && !usable);
      const reason = device === null ? (unusable?.reason ?? null) : null;
      return {
        device: device && deviceView(device, await buffersFor([device])),
        reason,
        sources: sources.map((source) => sourceView(source, regionOf(source))),
        fallback: [...world.fallback],
      };
    },
    listDevices: async () => {
      const devices = await allocator.devices();
      const known = await buffersFor(devices);
      return devices.map((device) => listedDeviceView(device, known));
    },
    listFormats: async ({ query: { device } }) => {
      const { offers, devices } = allocator.inventory;
      if (device === undefined) return offers.map(formatView);
      const found = devices.find(({ uuid }) => uuid === device);
      if (found === undefined) throw new BrokerError('not_found', `there is no device ${device}`);
      return (found.table?.offers ?? []).map(formatView);
    },
    listBuffers: async ({ request, reply, query, only }) => {
      const { filter, ...place } = bufferQuery(
        query,
        clock,
        new Aliases(allocator.inventory.sources),
      );
      const { holder_pid: holder } = query as { holder_pid?: number };
      const held = holder === undefined ? null : await heldByProcess(holder, only);
      const { buffers } = await plane.mirror();
      const page = buffers.list({
        ...place,
        filter: (buffer) =>
          (only === null || buffer.owner.uid === only) &&
          (held === null || held.has(buffer.id)) &&
          filter(buffer),
      });
      return sendPage(request, reply, page);
    },
    createBuffer: async (asked) => {
      const { query, body, by, only, reply } = asked;
      if (query.dry_run) return plane.ask('plan', body, by, only);
      const asking = { ...asked, name: by.token ?? String(by.uid) };
      const created = await asked.once(() =>
        waits.run(asking, body.wait_ms ?? 0, (ticket) =>
          plane.ask('allocate', { ...body, ...(ticket !== null && { ticket }) }, by, only),
        ),
      );
      reply.code(201).header('location', `/v1/buffers/${created.buffer.id}`);
      return created;
    },
    streamEvents: async ({ request, reply, callers }) =>
      streamEvents(streams, callers, request, reply),
    previewBuffer: async ({ request, reply, params, query, by, callers }) => {
      const { max, range, matrix: wanted } = query as Defaulted<'previewBuffer', 'max' | 'range'>;
      const { height } = await plane.ask('getBuffer', {
        params,
        query: undefined,
        body: undefined,
      });
      const matrix = wanted ?? usualMatrix(height);
      const png = await previews.render(
        by.token ?? String(by.uid),
        () => plane.ask('readImage', { params }, by),
        { max, range, matrix },
        // Where the data plane has ended, so has the charge.
        (ticket) => void plane.ask('imageDone', ticket).catch(() => {}),
      );
      // A picture takes its time; who may no longer see it does not get it.
      callers.checkAgain(request);
      reply.type('image/png').headers({ 'x-ycbcr-matrix': matrix, 'x-ycbcr-range': range });
      return Buffer.from(png);
    },
    getMetadata: async ({ reply, params, only }) => {
      const text = await plane.ask('documentOf', { params }, null, only);
      reply.type('application/json; charset=utf-8');
      return text;
    },
    listHolders: async ({ params, only }) => {
      const memories = await plane.ask('memoriesOf', { params }, null, only);
      const report = holdersReport(memories, await world.sweeper.sweep(), clock);
      return only === null ? report : ownHolders(report, only);
    },
    listProcesses: async ({ query, only }) => {
      const memories = await plane.ask('allMemories', null, null, only);
      const report = processesReport(memories, await world.sweeper.sweep(), clock, query, only);
      return only === null ? report : ownProcesses(report, only);
    },
    listClients: async ({ request, reply, query, only }) => {
      const { filter, ...place } = clientQuery(query);
      const { clients } = await plane.mirror();
      const page = clients.list({
        ...place,
        filter: (client) => (only === null || client.uid === only) && filter(client),
      });
      return sendPage(request, reply, page);
    },
    getLogLevel: async () => ({ level: world.logLevels.level }),
    setLogLevel: async ({ request, body, by }) => {
      const { level } = body;
      // With the level of before: what is logged less from now on is told that it will be.
      request.log.warn({ log_level: level }, 'the log level is changed');
      world.logLevels.level = level;
      world.audit.acted([logLevelNote(ownerOf(by), level, dateText(clock, clock.now()))]);
      return { level };
    },
    getConfig: async () => world.settings.report,
    setQuota: (asked) => changeQuota(asked, asked.body),
    unsetQuota: (asked) => changeQuota(asked, null),
    getLeaks: ({ only }) => leaks(only),
    listUsers: async ({ only }) => {
      const users = await plane.ask('users', null, null, only);
      const names = await userNames.of(users.map(({ uid }) => uid));
      return users.map((user) => ({ ...user, name: names.get(user.uid) ?? null }));
    },
  };
}
