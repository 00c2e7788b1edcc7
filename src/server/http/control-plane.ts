/**
 * REST's questions, answered by the data plane, the allocator, and what the daemon knows of itself.
 */
import { type Clock, dateText } from '../../memory/clock.js';
import { BrokerError } from '../../memory/errors.js';
import type { Health as HealthReport } from '../../rest/contract.js';
import type { ConfigInForce } from '../config/in-force.js';
import type { AuditSink } from '../events/audit-sink.js';
import { holdings } from '../lists/holdings.js';
import { deviceView, formatView, listedDeviceView, sourceView } from '../lists/inventory-views.js';
import type { LogLevels } from '../log/levels.js';
import { readPasswd } from '../machine/users.js';
import { holdersReport, ownHolders } from '../observe/holders/report.js';
import type { Sweeper } from '../observe/holders/sweep.js';
import { leakReport } from '../observe/leaks/report.js';
import type { LeakWatch } from '../observe/leaks/watch.js';
import type { StateFolder } from '../state/folder.js';
import type { QuotaState } from '../state/quotas.js';
import type { Allocator, DataPlane } from '../threads/data-plane.js';
import { Health } from '../threads/health.js';
import type { Previews } from '../threads/previews.js';
import { logLevelNote } from '../words/audit.js';
import type { ControlPlane, OwnPlane } from '../words/control.js';
import { checkIfMatch, quotaState } from '../words/etag.js';
import type { Questions } from '../words/messages.js';
import { checkRule, ruleFromRest, ruleId } from '../words/quota-rules.js';
import { ownerOf, type Requester } from '../words/requester.js';
import { Serial } from './serial.js';

/** What an administrator should know about this daemon's sources. */
export function warnings({ sources }: Allocator['inventory']): string[] {
  const exporters = sources.filter((source) => source.handleType === 'dma_buf');
  if (exporters.some((source) => source.usable)) return [];
  const why = exporters.map(({ name, reason }) => `${name}: ${reason}`).join('; ');
  return [`no dma_buf can be exported here (${why}); other handle types must be asked for`];
}

export function createControlPlane(
  allocator: Allocator,
  plane: DataPlane,
  previews: Previews,
  quotas: QuotaState,
  state: StateFolder,
  sweeper: Sweeper,
  watch: LeakWatch,
  logLevels: LogLevels,
  settings: ConfigInForce,
  audit: AuditSink,
  version: string,
  clock: Clock,
): ControlPlane {
  const quotaChanges = new Serial();
  const health = new Health([
    { name: 'the clients', ask: () => plane.ask('ping', null) },
    { name: 'the allocator', ask: () => allocator.ping() },
    { name: 'previews', ask: () => previews.ping() },
  ]);
  /** For everybody's things, or only for those of a user. */
  const planeFor = (only: number | null): OwnPlane => {
    const ask = <Q extends keyof Questions>(
      question: Q,
      parameters: Questions[Q]['parameters'],
      by: Requester | null = null,
    ) => plane.ask(question, parameters, by, only);
    const isTheirs = (uid: number | null) => only === null || uid === only;
    return {
      listBuffers: async ({ filter, ...query }) =>
        (await plane.mirror()).buffers.list({
          ...query,
          filter: (buffer) => isTheirs(buffer.owner.uid) && filter(buffer),
        }),
      getBuffer: (id) => ask('getBuffer', id),
      createBuffer: (request, requester) => ask('createBuffer', { request, requester }),
      planBuffer: (request, requester) => ask('planBuffer', { request, requester }),
      renameBuffer: (change, name, by) => ask('renameBuffer', { change, name }, by),
      releaseBuffer: async (change, by) => {
        await ask('releaseBuffer', change, by);
      },
      reissueBuffer: (change, by) => ask('reissueBuffer', change, by),
      extendLease: (change, seconds, by) => ask('extendLease', { change, seconds }, by),
      listTokens: (id) => ask('listTokens', id),
      shareBuffer: (change, terms, by) => ask('shareBuffer', { change, terms }, by),
      revokeToken: async (change, tokenId, by) => {
        await ask('revokeToken', { change, tokenId }, by);
      },
      history: (id) => ask('historyOf', id),
      holders: async (id) => {
        const memories = await ask('memoriesOf', id);
        const report = holdersReport(memories, await sweeper.sweep(), clock);
        return only === null ? report : ownHolders(report, only);
      },
      listClients: async ({ filter, ...query }) =>
        (await plane.mirror()).clients.list({
          ...query,
          filter: (client) => isTheirs(client.uid) && filter(client),
        }),
      getClient: (id) => ask('getClient', id),
      disconnectClient: async (id, by) => {
        await ask('disconnectClient', id, by);
      },
      leaks: async () => {
        const { buffers } = await plane.mirror();
        const { config, growth, last: sweep } = watch;
        return leakReport(config, {
          buffers: buffers.views.filter(({ owner }) => isTheirs(owner.uid)),
          growing: growth.growing.filter(({ process }) => isTheirs(process.uid)),
          sweep,
          clock,
        });
      },
      listUsers: async () => {
        const { names } = readPasswd();
        const users = await ask('listUsers', null);
        return users.map((user) => ({ ...user, name: names.get(user.uid) ?? null }));
      },
      listCgroups: () => ask('listCgroups', null),
      listQuotas: () => ask('listQuotas', null),
      getQuota: async (scope, key) => ask('getQuota', ruleId(scope, key)),
    };
  };
  return {
    ...planeFor(null),
    ownedBy: planeFor,
    device: async () => {
      const device = await allocator.device();
      const { inventory } = allocator;
      const unusable = inventory.sources.find(({ name, usable }) => name === 'vulkan' && !usable);
      const reason = device === null ? (unusable?.reason ?? null) : null;
      return {
        device: device && deviceView(device),
        reason,
        sources: inventory.sources.map(sourceView),
      };
    },
    devices: async () => (await allocator.devices()).map(listedDeviceView),
    formats: async (device) => {
      const { offers, devices } = allocator.inventory;
      if (device === undefined) return offers.map(formatView);
      const found = devices.find(({ uuid }) => uuid === device);
      if (found === undefined) throw new BrokerError('not_found', `there is no device ${device}`);
      return (found.table?.offers ?? []).map(formatView);
    },
    recallBuffer: (change, seconds, by) => plane.ask('recallBuffer', { change, seconds }, by),
    preview: (id, terms, by) => {
      const user = by.token ?? String(by.uid);
      const read = () => plane.ask('readImage', id, by);
      // Where the data plane has ended, so has the charge.
      const done = (ticket: number) => void plane.ask('imageDone', ticket).catch(() => {});
      return previews.render(user, read, terms, done);
    },
    logLevel: async () => ({ level: logLevels.level }),
    setLogLevel: async ({ level }, by) => {
      logLevels.level = level;
      audit.acted([logLevelNote(ownerOf(by), level, dateText(clock, clock.now()))]);
      return { level };
    },
    config: async () => settings.report,
    setQuota: async ({ scope, key, ifMatch }, rule, by) => {
      const id = checkRule(scope, key, ruleFromRest(rule ?? {}));
      // Of two who have seen the same, the second is refused.
      return quotaChanges.run(async () => {
        if (ifMatch !== undefined) {
          checkIfMatch(ifMatch, quotaState(await plane.ask('getQuota', id)));
        }
        await quotas.set(id, rule === null ? null : ruleFromRest(rule));
        await plane.ask('configureQuotas', { rules: quotas.rules, changed: id }, by);
        return plane.ask('getQuota', id);
      });
    },
    pool: () => plane.ask('getPool', null),
    drainPool: (by) => plane.ask('drainPool', null, by),
    metrics: async () => {
      const counted = await plane.ask('metrics', null);
      const { views } = (await plane.mirror()).buffers;
      return {
        ...counted,
        users: holdings(views, ({ owner }) => String(owner.uid ?? 'unknown')),
        units: holdings(views, ({ owner }) => owner.unit ?? 'none'),
      };
    },
    health: async (): Promise<HealthReport> => {
      await health.check();
      return {
        status: 'ok',
        version,
        uptime_seconds: Math.floor(process.uptime()),
        sources_usable: allocator.inventory.sources
          .filter((source) => source.usable)
          .map(({ name, handleType }) => `${name}/${handleType}`),
        warnings: [
          ...warnings(allocator.inventory),
          ...[quotas.warning, state.problem].filter((warning) => warning !== null),
        ],
      };
    },
  };
}
