/**
 * What a user of memory demands of its layout: multiples that strides, offsets, sizes and the
 * number of rows must be of. Powers of two only, which is what hardware asks for; the larger of two
 * demands then meets both.
 */
import { BrokerError } from './errors.js';

/** In bytes, `height` in rows. What is not given is 1. */
export interface Alignment {
  /** Bytes from row to row, of each plane. */
  readonly stride?: number;
  /** Where each plane begins. */
  readonly offset?: number;
  /** Each memory (dma_buf) as a whole. */
  readonly size?: number;
  /**
   * Rows of the first plane, the others' in proportion: codecs work in blocks and write whole ones
   * (1080 rows become 1088 for H.264's 16).
   */
  readonly height?: number;
}

/**
 * Every linear layout has at least these. Strides: lavapipe and most GPUs take no others for linear
 * images (AMD wants 256, which is for the client to say). Offsets: as strides, so that the planes of
 * an NV12 image follow each other without a gap, as single-planar V4L2 formats demand. Size: memory
 * comes in pages.
 */
export const DEFAULT_ALIGNMENT = { stride: 64, offset: 64, size: 4096, height: 1 } as const;

/** 64 KiB, the largest page of any machine with a GPU; for `size` 1 GiB, its largest huge page. */
export const MAX_ALIGNMENT = {
  stride: 65_536,
  offset: 65_536,
  size: 2 ** 30,
  height: 65_536,
} as const;

const keys = ['stride', 'offset', 'size', 'height'] as const;

function isPowerOfTwo(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1 && Number.isInteger(Math.log2(value));
}

/** Throws `invalid_argument` for what is no power of two, `too_large` beyond the limit. */
export function checkAlignment(alignment: Alignment, allowed: readonly string[] = keys): void {
  for (const key of keys) {
    const requested = alignment[key];
    if (requested === undefined || requested === 1) continue;
    const constraint = `alignment.${key}` as const;
    if (!allowed.includes(key)) {
      throw new BrokerError('invalid_argument', `linear memory has no ${key} to be aligned`, {
        constraint,
        requested,
        possible: allowed.map((name) => `alignment.${name}`),
      });
    }
    const possible = { power_of_two: true, min: 1, max: MAX_ALIGNMENT[key] };
    if (!isPowerOfTwo(requested)) {
      throw new BrokerError('invalid_argument', `${constraint} must be a power of two`, {
        constraint,
        requested,
        possible,
      });
    }
    if (requested > MAX_ALIGNMENT[key]) {
      throw new BrokerError('too_large', `${constraint} must be at most ${MAX_ALIGNMENT[key]}`, {
        constraint,
        requested,
        possible,
      });
    }
  }
}

/** The stricter of both in each respect. */
export function strictest(a: Alignment, b: Alignment): Required<Alignment> {
  const of = (key: keyof Alignment) => Math.max(a[key] ?? 1, b[key] ?? 1);
  return { stride: of('stride'), offset: of('offset'), size: of('size'), height: of('height') };
}

/** `value` rounded up to a multiple. Not with bit operations: they end at 2^31. */
export function alignUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
