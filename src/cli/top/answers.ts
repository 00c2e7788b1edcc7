/** What the daemon has answered to `top`, as far as it has: what is on the screen is made of this alone. */
import type {
  BufferInfo,
  CgroupInfo,
  Holders,
  ListedDeviceInfo,
  ProcessUse,
  QuotaInfo,
  UserInfo,
} from '../../rest/contract.js';
import type { Names } from '../names.js';

export interface Listed<T> {
  readonly items: readonly T[];
  /** What is to be known of them. */
  readonly note: string | null;
}

export interface Details {
  readonly id: string;
  /** null: it is not told yet. */
  readonly buffer: BufferInfo | null;
  readonly holders: Holders | null;
  /** Why one of them is not told. */
  readonly refused: string | null;
}

export interface Answers {
  readonly time: string;
  /** null for an owner, who is not told of everybody's. */
  readonly daemon: QuotaInfo | null;
  readonly users: Listed<UserInfo>;
  /** Empty where the asker is not told of them. */
  readonly devices: readonly ListedDeviceInfo[];
  readonly buffers: Listed<BufferInfo>;
  /** null: it was not looked at yet. */
  readonly processes: Listed<ProcessUse> | null;
  readonly cgroups: Listed<CgroupInfo> | null;
  readonly details: Details | null;
  /** Why the last look found nothing. */
  readonly gone: string | null;
  readonly names: Names;
}
