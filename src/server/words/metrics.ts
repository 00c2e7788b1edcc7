/**
 * What the data plane counts, as plain values: it is asked for them, since a message for each would
 * cost more than what is counted.
 */
import type { Limits } from '../../broker/quota/rules.js';
import type { Amount, Scope } from '../../memory/charged.js';

/** A histogram's counts; `counts` has one more than `bounds`, for what is above them all. */
export interface HistogramCounts {
  readonly counts: readonly number[];
  readonly sum: number;
}

/** Buffers and their bytes under one label. */
export interface Holding {
  readonly state: string;
  readonly label: string;
  readonly buffers: number;
  readonly bytes: number;
}

/** What is charged under a quota, and what it allows. */
export interface QuotaUse {
  readonly scope: Scope;
  readonly key: string;
  /** Null: the quota is for several, of which each is charged apart. */
  readonly used: Amount | null;
  readonly limits: Limits;
}

/** Of something of which there is so much for all clients together. */
export interface Use {
  readonly used: number;
  readonly limit: number;
}

/** A memory heap of an open device; bytes. Null: its driver does not say (VK_EXT_memory_budget). */
export interface HeapUse {
  /** deviceUUID. */
  readonly device: string;
  readonly heap: number;
  readonly size: number;
  readonly budget: number | null;
  readonly usage: number | null;
}

/** What CUDA has of a GPU; bytes. */
export interface CudaMemoryUse {
  /** deviceUUID. */
  readonly device: string;
  readonly total: number;
  /** Null: the daemon has allocated nothing of it, and does not know. */
  readonly free: number | null;
  readonly allocated: number;
}

/** Of the devices. */
export interface DeviceUse {
  readonly heaps: readonly HeapUse[];
  readonly cuda: readonly CudaMemoryUse[];
}

/** What is to outlive the daemon. */
export interface KeptUse {
  /** fds that the service manager has. */
  readonly fds: number;
  /** fds that the keeper has beside it (server/keeper). */
  readonly keeperFds: number;
  /** Buffers whose fds wait for it. */
  readonly waiting: number;
  /** Buffers that neither has. */
  readonly unkept: number;
}

export interface PlaneMetrics {
  readonly allocations: readonly {
    readonly source: string;
    /** `ok` or the refusal's code. */
    readonly result: string;
    readonly count: number;
  }[];
  readonly refusals: Readonly<Record<string, number>>;
  /** From what was received in a turn to the answers that were queued. */
  readonly turns: HistogramCounts;
  /** From an allocation's request to its answer, by source. */
  readonly allocationTimes: Readonly<Record<string, HistogramCounts>>;
  readonly clients: number;
  /** Allocations that the allocator has not answered. */
  readonly pendingAllocations: number;
  /** Bytes that clients have not read. */
  readonly queuedBytes: number;
  /** Bytes of released memory that is taken to be gone without proof. */
  readonly unprovenBytes: number;
  /** Null: nothing outlives the daemon. */
  readonly kept: KeptUse | null;
  readonly pool: {
    readonly hits: number;
    readonly misses: number;
    readonly bytes: number;
    readonly spares: number;
  };
  /** fds of connections, and those that clients have sent and no buffer has yet. */
  readonly clientFds: Use;
  readonly protocolObjects: Use;
  readonly quotas: readonly QuotaUse[];
}

/** With what is held, by user and by systemd unit. */
export interface Measured extends PlaneMetrics {
  readonly users: readonly Holding[];
  readonly units: readonly Holding[];
}

/** Seconds: a turn is tens of microseconds, an allocation up to seconds. */
export const TIME_BOUNDS = [
  0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025,
  0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const;

/**
 * Users or units with a label of their own, those with most bytes; all others are `other`. And quotas of
 * users, or of sources, that are shown: those nearest to a limit.
 */
export const MAX_LABELS = 20;
