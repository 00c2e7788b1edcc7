/**
 * What REST's operations are made of: the daemon's other threads as main knows them, and what main keeps.
 * Nothing of HTTP is in it, so that a test can give them a world of its own.
 */
import type { Policy } from '../../broker/policy.js';
import type { Clock } from '../../memory/clock.js';
import type { RegionMemory, SourceName } from '../../memory/source.js';
import type { ConfigInForce } from '../config/in-force.js';
import type { AuditSink } from '../events/audit-sink.js';
import type { LogLevels } from '../log/levels.js';
import type { Losses } from '../log/queue.js';
import type { Resolver } from '../machine/resolver.js';
import type { Sweeper } from '../observe/holders/sweeper.js';
import type { LeakWatch } from '../observe/leaks/watch.js';
import type { StateFolder } from '../state/folder.js';
import type { QuotaState } from '../state/quotas.js';
import type { Allocator, DataPlane } from '../threads/data-plane.js';
import type { Previews } from '../threads/previews.js';

export interface RestWorld {
  /** `sources.fallback` */
  readonly fallback: readonly SourceName[];
  readonly plane: Pick<DataPlane, 'ask' | 'mirror'>;
  readonly allocator: Pick<Allocator, 'device' | 'devices' | 'inventory' | 'ping'>;
  readonly previews: Pick<Previews, 'render' | 'ping'>;
  readonly quotas: Pick<QuotaState, 'set' | 'rules' | 'warning'>;
  readonly state: Pick<StateFolder, 'problem'>;
  readonly sweeper: Pick<Sweeper, 'sweep'>;
  readonly leaks: Pick<LeakWatch, 'config' | 'growth' | 'last'>;
  readonly logLevels: Pick<LogLevels, 'level'>;
  /** What there is of a region of contiguous memory. */
  readonly regionMemory: (region: string) => RegionMemory | null;
  readonly settings: Pick<ConfigInForce, 'report'>;
  readonly resolver: Pick<Resolver, 'ask'>;
  readonly audit: Pick<AuditSink, 'acted' | 'held'>;
  readonly policy: () => Pick<Policy, 'explain' | 'mayConnect'>;
  readonly version: string;
  /** How often the daemon was started, where that is counted. */
  readonly starts: number | null;
  /** Lines of the log that were lost, by user. */
  readonly lost: () => Losses;
  readonly clock: Clock;
}
