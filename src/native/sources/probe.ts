/**
 * Finds the kernel's own exporters of dma_bufs and proves each by one small allocation. Never throws
 * for what a machine lacks: that is the reason in the states.
 */

import { readdirSync } from 'node:fs';
import { messageOf } from '../../memory/errors.js';
import { DEFAULT_REGION, FORMER_NAMES } from '../../memory/heaps.js';
import type { SourceName, SourceState } from '../../memory/source.js';
import { isCounted, REGIONS, regionOf } from '../cma-regions.js';
import { isDmaBuf } from '../kind.js';
import { SystemError } from '../libc/errno.js';
import { close } from '../libc/fd.js';
import { PAGE_SIZE } from '../libc/memory.js';
import { udmabufLimits } from '../udmabuf-limits.js';
import { HEAPS, heapExporter } from './dma-heap.js';
import { createNow, type Exporter, LinearSource } from './linear.js';
import { udmabufExporter } from './udmabuf.js';

export interface Probe {
  readonly states: readonly SourceState[];
  /** The usable ones; their close is the caller's. */
  readonly sources: readonly LinearSource[];
}

/**
 * Every heap there is, `system` first: what others are for, a request must say. Those that have the same region are one.
 */
export function probeHeaps(folder = HEAPS, regions = REGIONS): Probe {
  const unusable = (reason: string): Probe => ({
    states: [{ name: 'dma-heap', handleType: 'dma_buf', usable: false, reason }],
    sources: [],
  });
  let heaps: string[];
  try {
    heaps = readdirSync(folder);
  } catch (error) {
    return unusable(messageOf(error));
  }
  if (heaps.length === 0) return unusable(`${folder} is empty`);
  const last = (heap: string) => (heap === 'system' ? 0 : 1);
  heaps.sort((a, b) => last(a) - last(b) || (a < b ? -1 : 1));
  const region = heaps.includes(DEFAULT_REGION) ? regionOfDefault(folder, regions) : null;
  const alias = aliasOfDefault(heaps, region);
  const probes = heaps
    .filter((heap) => heap !== alias)
    .map((heap) => {
      const isDefault = heap === DEFAULT_REGION;
      const own = isDefault ? region : isCounted(heap, regions) ? heap : null;
      const aliases = isDefault && alias !== null ? [nameOf(alias)] : null;
      const path = `${folder}/${heap}`;
      return probe(
        nameOf(heap),
        () => heapExporter(heap, { folder, region: own ?? undefined }),
        aliases === null ? path : `${path}, and ${folder}/${alias} is the same memory`,
        { ...(aliases !== null && { aliases }), ...(own !== null && { region: own }) },
      );
    });
  return {
    states: probes.flatMap(({ states }) => states),
    sources: probes.flatMap(({ sources }) => sources),
  };
}

const nameOf = (heap: string) => `dma-heap:${heap}` as const;

/** What the default region calls itself: by the kernel's counts of an allocation, which no name and no file says. */
function regionOfDefault(folder: string, regions: string): string | null {
  let exporter: Exporter;
  try {
    exporter = heapExporter(DEFAULT_REGION, { folder });
  } catch {
    return null;
  }
  try {
    return regionOf(() => {
      try {
        close(createNow(exporter.create(PAGE_SIZE, TRIAL)));
      } catch (error) {
        // One for which there is no room is counted, too.
        if (!isOutOfMemory(error)) throw error;
      }
    }, regions);
  } catch {
    // The heap cannot be used, which is told of it.
    return null;
  } finally {
    exporter.close();
  }
}

const isOutOfMemory = (error: unknown) => error instanceof SystemError && error.code === 'ENOMEM';

/**
 * The other node of the default region: since Linux 6.17 it has its newer name beside its own (cma_heap.c's add_cma_heaps). Where
 * nothing is counted it is the one that has a name by which that region was known before, if there is one such.
 */
function aliasOfDefault(heaps: readonly string[], region: string | null): string | null {
  if (!heaps.includes(DEFAULT_REGION)) return null;
  const others = heaps.filter((heap) => heap !== DEFAULT_REGION);
  if (region !== null) return others.includes(region) ? region : null;
  const known = others.filter((heap) => FORMER_NAMES.includes(heap));
  return known.length === 1 ? (known[0] ?? null) : null;
}

export function probeUdmabuf(path = '/dev/udmabuf'): Probe {
  const limits = udmabufLimits();
  const at =
    limits === null
      ? ''
      : `: at most ${limits.size / 2 ** 20} MiB at once (size_limit_mb), list_limit ${limits.list}`;
  return probe('udmabuf', () => udmabufExporter(path), `${path}${at}`);
}

/** What it is called where the kernel shows a name. */
const TRIAL = 'dmabroker:trial';

function probe(
  name: SourceName,
  open: () => Exporter,
  description: string,
  known: Pick<SourceState, 'aliases' | 'region'> = {},
): Probe {
  const state = { name, handleType: 'dma_buf', ...known } as const;
  const unusable = (reason: string): Probe => ({
    states: [{ ...state, usable: false, reason }],
    sources: [],
  });
  let exporter: Exporter;
  try {
    exporter = open();
  } catch (error) {
    return unusable(messageOf(error));
  }
  try {
    const fd = createNow(exporter.create(PAGE_SIZE, TRIAL));
    const proven = isDmaBuf(fd);
    close(fd);
    if (!proven) throw new Error('what it gave is no dma_buf');
  } catch (error) {
    // A region that others have all of now is there: they give it back.
    if (known.region === undefined || !isOutOfMemory(error)) {
      exporter.close();
      return unusable(`a trial allocation failed: ${messageOf(error)}`);
    }
  }
  const limit = exporter.limit();
  const also = exporter.createWithMemfd === undefined ? {} : { also: ['memfd' as const] };
  const limited = limit === null ? {} : { maxBytes: limit.bytes };
  return {
    states: [{ ...state, usable: true, reason: description, ...limited, ...also }],
    sources: [new LinearSource(exporter)],
  };
}
