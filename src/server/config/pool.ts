/**
 * The section `[pool]` of the configuration: how much spare memory there may be. docs/operations.md
 * describes it.
 */
import { totalmem } from 'node:os';
import type { PoolLimits } from '../../broker/pool/pool.js';
import { type Quantity, quantity, sizeSchema } from './quotas.js';

export interface PoolTable {
  bytes?: Quantity;
  spares_per_spec?: number;
  idle_seconds?: number;
}

/** With MAX_POOL_SPECS, at most 4,096 spares. */
const MAX_SPARES_PER_SPEC = 64;

export const poolSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    bytes: sizeSchema,
    spares_per_spec: { type: 'integer', minimum: 1, maximum: MAX_SPARES_PER_SPEC },
    idle_seconds: { type: 'integer', minimum: 1, maximum: 86_400 },
  },
} as const;

/** Of the machine's memory, which nobody misses; and no more than seven frames of 4K. */
const DEFAULT_PART = 1 / 64;
const DEFAULT_MAX_BYTES = 256 * 1024 * 1024;
/** A swapchain's images. */
const DEFAULT_SPARES_PER_SPEC = 3;
/** From one video of a list to the next one. */
const DEFAULT_IDLE_SECONDS = 30;

export function poolConfig(table: PoolTable, memory = totalmem()): PoolLimits {
  return {
    bytes:
      quantity(table.bytes ?? Math.min(Math.floor(memory * DEFAULT_PART), DEFAULT_MAX_BYTES)) ?? 0,
    sparesPerSpec: table.spares_per_spec ?? DEFAULT_SPARES_PER_SPEC,
    idleSeconds: table.idle_seconds ?? DEFAULT_IDLE_SECONDS,
  };
}
