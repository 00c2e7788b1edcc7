/**
 * The daemon's configuration: defaults, then the TOML file, then the command line's options.
 */

import { readFileSync } from 'node:fs';
import { DEFAULT_OPTIONS } from '../../broker/broker.js';
import type { PolicyRules } from '../../broker/policy.js';
import type { PoolLimits } from '../../broker/pool/pool.js';
import { RECALL_SECONDS } from '../../broker/quota/quotas.js';
import type { Rules } from '../../broker/quota/rules.js';
import type { ChargePolicy } from '../../broker/shares.js';
import type { Clock, Monotonic } from '../../memory/clock.js';
import { messageOf } from '../../memory/errors.js';
import { DEFAULT_LEASE_GRACE_SECONDS, DEFAULT_TRUSTED_BYTES } from '../../memory/limits.js';
import { CLIENT_SOCKET, daemonSocket, REST_SOCKET } from '../../protocol/paths.js';
import { DEFAULT_RATE_LIMIT } from '../http/limits.js';
import type { TcpAddress } from '../http/tcp.js';
import { readPasswd } from '../machine/users.js';
import { DEFAULT_LEAKS, type LeaksConfig } from '../observe/leaks/watch.js';
import { DEFAULT_PRESSURE, type PressureConfig } from '../observe/pressure.js';
import {
  ConfigError,
  type LogLevel,
  parseConfig,
  type SocketTable,
  type Tables,
  type TcpTable,
} from './file.js';
import { machineNames, type PolicyTable, policyConfig } from './policy.js';
import { poolConfig } from './pool.js';
import { type PressureTable, type QuotaTables, quantity, quotaRules } from './quotas.js';
import { type RestToken, readRestTokens } from './rest-tokens.js';
import type { WhenFull } from './when-full.js';

/** A Unix socket that the daemon listens on. */
export interface SocketConfig {
  readonly path: string;
  /** File mode; who may open the file may connect. */
  readonly mode: number;
  /** The file's group, by name; absent: the daemon's own. */
  readonly group?: string;
}

export interface AccountingConfig {
  /** How long memory is charged after its release where the kernel does not tell who holds it. */
  readonly unknownGraceSeconds: number;
  /** Who is charged for a buffer that other users have redeemed. */
  readonly charge: ChargePolicy;
  /** Of each user, dma_bufs that are taken to be gone by their count alone; null: all. */
  readonly trustedBytes: number | null;
}

export interface Config {
  readonly clients: SocketConfig;
  readonly rest: SocketConfig;
  /** Where REST is served over TCP, too; null: nowhere. */
  readonly restTcp: TcpAddress | null;
  /** For TCP. */
  readonly tokens: readonly RestToken[];
  /** Requests a second that each user may send to the REST API; 0: any number. */
  readonly rateLimit: number;
  /** UUID, DRM node (`/dev/dri/renderD128` or `226:128`) or part of the name; null: by rule. */
  readonly device: string | null;
  readonly logLevel: LogLevel;
  /** Whether each act is a line of the log, whatever its level. */
  readonly audit: boolean;
  /** What becomes of an act for which the log has no room. */
  readonly auditWhenFull: WhenFull;
  readonly accounting: AccountingConfig;
  /** From the end of a lease until the broker lets go of its buffer. */
  readonly leaseGraceSeconds: number;
  readonly leaks: LeaksConfig;
  readonly quotas: { readonly rules: Rules; readonly recallSeconds: number };
  readonly pressure: PressureConfig;
  readonly policy: PolicyRules;
  readonly pool: PoolLimits;
}

/** What the command line may override. */
export interface Overrides {
  readonly socket?: string;
  readonly restSocket?: string;
  readonly device?: string;
  readonly logLevel?: LogLevel;
  readonly poolBytes?: number;
}

function socketConfig(table: SocketTable | undefined, path: string): SocketConfig {
  return {
    path: table?.socket ?? path,
    // Whoever is in the group may connect; nobody else.
    mode: Number.parseInt(table?.mode ?? '0660', 8),
    ...(table?.group === undefined ? {} : { group: table.group }),
  };
}

function quotaConfig(tables: QuotaTables, about: string): Config['quotas'] {
  try {
    const rules = quotaRules(tables, (name) => readPasswd().uids.get(name) ?? null);
    return { rules, recallSeconds: tables.recall_seconds ?? RECALL_SECONDS };
  } catch (error) {
    throw new ConfigError(`${about}: ${messageOf(error)}`);
  }
}

function pressureConfig(table: PressureTable): PressureConfig {
  return {
    psiSomeAvg10: table.psi_some_avg10 ?? DEFAULT_PRESSURE.psiSomeAvg10,
    heapBudget: table.heap_budget ?? DEFAULT_PRESSURE.heapBudget,
    deadlineSeconds: table.deadline_seconds ?? DEFAULT_PRESSURE.deadlineSeconds,
  };
}

function policyOf(table: PolicyTable, about: string): PolicyRules {
  try {
    return policyConfig(table, machineNames(), process.getuid?.() ?? 0);
  } catch (error) {
    throw new ConfigError(`${about}: ${messageOf(error)}`);
  }
}

/** Over TCP everybody could ask; beyond this machine, everybody could listen. */
function tcpAddress(table: TcpTable | undefined, about: string): TcpAddress | null {
  if (table === undefined) return null;
  const [, host, digits] = /^(127\.0\.0\.1|\[::1\]):(\d{1,5})$/.exec(table.listen) ?? [];
  const port = Number(digits);
  if (host === undefined || port > 65_535) {
    const wanted = '127.0.0.1:PORT or [::1]:PORT, a loopback address';
    throw new ConfigError(`${about}: rest.tcp.listen must be ${wanted}, not ${table.listen}`);
  }
  return { host: host === '127.0.0.1' ? host : '::1', port };
}

function tokensOf(table: TcpTable | undefined): readonly RestToken[] {
  if (table === undefined) return [];
  try {
    return readRestTokens(table.tokens_file, process.getuid?.() ?? 0);
  } catch (error) {
    throw new ConfigError(messageOf(error));
  }
}

/** A configuration file as it was read; without one (`path` null), what an empty one says. */
export interface ConfigFile {
  readonly path: string | null;
  readonly text: string;
  readonly tables: Tables;
}

/** A configuration and what it was made from. */
export interface Loaded {
  readonly config: Config;
  readonly file: ConfigFile;
  readonly overrides: Overrides;
  readonly readAt: Monotonic;
}

/** Throws ConfigError, or the error of a file that cannot be read. */
export function loadConfig(path: string | null, overrides: Overrides, clock: Clock): Loaded {
  const text = path === null ? '' : readFileSync(path, 'utf8');
  const tables = parseConfig(text, path ?? '');
  const file = { path, text, tables };
  return { config: configOf(file, overrides), file, overrides, readAt: clock.now() };
}

function configOf({ path, tables: file }: ConfigFile, overrides: Overrides): Config {
  const clients = { ...file.clients };
  const rest = { ...file.rest };
  if (overrides.socket !== undefined) clients.socket = overrides.socket;
  if (overrides.restSocket !== undefined) rest.socket = overrides.restSocket;
  return {
    clients: socketConfig(clients, daemonSocket(CLIENT_SOCKET)),
    rest: socketConfig(rest, daemonSocket(REST_SOCKET)),
    restTcp: tcpAddress(rest.tcp, path ?? ''),
    tokens: tokensOf(rest.tcp),
    rateLimit: rest.rate_limit ?? DEFAULT_RATE_LIMIT,
    device: overrides.device ?? file.device?.select ?? null,
    logLevel: overrides.logLevel ?? file.log?.level ?? 'info',
    audit: file.log?.audit ?? true,
    auditWhenFull: file.log?.audit_when_full ?? 'drop',
    leaks: {
      forgottenAfterSeconds:
        file.leaks?.forgotten_after_seconds ?? DEFAULT_LEAKS.forgottenAfterSeconds,
      sampleSeconds: file.leaks?.sample_seconds ?? DEFAULT_LEAKS.sampleSeconds,
    },
    accounting: {
      unknownGraceSeconds:
        file.accounting?.unknown_grace_seconds ?? DEFAULT_OPTIONS.unknownGraceMs / 1000,
      charge: file.accounting?.charge ?? 'owner',
      trustedBytes: quantity(file.accounting?.trusted_bytes ?? DEFAULT_TRUSTED_BYTES),
    },
    leaseGraceSeconds: file.leases?.grace_seconds ?? DEFAULT_LEASE_GRACE_SECONDS,
    quotas: quotaConfig(file.quotas ?? {}, path ?? ''),
    pressure: pressureConfig(file.pressure ?? {}),
    policy: policyOf(file.policy ?? {}, path ?? ''),
    pool: poolConfig({
      ...file.pool,
      ...(overrides.poolBytes !== undefined && { bytes: overrides.poolBytes }),
    }),
  };
}
