/**
 * What the configuration file may say: TOML, held against a schema. Unknown keys and wrong types are
 * refused with the key and its line; nothing is guessed.
 */
import { Ajv, type ErrorObject } from 'ajv';
import { parse, TomlError } from 'smol-toml';
import type { ChargePolicy } from '../../broker/shares.js';
import { type PolicyTable, policySchema } from './policy.js';
import { type PoolTable, poolSchema } from './pool.js';
import {
  limitSchema,
  type PressureTable,
  pressureSchema,
  type Quantity,
  type QuotaTables,
  quotasSchema,
} from './quotas.js';
import { lineOf } from './toml-lines.js';
import { WHEN_FULL, type WhenFull } from './when-full.js';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface SocketTable {
  socket?: string;
  mode?: string;
  group?: string;
}

export interface TcpTable {
  listen: string;
  tokens_file: string;
}

/** What a configuration file may say. */
export interface Tables {
  clients?: SocketTable;
  rest?: SocketTable & { rate_limit?: number; tcp?: TcpTable };
  device?: { select?: string };
  log?: { level?: LogLevel; audit?: boolean; audit_when_full?: WhenFull };
  leaks?: { forgotten_after_seconds?: number; sample_seconds?: number };
  accounting?: { unknown_grace_seconds?: number; charge?: ChargePolicy; trusted_bytes?: Quantity };
  leases?: { grace_seconds?: number };
  quotas?: QuotaTables;
  pressure?: PressureTable;
  policy?: PolicyTable;
  pool?: PoolTable;
}

const socketTable = {
  type: 'object',
  additionalProperties: false,
  properties: {
    // sockaddr_un's sun_path has 108 bytes with its NUL (unix(7))
    socket: { type: 'string', pattern: '^/', maxLength: 107 },
    mode: { type: 'string', pattern: '^0[0-7]{3}$' },
    group: { type: 'string', minLength: 1 },
  },
} as const;

/** A day: what nobody has asked for by then is a matter for an administrator. */
const MAX_GRACE_SECONDS = 86_400;

/** A year. */
const MAX_FORGOTTEN_SECONDS = 31_536_000;

const schema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    clients: socketTable,
    rest: {
      ...socketTable,
      properties: {
        ...socketTable.properties,
        rate_limit: { type: 'integer', minimum: 0, maximum: 1_000_000 },
        tcp: {
          type: 'object',
          additionalProperties: false,
          required: ['listen', 'tokens_file'],
          properties: {
            listen: { type: 'string' },
            tokens_file: { type: 'string', pattern: '^/' },
          },
        },
      },
    },
    device: {
      type: 'object',
      additionalProperties: false,
      properties: { select: { type: 'string', minLength: 1 } },
    },
    leaks: {
      type: 'object',
      additionalProperties: false,
      properties: {
        forgotten_after_seconds: { type: 'integer', minimum: 1, maximum: MAX_FORGOTTEN_SECONDS },
        sample_seconds: { type: 'integer', minimum: 1, maximum: 3600 },
      },
    },
    accounting: {
      type: 'object',
      additionalProperties: false,
      properties: {
        unknown_grace_seconds: { type: 'number', minimum: 0, maximum: MAX_GRACE_SECONDS },
        charge: { enum: ['owner', 'importers'] satisfies ChargePolicy[] },
        trusted_bytes: limitSchema,
      },
    },
    leases: {
      type: 'object',
      additionalProperties: false,
      properties: { grace_seconds: { type: 'number', minimum: 0, maximum: MAX_GRACE_SECONDS } },
    },
    log: {
      type: 'object',
      additionalProperties: false,
      properties: {
        level: { enum: LOG_LEVELS },
        audit: { type: 'boolean' },
        audit_when_full: { enum: WHEN_FULL },
      },
    },
    quotas: quotasSchema,
    pressure: pressureSchema,
    policy: policySchema,
    pool: poolSchema,
  },
} as const;

/** A configuration that cannot be used, with a sentence for the administrator. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Parses a configuration file's text. Throws ConfigError with the line or the key. */
export function parseConfig(text: string, about: string): Tables {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw new ConfigError(
      `${about}:${error.line}:${error.column}: ${error.message.split('\n')[0]}`,
    );
  }
  const ajv = new Ajv({ allErrors: false, allowUnionTypes: true });
  const validate = ajv.compile<Tables>(schema);
  if (!validate(value)) {
    const [error] = validate.errors ?? [];
    const extra: unknown = error?.params.additionalProperty;
    const path = (error?.instancePath ?? '').split('/').slice(1);
    const line = lineOf(text, typeof extra === 'string' ? [...path, extra] : path);
    throw new ConfigError(`${about}:${line}: ${sentence(error)}`);
  }
  return value;
}

function sentence(error: ErrorObject | undefined): string {
  const key = (error?.instancePath ?? '').slice(1).replaceAll('/', '.');
  const extra: unknown = error?.params.additionalProperty;
  if (typeof extra === 'string') return `unknown key ${key === '' ? extra : `${key}.${extra}`}`;
  const allowed: unknown = error?.params.allowedValues;
  const list = Array.isArray(allowed) ? `: ${allowed.join(', ')}` : '';
  return `${key} ${error?.message ?? 'is wrong'}${list}`;
}
