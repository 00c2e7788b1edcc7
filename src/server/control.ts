/**
 * What the control plane (REST, on the main thread) may ask of the data plane (the worker thread
 * that owns the buffers). The shapes are openapi.yaml's: no second definition of them exists.
 */
import type { Owner, PartialPeer } from '../broker/buffer.js';
import type { ListQuery, Page } from './collection.js';
import type { components } from './http/openapi.gen.js';
import type { PlaneMetrics } from './metrics.js';
import type { PreviewTerms } from './preview/messages.js';

type Schemas = components['schemas'];

/** Answers are only read; the generator has no option for nested readonly. */
type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

export type BufferChange = Schemas['BufferChange'];
export type BufferInfo = Schemas['Buffer'];
export type ClientDetail = Schemas['ClientDetail'];
export type ClientInfo = Schemas['Client'];
export type LogLevelInfo = Schemas['LogLevel'];
export type ConfigReport = DeepReadonly<Schemas['Config']>;
export type ConfigSetting = DeepReadonly<Schemas['ConfigSetting']>;
/** A validated request: everything that has a default in openapi.yaml is filled in. */
export type CreateBuffer = Schemas['CreateBuffer'];
export type CreatedBuffer = Schemas['CreatedBuffer'];
export type EventInfo = Schemas['Event'];
export type DeviceInfo = DeepReadonly<Schemas['Device']>;
export type DeviceReport = DeepReadonly<Schemas['DeviceReport']>;
export type FormatInfo = Schemas['Format'];
export type ListedDeviceInfo = DeepReadonly<Schemas['ListedDevice']>;
export type Holder = Schemas['Holder'];
export type Holders = Schemas['Holders'];
export type LeakReport = Schemas['LeakReport'];
export type History = Schemas['History'];
export type Health = Schemas['Health'];
export type Plane = Schemas['Plane'];
export type PlannedBuffer = Schemas['PlannedBuffer'];
export type Problem = Schemas['Problem'];
export type Recipient = Schemas['Recipient'];
export type SourceInfo = Schemas['Source'];
export type Token = Schemas['Token'];
export type TokenInfo = Schemas['TokenInfo'];
/** A validated request: everything that has a default in openapi.yaml is filled in. */
export type TokenRequest = Schemas['TokenRequest'];
export type CgroupInfo = Schemas['Cgroup'];
export type QuotaInfo = Schemas['Quota'];
export type QuotaRule = DeepReadonly<Schemas['QuotaRule']>;
export type UserInfo = Schemas['User'];

/** The process behind a REST request, as far as its socket tells, or the name of its token. */
export type Requester = PartialPeer & { readonly token?: string };

export function ownerOf({ token, ...peer }: Requester): Owner {
  return { client: null, peer, ...(token === undefined ? {} : { token }) };
}

/**
 * The data plane, as REST sees it. `by` is who asks: every act and every refusal of one is told with
 * it. A method rejects with a BrokerError where it refuses; every other
 * rejection is a defect and is answered as `internal`.
 */
export interface ControlPlane {
  /** The device and the sources; heap budgets are as of now. */
  device(): Promise<DeviceReport>;
  /** All devices, the main one first; heap budgets are as of now. */
  devices(): Promise<readonly ListedDeviceInfo[]>;
  /** What the main device and the sources without one allocate, or the device of a UUID alone. */
  formats(device?: string): Promise<FormatInfo[]>;
  /** Those that were released and linger, too. Rejects with `invalid_argument` for a bad cursor. */
  listBuffers(query: ListQuery<BufferInfo>): Promise<Page<BufferInfo>>;
  /** Rejects with `not_found`. */
  getBuffer(id: string): Promise<BufferInfo>;
  /** Allocates a buffer that lives until it is released, and makes its first token. */
  createBuffer(request: CreateBuffer, requester: Requester): Promise<CreatedBuffer>;
  /** A dry run of `createBuffer`. */
  planBuffer(request: CreateBuffer, requester: Requester): Promise<PlannedBuffer>;
  /** `ifMatch`: an If-Match header. Rejects with `not_found` or `precondition_failed`. */
  renameBuffer(
    id: string,
    name: string | null,
    ifMatch: string | undefined,
    by: Requester,
  ): Promise<BufferInfo>;
  /** As `renameBuffer`. */
  releaseBuffer(id: string, ifMatch: string | undefined, by: Requester): Promise<void>;
  /** Allocates a lost buffer's memory anew. Rejects with `not_found`, or as `createBuffer` does. */
  reissueBuffer(id: string, by: Requester): Promise<BufferInfo>;
  /** Rejects with `not_found`, or with `invalid_argument` where there is no lease. */
  extendLease(id: string, seconds: number, by: Requester): Promise<BufferInfo>;
  /** Asks a buffer's owner to release it. Rejects with `not_found`. */
  recallBuffer(id: string, seconds: number, by: Requester): Promise<BufferInfo>;
  /** Rejects with `not_found`. */
  listTokens(id: string): Promise<TokenInfo[]>;
  /** Makes a token. Rejects with `not_found` or `limit_exceeded`. */
  shareBuffer(id: string, terms: TokenRequest, by: Requester): Promise<Token>;
  /** Rejects with `not_found`. */
  revokeToken(id: string, tokenId: string, by: Requester): Promise<void>;
  /** A PNG of what is in an image now. Rejects with `not_found`, `unavailable`, `unsupported_…`. */
  preview(id: string, terms: PreviewTerms, by: Requester): Promise<Uint8Array>;
  /** Rejects with `not_found`. */
  history(id: string): Promise<History>;
  /** Rejects with `not_found`. */
  holders(id: string): Promise<Holders>;
  listClients(query: ListQuery<ClientInfo>): Promise<Page<ClientInfo>>;
  /** What looks like a leak. */
  leaks(): Promise<LeakReport>;
  /** Rejects with `not_found`. */
  getClient(id: string): Promise<ClientDetail>;
  /** Ends a connection; resolves when it is about to end. Rejects with `not_found`. */
  disconnectClient(id: string, by: Requester): Promise<void>;
  logLevel(): Promise<LogLevelInfo>;
  setLogLevel(info: LogLevelInfo, by: Requester): Promise<LogLevelInfo>;
  /** What the daemon runs with, and what a restart would change. */
  config(): Promise<ConfigReport>;
  listUsers(): Promise<UserInfo[]>;
  listCgroups(): Promise<CgroupInfo[]>;
  listQuotas(): Promise<QuotaInfo[]>;
  /** Rejects with `not_found` where a scope has no such key. */
  getQuota(scope: string, key: string): Promise<QuotaInfo>;
  /** Sets a rule, or forgets it with null; it is kept over a restart. Rejects as `getQuota` does. */
  setQuota(scope: string, key: string, rule: QuotaRule | null, by: Requester): Promise<QuotaInfo>;
  /** What the data plane has counted. */
  metrics(): Promise<PlaneMetrics>;
  health(): Promise<Health>;
  /** The same for one user: of what is not that user's own nothing is told, not even that it is there. */
  ownedBy(uid: number): OwnPlane;
}

/** What users may ask about what is their own. Of an event stream, its own filter says what is. */
export type OwnPlane = Pick<
  ControlPlane,
  | 'listBuffers'
  | 'getBuffer'
  | 'createBuffer'
  | 'planBuffer'
  | 'renameBuffer'
  | 'releaseBuffer'
  | 'reissueBuffer'
  | 'extendLease'
  | 'listTokens'
  | 'shareBuffer'
  | 'revokeToken'
  | 'history'
  | 'holders'
  | 'listClients'
  | 'getClient'
  | 'leaks'
  | 'listUsers'
  | 'listCgroups'
  | 'listQuotas'
  | 'getQuota'
>;
