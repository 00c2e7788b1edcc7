/**
 * The heaps of Vulkan devices as accounts: a device's own memory and the machine's have limits and
 * shares of their own. `vulkan:0` is heap 0 of the main device, `vulkan:UUID:0` that of another one.
 *
 * Which heap an allocation is in, its driver decides when it is made: before, only its source is
 * charged for it.
 */

import { type Amount, NOTHING } from '../../memory/charged.js';
import type { HeapPart } from '../../memory/source.js';
import { NO_HEAPS } from './charge.js';
import type { Rule, RuleId, Rules } from './rules.js';

/** `device`, `main`: deviceUUIDs. */
function keyOf(device: string, heap: number, main: string | null): string {
  return device === main ? `vulkan:${heap}` : `vulkan:${device}:${heap}`;
}

interface Located {
  readonly device?: string;
  readonly heaps?: readonly HeapPart[];
}

/** What is charged to each heap that a buffer has memory in: it is a buffer in each of them. */
export function heapAmounts(
  { device, heaps = [] }: Located,
  main: string | null,
): ReadonlyMap<string, Amount> {
  if (device === undefined) return NO_HEAPS;
  const amounts = new Map<string, Amount>();
  for (const { index, bytes } of heaps) {
    const key = keyOf(device, index, main);
    const known = amounts.get(key) ?? NOTHING;
    const { bytes: sum, fds } = known;
    amounts.set(key, { bytes: sum + bytes, buffers: 1, fds: fds + 1, pending: 0 });
  }
  return amounts;
}

/** Of each heap, its size: the most that the device gives. */
export function heapRules(device: string, sizes: readonly number[], main: string | null): Rules {
  const rules = sizes.map((bytes, heap): [RuleId, Rule] => [
    `source/${keyOf(device, heap, main)}`,
    { bytes },
  ]);
  return new Map(rules);
}
