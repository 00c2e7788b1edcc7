/**
 * What the daemon's threads say to each other. There are three kinds of thread:
 *
 *  - main: starts the others, REST, logs, signals;
 *  - the data plane (plane/main.ts): client socket, registry, every fd of a buffer;
 *  - the allocator (allocator/main.ts): the Vulkan device and the other memory sources.
 *
 * The data plane blocks in the kernel, so whoever posts to it also writes its eventfd.
 */
import type { PolicyRules } from '../../broker/policy.js';
import type { PoolLimits } from '../../broker/pool/limits.js';
import type { Layer, Rules } from '../../broker/quota/rules.js';
import type { Choice } from '../../broker/request.js';
import type { ChargePolicy } from '../../broker/shares.js';
import type { BroughtMemory } from '../../broker/surroundings.js';
import type { Asker } from '../../broker/turns.js';
import type { DeviceDescription, DeviceState, ListedDevice } from '../../memory/device.js';
import type { ErrorMessage } from '../../memory/errors.js';
import type { LogLevel } from '../../memory/log-level.js';
import type {
  Allocation,
  FormatOffer,
  LostAllocation,
  Plan,
  SourceName,
  SourceState,
} from '../../memory/source.js';
import type { Work, WorkDone } from '../../memory/work.js';
import type { BufferInfo, ClientInfo, EventInfo } from '../../rest/contract.js';
import type { SubuidRange } from '../machine/users.js';
import type { EventBatch } from './event-rows.js';

/** What the allocator found, at start, or after a device was opened or lost. */
export interface Inventory {
  /** The main one. */
  readonly device: DeviceDescription | null;
  /** Bytes of the GPU that CUDA's memory is of where a request names no device; 0 without one. */
  readonly cudaBytes: number;
  /** Of the main device and of the sources without a device. */
  readonly sources: readonly SourceState[];
  readonly offers: readonly FormatOffer[];
  /** All, the main one first. */
  readonly devices: readonly DeviceState[];
  /** The same as they are described, in the same order. */
  readonly listed: readonly ListedDevice[];
  /** By UUID, what devices beside the main one offer as dma_bufs, whether they are open or not. */
  readonly foreseen: ReadonlyMap<string, readonly FormatOffer[]>;
}

/** Data plane → allocator, which serves those who ask in turn; frees do not wait for it. */
export type AllocatorRequest =
  | {
      readonly kind: 'allocate';
      readonly seq: number;
      readonly asker: Asker;
      readonly choice: Choice;
      readonly id: string;
    }
  /** A dry run. */
  | { readonly kind: 'plan'; readonly seq: number; readonly asker: Asker; readonly choice: Choice }
  /** The fds stay the data plane's. */
  | ({ readonly kind: 'import'; readonly seq: number; readonly asker: Asker } & BroughtMemory)
  /** A device's UUID. */
  | { readonly kind: 'open'; readonly seq: number; readonly asker: Asker; readonly device: string }
  /** The fds in it stay the data plane's, and open until the reply. */
  | { readonly kind: 'work'; readonly seq: number; readonly asker: Asker; readonly work: Work }
  | {
      readonly kind: 'free';
      readonly source: Allocation['source'];
      readonly handleType: Allocation['handleType'];
      readonly key: number;
      readonly device: Allocation['device'];
    };

/** Allocator → data plane; the fds of an allocation, or of what was read, change hands with it. */
export type AllocatorReply =
  | { readonly seq: number; readonly allocation: Allocation }
  | { readonly seq: number; readonly plan: Plan }
  | { readonly seq: number; readonly opened: DeviceState }
  | { readonly seq: number; readonly work: WorkDone }
  | { readonly seq: number; readonly error: ErrorMessage };

/**
 * Allocator → data plane: the device was lost, with the memory of these allocations; then that it is
 * there again or, with a `problem`, cannot be opened for now. Either way the inventory has changed.
 */
export type DeviceNotice =
  | {
      readonly notice: 'lost';
      readonly device: string;
      readonly reason: string;
      readonly allocations: readonly LostAllocation[];
    }
  | {
      readonly notice: 'renewed';
      readonly device: string;
      readonly problem: string | null;
      readonly inventory: Inventory;
    };

/** An event before it has its id. */
export type EventDraft = Omit<EventInfo, 'id'>;

/** What main's copy of the registry lacks: new or changed records as they are now, and ids. */
export interface Changes {
  readonly buffers: readonly BufferInfo[];
  readonly clients: readonly ClientInfo[];
  readonly goneBuffers: readonly string[];
  readonly goneClients: readonly string[];
}

/** Data plane → main. */
export type PlaneMessage =
  | { readonly kind: 'answer'; readonly seq: number; readonly value: unknown }
  | { readonly kind: 'changes'; readonly changes: Changes }
  /** Asks who has these memories (st_dev:st_ino) in a sweep that begins now; answered with `swept`. */
  | { readonly kind: 'sweep'; readonly identities: readonly string[] }
  /** Who keeps fds for the daemon beside the service manager; null: nobody now. */
  | { readonly kind: 'keeper'; readonly pid: number | null }
  | { readonly kind: 'refusal'; readonly seq: number; readonly error: ErrorMessage }
  /** What has happened, in rows that both have. */
  | ({ readonly kind: 'events' } & EventBatch)
  | {
      readonly kind: 'log';
      readonly level: LogLevel;
      readonly text: string;
      readonly fields: object;
      /** Whose doing it is, where somebody could do it as often as he likes: he has a bounded number of lines. */
      readonly by?: string | undefined;
    };

/** What the data plane has things outlive the daemon with. */
export interface KeptSetup {
  /** The file of records (server/kept); the data plane's from its start on. */
  readonly file: number;
  /** NOTIFY_SOCKET. */
  readonly socket: string;
  /** What the service manager had beside the file, by FDNAME; the data plane's, too. */
  readonly named: readonly { readonly name: string; readonly fd: number }[];
  /** How many fds of buffers the manager takes. */
  readonly max: number;
}

/** What the data plane's thread is started with. The listener becomes its own; the eventfd stays main's. */
export interface PlaneSetup {
  readonly listener: number;
  readonly wake: number;
  readonly inventory: Inventory;
  readonly unknownGraceSeconds: number;
  /** `accounting.trusted_bytes`; Infinity: none. */
  readonly trustedBytes: number;
  readonly leaseGraceSeconds: number;
  /** How many fds the process may have. */
  readonly maxFds: number;
  /** Where events are written (event-rows.ts). */
  readonly events: SharedArrayBuffer;
  /** dev_t of the DRM node to advertise, if there is one. */
  readonly mainDevice: Uint8Array | null;
  readonly quotas: QuotaSetup;
  readonly policy: PolicyRules;
  /** `sources.fallback` */
  readonly fallback: readonly SourceName[];
  /** `displays.ask` */
  readonly displays: readonly string[];
  readonly pool: PoolLimits;
  /** What outlives the daemon; null: nothing does. */
  readonly kept: KeptSetup | null;
  /** `restart.keeper` */
  readonly keeper: string;
  readonly restartGraceSeconds: number;
}

/** The data plane's quotas as they are at the start. */
export interface QuotaSetup {
  readonly rules: Readonly<Record<Layer, Rules>>;
  readonly subuids: readonly SubuidRange[];
  /** Given to holders above their share to give something back. */
  readonly recallSeconds: number;
  readonly charge: ChargePolicy;
}

/** What the allocator's thread is started with. The eventfd stays main's. */
export interface AllocatorSetup {
  /** The configured device, or null: by rule. */
  readonly device: string | null;
  /** To be written after each reply, since the data plane blocks in the kernel. */
  readonly wake: number;
}

/** Main → allocator: what is the main device like now, what are all of them, or just: does it answer? */
export interface DeviceQuestion {
  readonly seq: number;
  readonly about: 'main' | 'all' | 'nothing';
}

export type DeviceAnswer =
  | { readonly seq: number; readonly device: DeviceDescription | null }
  | { readonly seq: number; readonly devices: readonly ListedDevice[] }
  | { readonly seq: number };

/** Allocator → main, when it has probed its sources, and again when a device was opened or made anew. */
export type AllocatorReady = { readonly inventory: Inventory };
