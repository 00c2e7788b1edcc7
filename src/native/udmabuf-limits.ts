/**
 * How much the kernel lets one udmabuf have (drivers/dma-buf/udmabuf.c's module parameters), for the source that makes
 * them itself and for a driver that does.
 */
import { readFileSync } from 'node:fs';
import { sampled } from './sampled.js';

const UDMABUF_PARAMETERS = '/sys/module/udmabuf/parameters';

/** How old an administrator's setting may be. */
const LIMIT_MS = 1000;

/** Bytes that one memory may have, and whose limit that is. */
export interface MemoryLimit {
  readonly bytes: number;
  readonly reason: string;
}

export interface UdmabufLimits {
  /** Bytes in one dma_buf: `size_limit_mb`, 64 MiB by default. */
  readonly size: number;
  /** memfds in one dma_buf: `list_limit`; one is used here. */
  readonly list: number;
}

/** The module's parameters as they are now; null where the kernel does not show them. */
export function udmabufLimits(folder = UDMABUF_PARAMETERS): UdmabufLimits | null {
  const read = (name: string) => Number(readFileSync(`${folder}/${name}`, 'utf8').trim());
  try {
    return { size: read('size_limit_mb') * 2 ** 20, list: read('list_limit') };
  } catch {
    return null;
  }
}

/** Of one dma_buf, as it was a moment ago. */
export const udmabufLimit = sampled((): MemoryLimit | null => {
  const found = udmabufLimits();
  if (found === null) return null;
  const parameter = `${UDMABUF_PARAMETERS}/size_limit_mb`;
  const reason = `an administrator can raise ${parameter} (now ${found.size / 2 ** 20})`;
  return { bytes: found.size, reason };
}, LIMIT_MS);
