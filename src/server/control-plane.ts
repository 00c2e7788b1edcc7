/**
 * REST's questions, answered by the data plane, the allocator, and what the daemon knows of itself.
 */
import { BrokerError } from '../broker/errors.js';
import type { ConfigInForce } from './config-in-force.js';
import type { ControlPlane, Health } from './control.js';
import type { Allocator, DataPlane } from './data-plane.js';
import { holdersReport } from './holders/report.js';
import type { Sweeper } from './holders/sweep.js';
import { leakReport } from './leaks/report.js';
import type { LeakWatch } from './leaks/watch.js';
import type { LogLevels } from './log-level.js';
import type { Previews } from './preview/previews.js';
import { checkRule, ruleFromRest, ruleId } from './quota/rest-rules.js';
import type { QuotaState } from './quota/state.js';
import { readPasswd } from './quota/users.js';
import { formatView, listedDeviceView, sourceView } from './views.js';

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
  sweeper: Sweeper,
  watch: LeakWatch,
  logLevels: LogLevels,
  settings: ConfigInForce,
  version: string,
): ControlPlane {
  return {
    device: async () => {
      const device = await allocator.device();
      const { inventory } = allocator;
      const unusable = inventory.sources.find(({ name, usable }) => name === 'vulkan' && !usable);
      const reason = device === null ? (unusable?.reason ?? null) : null;
      return { device, reason, sources: inventory.sources.map(sourceView) };
    },
    devices: async () => (await allocator.devices()).map(listedDeviceView),
    formats: async (device) => {
      const { offers, devices } = allocator.inventory;
      if (device === undefined) return offers.map(formatView);
      const found = devices.find(({ uuid }) => uuid === device);
      if (found === undefined) throw new BrokerError('not_found', `there is no device ${device}`);
      return (found.table?.offers ?? []).map(formatView);
    },
    listBuffers: async (query) => (await plane.mirror()).buffers.list(query),
    getBuffer: (id) => plane.ask('getBuffer', id),
    createBuffer: (request, requester) => plane.ask('createBuffer', { request, requester }),
    planBuffer: (request, requester) => plane.ask('planBuffer', { request, requester }),
    renameBuffer: (id, name, ifMatch, by) =>
      plane.ask('renameBuffer', { change: { id, ifMatch }, name }, by),
    releaseBuffer: async (id, ifMatch, by) => {
      await plane.ask('releaseBuffer', { id, ifMatch }, by);
    },
    reissueBuffer: (id, by) => plane.ask('reissueBuffer', id, by),
    extendLease: (id, seconds, by) => plane.ask('extendLease', { id, seconds }, by),
    recallBuffer: (id, seconds, by) => plane.ask('recallBuffer', { id, seconds }, by),
    listTokens: (id) => plane.ask('listTokens', id),
    shareBuffer: (id, terms, by) => plane.ask('shareBuffer', { id, terms }, by),
    revokeToken: async (id, tokenId, by) => {
      await plane.ask('revokeToken', { id, tokenId }, by);
    },
    preview: (id, terms, by) => previews.render(() => plane.ask('readImage', id, by), terms),
    history: (id) => plane.ask('historyOf', id),
    holders: async (id) => {
      const memories = await plane.ask('memoriesOf', id);
      return holdersReport(memories, await sweeper.sweep());
    },
    listClients: async (query) => (await plane.mirror()).clients.list(query),
    leaks: async () => {
      const { buffers } = await plane.mirror();
      const { config, growth, last: sweep } = watch;
      const { growing } = growth;
      return leakReport(config, { buffers: buffers.views, growing, sweep, now: Date.now() });
    },
    getClient: (id) => plane.ask('getClient', id),
    disconnectClient: async (id) => {
      await plane.ask('disconnectClient', id);
    },
    logLevel: async () => ({ level: logLevels.level }),
    setLogLevel: async ({ level }) => {
      logLevels.level = level;
      return { level };
    },
    config: async () => settings.report,
    listUsers: async () => {
      const { names } = readPasswd();
      const users = await plane.ask('listUsers', null);
      return users.map((user) => ({ ...user, name: names.get(user.uid) ?? null }));
    },
    listCgroups: () => plane.ask('listCgroups', null),
    listQuotas: () => plane.ask('listQuotas', null),
    getQuota: async (scope, key) => plane.ask('getQuota', ruleId(scope, key)),
    setQuota: async (scope, key, rule, by) => {
      const id = checkRule(scope, key, ruleFromRest(rule ?? {}));
      quotas.set(id, rule === null ? null : ruleFromRest(rule));
      await plane.ask('configureQuotas', { rules: quotas.rules, changed: id }, by);
      return plane.ask('getQuota', id);
    },
    metrics: () => plane.ask('metrics', null),
    health: async (): Promise<Health> => ({
      status: 'ok',
      version,
      uptime_seconds: Math.floor(process.uptime()),
      sources_usable: allocator.inventory.sources
        .filter((source) => source.usable)
        .map(({ name, handleType }) => `${name}/${handleType}`),
      warnings: [
        ...warnings(allocator.inventory),
        ...(quotas.warning === null ? [] : [quotas.warning]),
      ],
    }),
  };
}
