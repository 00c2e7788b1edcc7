/**
 * The REST contract in TypeScript: the schemas of openapi.yaml by their names. No second definition of
 * them exists.
 */
import type { components } from './openapi.gen.js';

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
export type PoolDrained = Schemas['PoolDrained'];
export type PoolInfo = Schemas['Pool'];
export type Processes = Schemas['Processes'];
export type ProcessUse = Schemas['Process'];
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
export type WaitingAllocation = Schemas['WaitingAllocation'];
export type Whoami = Schemas['Whoami'];
