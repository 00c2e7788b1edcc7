/**
 * What the control plane (REST, on the main thread) may ask of the data plane (the worker thread
 * that owns the buffers). The shapes are openapi.yaml's: no second definition of them exists.
 */
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
} from '../../rest/contract.js';
import type { ListQuery, Page } from '../lists/collection.js';
import type { Measured } from './metrics.js';
import type { PreviewTerms } from './preview.js';
import type { Change, QuotaChange, Requester } from './requester.js';

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
  /** Each change rejects with `not_found` or `precondition_failed`. */
  renameBuffer(change: Change, name: string | null, by: Requester): Promise<BufferInfo>;
  releaseBuffer(change: Change, by: Requester): Promise<void>;
  /** Allocates a lost buffer's memory anew. Rejects as `createBuffer` does, too. */
  reissueBuffer(change: Change, by: Requester): Promise<BufferInfo>;
  /** Rejects with `invalid_argument`, too, where there is no lease. */
  extendLease(change: Change, seconds: number, by: Requester): Promise<BufferInfo>;
  /** Asks a buffer's owner to release it. */
  recallBuffer(change: Change, seconds: number, by: Requester): Promise<BufferInfo>;
  /** Rejects with `not_found`. */
  listTokens(id: string): Promise<TokenInfo[]>;
  /** Makes a token. Rejects with `limit_exceeded`, too. */
  shareBuffer(change: Change, terms: TokenRequest, by: Requester): Promise<Token>;
  revokeToken(change: Change, tokenId: string, by: Requester): Promise<void>;
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
  /**
   * Sets a rule, or forgets it with null; it is kept over a restart. Rejects as `getQuota` does, or with
   * `precondition_failed`.
   */
  setQuota(change: QuotaChange, rule: QuotaRule | null, by: Requester): Promise<QuotaInfo>;
  /** The spares that there are, and what they are for. */
  pool(): Promise<PoolInfo>;
  /** Frees all spares. */
  drainPool(by: Requester): Promise<PoolDrained>;
  /** What the data plane has counted, and who holds how much. */
  metrics(): Promise<Measured>;
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
  | 'disconnectClient'
  | 'leaks'
  | 'listUsers'
  | 'listCgroups'
  | 'listQuotas'
  | 'getQuota'
>;
