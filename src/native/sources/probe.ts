/**
 * Finds the kernel's own exporters of dma_bufs and proves each by one small allocation. Never throws
 * for what a machine lacks: that is the reason in the states.
 */

import { readdirSync } from 'node:fs';
import { messageOf } from '../../memory/errors.js';
import type { SourceName, SourceState } from '../../memory/source.js';
import { isDmaBuf } from '../kind.js';
import { close } from '../libc/fd.js';
import { PAGE_SIZE } from '../libc/memory.js';
import { udmabufLimits } from '../udmabuf-limits.js';
import { heapExporter } from './dma-heap.js';
import { createNow, type Exporter, LinearSource } from './linear.js';
import { udmabufExporter } from './udmabuf.js';

export interface Probe {
  readonly states: readonly SourceState[];
  /** The usable ones; their close is the caller's. */
  readonly sources: readonly LinearSource[];
}

const HEAPS = '/dev/dma_heap';

/** Every heap there is, `system` first: what others are for, a request must say. */
export function probeHeaps(folder = HEAPS): Probe {
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
  const probes = heaps.map((heap) =>
    probe(`dma-heap:${heap}`, () => heapExporter(heap, folder), `${folder}/${heap}`),
  );
  return {
    states: probes.flatMap(({ states }) => states),
    sources: probes.flatMap(({ sources }) => sources),
  };
}

export function probeUdmabuf(path = '/dev/udmabuf'): Probe {
  const limits = udmabufLimits();
  const at =
    limits === null
      ? ''
      : `: at most ${limits.size / 2 ** 20} MiB at once (size_limit_mb), list_limit ${limits.list}`;
  return probe('udmabuf', () => udmabufExporter(path), `${path}${at}`);
}

function probe(name: SourceName, open: () => Exporter, description: string): Probe {
  const state = { name, handleType: 'dma_buf' } as const;
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
    const fd = createNow(exporter.create(PAGE_SIZE, 'dmabroker:trial'));
    const proven = isDmaBuf(fd);
    close(fd);
    if (!proven) throw new Error('what it gave is no dma_buf');
  } catch (error) {
    exporter.close();
    return unusable(`a trial allocation failed: ${messageOf(error)}`);
  }
  const limit = exporter.limit();
  const also = exporter.createWithMemfd === undefined ? {} : { also: ['memfd' as const] };
  const limited = limit === null ? {} : { maxBytes: limit.bytes };
  return {
    states: [{ ...state, usable: true, reason: description, ...limited, ...also }],
    sources: [new LinearSource(exporter)],
  };
}
