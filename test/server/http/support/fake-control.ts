/**
 * Stands for the data plane, which is a thread of its own: keeps real state in memory, refuses what
 * the real one refuses, and can be told to fail or to hang. It exports memfd only, as on a machine
 * without a Vulkan device.
 */

import { encode } from 'fast-png';
import { Quotas } from '../../../../src/broker/quota/quotas.js';
import { BrokerError } from '../../../../src/memory/errors.js';
import { SystemClock } from '../../../../src/native/clock.js';
import type {
  BufferInfo,
  CgroupInfo,
  ClientDetail,
  ClientInfo,
  ConfigReport,
  CreateBuffer,
  CreatedBuffer,
  DeviceReport,
  FormatInfo,
  Health,
  History,
  Holders,
  LeakReport,
  ListedDeviceInfo,
  LogLevelInfo,
  PlannedBuffer,
  PoolDrained,
  PoolInfo,
  QuotaInfo,
  QuotaRule,
  Token,
  TokenInfo,
  TokenRequest,
  UserInfo,
} from '../../../../src/rest/contract.js';
import { configOf } from '../../../../src/server/config/config.js';
import { thisMachine } from '../../../../src/server/config/machine.js';
import type { ListQuery, Page } from '../../../../src/server/lists/collection.js';
import { bufferCollection, clientCollection } from '../../../../src/server/lists/mirror.js';
import { leakReport } from '../../../../src/server/observe/leaks/report.js';
import {
  listCgroups,
  listQuotas,
  listUsers,
  quotaView,
} from '../../../../src/server/plane/quota-views.js';
import type { ControlPlane, OwnPlane } from '../../../../src/server/words/control.js';
import { checkIfMatch, quotaState } from '../../../../src/server/words/etag.js';
import type { Measured } from '../../../../src/server/words/metrics.js';
import { checkRule, ruleFromRest, ruleId } from '../../../../src/server/words/quota-rules.js';
import type { Change, QuotaChange, Requester } from '../../../../src/server/words/requester.js';

const LINEAR = '0x0000000000000000';
export const FAKE_LIMITS = { size: 2 ** 32, dimension: 16_384, buffers: 1_000 };

const unlimited = { limits: { max_bytes: null } };

export const NOTHING_COUNTED: Measured = {
  allocations: [],
  refusals: {},
  turns: { counts: [], sum: 0 },
  allocationTimes: {},
  users: [],
  units: [],
  clients: 0,
  pendingAllocations: 0,
  queuedBytes: 0,
  unprovenBytes: 0,
  pool: { hits: 0, misses: 0, bytes: 0, spares: 0 },
};

export const NO_LEAKS = leakReport(configOf([], thisMachine()).leaks, {
  buffers: [],
  growing: [],
  sweep: null,
  clock: new SystemClock(),
});

export class FakeControl implements ControlPlane {
  readonly buffers = new Map<string, BufferInfo>();
  readonly clients: ClientInfo[] = [];
  /** By buffer; those of createBuffer are not kept. */
  readonly tokens = new Map<string, TokenInfo[]>();
  readonly quotas = new Quotas(new SystemClock());
  /** Who asked for the last buffer. */
  requester: Requester | undefined;
  /** What was asked for last. */
  requested: CreateBuffer | undefined;
  /** Thrown by the next call, whatever it is. */
  failure: unknown;
  /** Whether calls never answer. */
  hangs = false;
  maxBuffers = FAKE_LIMITS.buffers;
  report: DeviceReport = {
    device: null,
    reason: 'libvulkan.so.1 is not installed',
    sources: [
      {
        name: 'vulkan',
        handle_type: 'dma_buf',
        usable: false,
        reason: 'there is no device',
        ...unlimited,
      },
      { name: 'memfd', handle_type: 'memfd', usable: true, reason: 'shared memory', ...unlimited },
    ],
  };
  #made = 0;
  #tokens = 0;

  device(): Promise<DeviceReport> {
    return this.#answer(() => this.report);
  }

  listed: readonly ListedDeviceInfo[] = [];

  devices(): Promise<readonly ListedDeviceInfo[]> {
    return this.#answer(() => this.listed);
  }

  formats(device?: string): Promise<FormatInfo[]> {
    if (device !== undefined) {
      return this.#answer(() => {
        throw new BrokerError('not_found', `there is no device ${device}`);
      });
    }
    return this.#answer(() =>
      ['AR24', 'XR24'].map((format) => ({
        format,
        modifier: LINEAR,
        modifier_name: 'LINEAR',
        made: 'layout',
        planes: 1,
        source: 'memfd',
        handle_type: 'memfd',
      })),
    );
  }

  listBuffers(query: ListQuery<BufferInfo>): Promise<Page<BufferInfo>> {
    const all = bufferCollection();
    for (const buffer of this.buffers.values()) all.set(structuredClone(buffer));
    return this.#reply(() => all.list(query));
  }

  getBuffer(id: string): Promise<BufferInfo> {
    return this.#answer(() => this.#find(id));
  }

  createBuffer(request: CreateBuffer, requester: Requester): Promise<CreatedBuffer> {
    return this.#answer(() => {
      this.requester = requester;
      this.requested = request;
      const buffer = this.#allocate(request, requester);
      this.buffers.set(buffer.id, buffer);
      const { uses, seconds } = request.token;
      const expires = seconds === null ? null : new Date(Date.now() + seconds * 1000).toISOString();
      const id = `t${++this.#tokens}`;
      return { buffer, token: { id, token: `secret-${buffer.id}`, uses, expires_at: expires } };
    });
  }

  extendLease(change: Change, seconds: number): Promise<BufferInfo> {
    return this.#answer(() => {
      const buffer = this.#changing(change);
      if (buffer.lifetime.type !== 'lease') {
        throw new BrokerError('invalid_argument', 'the buffer has no lease');
      }
      buffer.lifetime = lifetimeOf({ lifetime: { type: 'lease', seconds } });
      return buffer;
    });
  }

  recallBuffer(change: Change, seconds: number): Promise<BufferInfo> {
    return this.#answer(() => {
      const deadline = new Date(Date.now() + seconds * 1000).toISOString();
      return Object.assign(this.#changing(change), {
        recall: { reason: 'administrator', deadline },
      });
    });
  }

  listTokens(id: string): Promise<TokenInfo[]> {
    return this.#answer(() => this.tokens.get(this.#find(id).id) ?? []);
  }

  shareBuffer(change: Change, terms: TokenRequest): Promise<Token> {
    return this.#answer(() => {
      const { id } = this.#changing(change);
      const { uses, uid, may_renew } = terms;
      const token = { id: `t${++this.#tokens}`, uses_left: uses, uid, may_renew, expires_at: null };
      const known = this.tokens.get(id) ?? [];
      this.tokens.set(id, [...known, { ...token, created_at: new Date().toISOString() }]);
      return { id: token.id, token: `secret-${token.id}`, uses, expires_at: null };
    });
  }

  revokeToken(change: Change, tokenId: string): Promise<void> {
    return this.#answer(() => {
      const { id } = this.#changing(change);
      const known = this.tokens.get(id) ?? [];
      const left = known.filter((token) => token.id !== tokenId);
      if (left.length === known.length) {
        throw new BrokerError('not_found', `buffer ${id} has no token ${tokenId}`);
      }
      this.tokens.set(id, left);
    });
  }

  planBuffer(request: CreateBuffer, requester: Requester): Promise<PlannedBuffer> {
    return this.#answer(() => {
      const { handle_type, size, kind, modifier, planes, placement, unverified_usage } =
        this.#allocate(request, requester);
      const source = 'memfd';
      const device = null;
      return {
        handle_type,
        source,
        device,
        size,
        kind,
        modifier,
        planes,
        placement,
        unverified_usage,
      };
    });
  }

  renameBuffer(change: Change, name: string | null): Promise<BufferInfo> {
    return this.#answer(() => Object.assign(this.#changing(change), { name }));
  }

  releaseBuffer(change: Change): Promise<void> {
    return this.#answer(() => {
      this.buffers.delete(this.#changing(change).id);
    });
  }

  reissueBuffer(change: Change): Promise<BufferInfo> {
    return this.#answer(() => {
      const buffer = this.#changing(change);
      if (buffer.state === 'lost') Object.assign(buffer, { state: 'live', generation: 2 });
      return buffer;
    });
  }

  preview(id: string): Promise<Uint8Array> {
    return this.#answer(() => {
      const { width, height } = this.#find(id);
      if (width === null || height === null) throw new BrokerError('unsupported_format', 'linear');
      return encode({ width: 1, height: 1, channels: 4, data: Uint8Array.of(1, 2, 3, 4) });
    });
  }

  holdersReport: Holders = {
    holders: [],
    daemon: { fds: 1, mappings: 0 },
    complete: true,
    missing: null,
    unreadable: 0,
    scanned_at: new Date().toISOString(),
  };

  holders(id: string): Promise<Holders> {
    return this.#answer(() => {
      this.#find(id);
      return this.holdersReport;
    });
  }

  history(id: string): Promise<History> {
    return this.#answer(() => {
      const { created_at, owner, name } = this.#find(id);
      const { client, uid, pid, executable, unit } = owner;
      const who = { client, uid, pid, executable, unit, token: null };
      return {
        events: [
          { time: created_at, type: 'buffer.created', who, reason: null },
          {
            time: new Date().toISOString(),
            type: 'buffer.renamed',
            who: null,
            reason: name,
          },
        ],
        forgotten: 7,
      };
    });
  }

  listClients(query: ListQuery<ClientInfo>): Promise<Page<ClientInfo>> {
    const all = clientCollection();
    for (const client of this.clients) all.set(structuredClone(client));
    return this.#reply(() => all.list(query));
  }

  spares: PoolInfo = {
    limits: { bytes: 1 << 20, spares_per_spec: 3, idle_seconds: 30 },
    bytes: 0,
    spares: 0,
    hits: 0,
    misses: 0,
    specs: [],
  };

  pool(): Promise<PoolInfo> {
    return this.#answer(() => this.spares);
  }

  drainPool(): Promise<PoolDrained> {
    return this.#answer(() => {
      const { spares, bytes } = this.spares;
      this.spares = { ...this.spares, spares: 0, bytes: 0, specs: [] };
      return { spares, bytes };
    });
  }

  leakReport = NO_LEAKS;

  leaks(): Promise<LeakReport> {
    return this.#answer(() => this.leakReport);
  }

  getClient(id: string): Promise<ClientDetail> {
    return this.#answer(() => {
      const client = this.clients[this.#indexOf(id)] as ClientInfo;
      const charge = { bytes: client.bytes, buffers: client.buffers, fds: 3, pending: 0 };
      return { client, buffers: ['mfzgk5dfmjza'], charge };
    });
  }

  disconnectClient(id: string): Promise<void> {
    return this.#answer(() => {
      this.clients.splice(this.#indexOf(id), 1);
    });
  }

  #indexOf(id: string): number {
    const index = this.clients.findIndex((client) => client.id === id);
    if (index < 0) throw new BrokerError('not_found', `there is no client ${id}`);
    return index;
  }

  #logLevel: LogLevelInfo = { level: 'info' };

  logLevel(): Promise<LogLevelInfo> {
    return this.#answer(() => this.#logLevel);
  }

  setLogLevel(info: LogLevelInfo): Promise<LogLevelInfo> {
    return this.#answer(() => {
      this.#logLevel = info;
      return info;
    });
  }

  config(): Promise<ConfigReport> {
    const setting = { key: 'rest.rate_limit', value: 7, from: 'file', line: 2 } as const;
    const later = { value: 10_000, from: 'default', line: null } as const;
    return this.#answer(() => ({
      file: '/etc/dmabroker.toml',
      read_at: '2026-11-20T08:15:30.000Z',
      error: null,
      state_folder: '/var/lib/dmabroker',
      settings: [{ ...setting, after_restart: later }],
      tokens: [],
    }));
  }

  listUsers(): Promise<UserInfo[]> {
    return this.#answer(() => listUsers(this.quotas, new SystemClock()));
  }

  listCgroups(): Promise<CgroupInfo[]> {
    return this.#answer(() => listCgroups(this.quotas));
  }

  listQuotas(): Promise<QuotaInfo[]> {
    return this.#answer(() => listQuotas(this.quotas));
  }

  getQuota(scope: string, key: string): Promise<QuotaInfo> {
    return this.#answer(() => quotaView(this.quotas, ruleId(scope, key)));
  }

  setQuota({ scope, key, ifMatch }: QuotaChange, rule: QuotaRule | null): Promise<QuotaInfo> {
    return this.#answer(() => {
      const id = checkRule(scope, key, ruleFromRest(rule ?? {}));
      checkIfMatch(ifMatch, quotaState(quotaView(this.quotas, id)));
      const rules = new Map(this.quotas.policy.rules('rest'));
      if (rule === null) rules.delete(id);
      else rules.set(id, ruleFromRest(rule));
      this.quotas.configure('rest', rules);
      return quotaView(this.quotas, id);
    });
  }

  /** The users that it was asked to be held to; what it answers is everybody's all the same. */
  readonly asked: number[] = [];

  ownedBy(uid: number): OwnPlane {
    this.asked.push(uid);
    return this;
  }

  /** What the data plane would have counted. */
  measured: Measured = NOTHING_COUNTED;

  metrics(): Promise<Measured> {
    return this.#answer(() => this.measured);
  }

  health(): Promise<Health> {
    return this.#answer(() => ({
      status: 'ok',
      version: '0.0.0',
      uptime_seconds: process.uptime(),
      sources_usable: ['memfd/memfd'],
      warnings: ['no dma_buf exporter: only memfd can be allocated'],
    }));
  }

  /** Copies what it answers, as a message between threads does. */
  async #answer<T>(make: () => T): Promise<T> {
    return structuredClone(await this.#reply(make));
  }

  async #reply<T>(make: () => T): Promise<T> {
    if (this.hangs) return new Promise(() => {});
    if (this.failure !== undefined) {
      const { failure } = this;
      this.failure = undefined;
      throw failure;
    }
    return make();
  }

  #find(id: string): BufferInfo {
    const buffer = this.buffers.get(id);
    if (buffer === undefined) throw new BrokerError('not_found', `there is no buffer ${id}`);
    return buffer;
  }

  #changing({ id, ifMatch }: Change): BufferInfo {
    const buffer = this.#find(id);
    checkIfMatch(ifMatch, buffer);
    return buffer;
  }

  #allocate(request: CreateBuffer, requester: Requester): BufferInfo {
    const { handle_types: requested } = request;
    if (!requested.includes('memfd')) {
      throw new BrokerError('unsupported_handle_type', 'this daemon exports memfd only', {
        constraint: 'handle_types',
        requested,
        possible: ['memfd'],
      });
    }
    if (this.buffers.size >= this.maxBuffers) {
      throw new BrokerError('limit_exceeded', 'there are too many buffers', {
        constraint: 'tokens',
        requested: this.buffers.size + 1,
        possible: this.maxBuffers,
      });
    }
    this.#made += 1;
    return {
      id: this.#made
        .toString(26)
        .replace(/[0189]/g, (digit) => 'wxyz'['0189'.indexOf(digit)] ?? ''),
      generation: 1,
      former_of: null,
      state: 'live',
      name: request.name ?? null,
      handle_type: 'memfd',
      source: 'memfd',
      device: null,
      import: null,
      exporter: null,
      vulkan: null,
      ...layout(request),
      placement: ['host_visible', 'host_cached'],
      unverified_usage: [],
      lifetime: lifetimeOf(request),
      owner: {
        client: null,
        ...requester,
        groups: requester.groups === null ? null : [...requester.groups],
      },
      recipients: [],
      created_at: new Date().toISOString(),
      last_used_at: new Date().toISOString(),
      released_at: null,
      recall: null,
      tokens: 1,
    };
  }
}

function lifetimeOf({ lifetime }: Pick<CreateBuffer, 'lifetime'>): BufferInfo['lifetime'] {
  if (lifetime.type !== 'lease') return lifetime;
  const ends_at = new Date(Date.now() + lifetime.seconds * 1000).toISOString();
  return { ...lifetime, ends_at, released_at: null };
}

type Layout = Pick<
  BufferInfo,
  'size' | 'kind' | 'format' | 'modifier' | 'width' | 'height' | 'planes'
>;

function layout(request: CreateBuffer): Layout {
  if (request.kind === 'buffer') {
    const { kind, size } = request;
    tooLarge('size', size, FAKE_LIMITS.size);
    const planes = [{ index: 0, memory: 0, offset: 0, stride: 0 }];
    return { kind, size, format: null, modifier: null, width: null, height: null, planes };
  }
  const { kind, width, height, format, modifiers } = request;
  if (!['AR24', 'XR24'].includes(format)) {
    throw new BrokerError('unsupported_format', `no source allocates ${format}`, {
      constraint: 'format',
      requested: format,
      possible: ['AR24', 'XR24'],
    });
  }
  if (!modifiers.includes(LINEAR)) {
    throw new BrokerError('unsupported_modifier', 'memfd is linear', {
      constraint: 'modifiers',
      requested: modifiers,
      possible: [LINEAR],
    });
  }
  tooLarge('width', width, FAKE_LIMITS.dimension);
  tooLarge('height', height, FAKE_LIMITS.dimension);
  const stride = width * 4;
  const planes = [{ index: 0, memory: 0, offset: 0, stride }];
  return { kind, size: stride * height, format, modifier: LINEAR, width, height, planes };
}

function tooLarge(
  constraint: 'size' | 'width' | 'height',
  requested: number,
  possible: number,
): void {
  if (requested <= possible) return;
  throw new BrokerError('too_large', `${constraint} may be ${possible} at most`, {
    constraint,
    requested,
    possible,
  });
}
