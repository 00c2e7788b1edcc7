/**
 * A refusal in the library's own words: what the daemon tells in those of openapi.yaml (docs/errors.md lists
 * them) has camelCase fields and bigint modifiers here, so that its `nearest` can be asked for as it is.
 * Loads no native code: the command line knows refusals, too.
 */
import type { ErrorCode } from '../memory/errors.js';
import type { ImageRequest, LinearRequest } from './requests.js';

export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [name: string]: Json };

/** What would have been possible: a value, some to choose from, or bounds (`min`, `max`, …). */
export type Possible =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly Possible[]
  | { readonly [name: string]: Possible };

/** The quota that refused; docs/quotas.md has the scopes and dimensions. */
export interface QuotaRefusal {
  readonly scope: string;
  /** The user's number, the control group's path, the source, the connection, or `default`. */
  readonly key: string;
  readonly dimension: string;
  readonly limit: number;
  readonly inUse: number;
  /** How much of that was released, and stays charged because somebody has it, or may have it. */
  readonly lingering: number;
}

export interface Refusal {
  /** The request's field or the limit that failed, in the words of docs/errors.md: `handle_types`. */
  readonly constraint?: string;
  /** What was asked for. */
  readonly requested?: Possible;
  readonly possible?: Possible;
  /**
   * The nearest request that would succeed; it was planned before it was told, and `allocate` takes it. Null
   * where there is none, absent where nothing was to be allocated.
   */
  readonly nearest?: LinearRequest | ImageRequest | null;
  readonly quota?: QuotaRefusal;
  /** Of a lasting name (`name_taken`): which buffer has it, null while it is being made, and who made that. */
  readonly takenBy?: {
    readonly buffer: string | null;
    readonly client: string | null;
    readonly pid: number | null;
    readonly executable: string | null;
    readonly unit: string | null;
  };
  /** How long it has waited for memory (`waitMs`). */
  readonly waitedMs?: number;
  /** Whether the daemon left something out, because its message has room for 4,096 bytes. */
  readonly truncated?: boolean;
}

/** The daemon refused; the connection and all of its buffers are what they were. */
export class BrokerError extends Error {
  override readonly name = 'BrokerError';

  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly refusal: Refusal = {},
    /** What `refusal` was made of: JSON in the words of docs/errors.md. */
    readonly detail: { readonly [name: string]: Json } = {},
  ) {
    super(message);
  }

  /** `refusal.nearest`. */
  get nearest(): LinearRequest | ImageRequest | null {
    return this.refusal.nearest ?? null;
  }
}

/** The JSON of a refusal. */
export function inOwnWords({ nearest, ...detail }: { readonly [name: string]: Json }): Refusal {
  const modifiers = detail.constraint === 'modifiers' || detail.constraint === 'modifier';
  const own: Record<string, Possible> = {};
  for (const [name, value] of Object.entries(detail))
    own[camelCase(name)] = words(value, modifiers);
  if (nearest === undefined) return own as Refusal;
  return { ...own, nearest: requestOf(nearest) } as Refusal;
}

/** A request in the words of CreateBuffer; the wire, and so the library, names one source at most. */
function requestOf(nearest: Json): Refusal['nearest'] {
  if (nearest === null) return null;
  const { sources, ...request } = words(nearest, false) as { readonly [name: string]: Possible };
  const [source] = Array.isArray(sources) ? sources : [];
  return { ...request, ...(source !== undefined && { source }) } as unknown as LinearRequest;
}

const camelCase = (name: string): string =>
  name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** `areModifiers`: texts here are of modifiers. */
function words(value: Json, areModifiers: boolean): Possible {
  if (typeof value === 'string') return areModifiers ? modifierOf(value) : value;
  if (Array.isArray(value)) return value.map((each: Json) => words(each, areModifiers));
  if (typeof value !== 'object' || value === null) return value as Possible;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      camelCase(name),
      words(each, areModifiers || name === 'modifiers' || name === 'modifier'),
    ]),
  );
}

/** memory/fourcc.ts writes them. */
const modifierOf = (text: string): Possible => (/^0x[0-9a-f]+$/.test(text) ? BigInt(text) : text);
