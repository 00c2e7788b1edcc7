/**
 * The regions of contiguous memory (CMA) as the kernel counts them, where it was built to (CONFIG_CMA_SYSFS;
 * Documentation/ABI/testing/sysfs-kernel-mm-cma): a folder for each, which is called as its heap is, but for the default
 * one's newer name.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { RegionMemory } from '../memory/source.js';
import { PAGE_SIZE } from './libc/memory.js';

export const REGIONS = '/sys/kernel/mm/cma';

/** Above it the folder would be another. */
const isName = (name: string) => name !== '' && !name.includes('/') && !name.startsWith('.');

function counter(folder: string, region: string, name: string): number | null {
  try {
    return Number(readFileSync(`${folder}/${region}/${name}`, 'utf8').trim());
  } catch {
    return null;
  }
}

/** What there is of a region, as of now; null where the kernel does not say it, as older ones do not. */
export function regionMemory(region: string, folder = REGIONS): RegionMemory | null {
  if (!isName(region)) return null;
  const total = counter(folder, region, 'total_pages');
  const available = counter(folder, region, 'available_pages');
  if (total === null || available === null) return null;
  return { size: total * PAGE_SIZE, available: available * PAGE_SIZE };
}

/** Whether there is a region of that name. */
export const isCounted = (region: string, folder = REGIONS): boolean =>
  isName(region) && counter(folder, region, 'alloc_pages_success') !== null;

/** What was had of each region so far, and what was not. */
function counts(folder: string): Map<string, string> {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return new Map();
  }
  const of = (region: string) =>
    ['alloc_pages_success', 'alloc_pages_fail'].map((each) => counter(folder, region, each));
  return new Map(names.map((name) => [name, of(name).join()]));
}

/** How often others' allocations may come between. */
const TRIES = 8;

/**
 * The region that an allocation is taken from: the one whose counts it changes, if it fails, too. Null where nothing is
 * counted, or others allocate from other regions each time.
 */
export function regionOf(allocate: () => void, folder = REGIONS): string | null {
  for (let tries = 0; tries < TRIES; tries++) {
    const before = counts(folder);
    if (before.size === 0) return null;
    allocate();
    const changed = [...counts(folder)].filter(([name, count]) => before.get(name) !== count);
    if (changed.length === 1) return changed[0]?.[0] ?? null;
  }
  return null;
}
