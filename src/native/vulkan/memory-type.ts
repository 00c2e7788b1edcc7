/**
 * Which memory type an allocation gets: allowed by the resource, with the properties that usage and
 * placement demand, on a heap that has room. Pure.
 */
import { BrokerError } from '../../memory/errors.js';
import { type Placement, Usage } from '../../memory/source.js';
import { usageNames } from '../../memory/usage.js';
import { jsonNumber } from './json-number.js';
import { VkMemoryPropertyFlagBits as Flag } from './layout.gen.js';
import type { HeapBudget, MemoryProperties, MemoryType } from './memory-properties.js';
import { needsCpu } from './usage.js';

/** `VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT` → `device_local` */
const flagBits = Object.entries(Flag).map(([name, bit]) => ({
  bit,
  name: name
    .replace('VK_MEMORY_PROPERTY_', '')
    .replace(/_BIT(_[A-Z]+)?$/, '')
    .toLowerCase(),
}));

/** `['device_local', 'host_visible']` */
export function flagNames(flags: number): string[] {
  return flagBits.filter(({ bit }) => (flags & bit) !== 0).map(({ name }) => name);
}

export interface TypeWish {
  /** VkMemoryPropertyFlags that the type must have. */
  readonly required: number;
  /** Flags that count in its favour, the first most. */
  readonly preferred: readonly number[];
}

/**
 * Types that need a feature which is not enabled (VUID-vkAllocateMemory-deviceCoherentMemory-02790),
 * or that are no memory to share: protected, or backed only while a render pass lasts.
 */
const NEVER =
  Flag.VK_MEMORY_PROPERTY_LAZILY_ALLOCATED_BIT |
  Flag.VK_MEMORY_PROPERTY_PROTECTED_BIT |
  Flag.VK_MEMORY_PROPERTY_DEVICE_COHERENT_BIT_AMD |
  Flag.VK_MEMORY_PROPERTY_RDMA_CAPABLE_BIT_NV;

/**
 * The types that `allowed` (memoryTypeBits of the requirements) leaves and that have what is
 * required, best first. Equals stay in the driver's order, which is by speed ("Device Memory").
 */
export function suitableTypes(
  types: readonly MemoryType[],
  allowed: number,
  wish: TypeWish,
): readonly MemoryType[] {
  const score = ({ flags }: MemoryType) =>
    wish.preferred.reduce((sum, flag) => sum * 2 + ((flags & flag) === flag ? 1 : 0), 0);
  return types
    .filter(({ index }) => ((allowed >>> index) & 1) !== 0)
    .filter(({ flags }) => (flags & NEVER) === 0 && (flags & wish.required) === wish.required)
    .toSorted((a, b) => score(b) - score(a));
}

const demanded: Readonly<Record<Placement, number>> = {
  any: 0,
  device_local: Flag.VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT,
  host_visible: Flag.VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT,
  host_cached: Flag.VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | Flag.VK_MEMORY_PROPERTY_HOST_CACHED_BIT,
};

export interface Purpose {
  /** Bits of `Usage`. */
  readonly usage: number;
  readonly placement?: Placement | undefined;
}

/** What a type must and should have for a purpose; `mapped` where the CPU must reach it anyway. */
export function wishFor({ usage, placement = 'any' }: Purpose, mapped = false): TypeWish {
  const visible = Flag.VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT;
  const required = demanded[placement] | (mapped || needsCpu(usage) ? visible : 0);
  return {
    required,
    preferred: [
      ...((usage & Usage.cpuRead) !== 0 ? [Flag.VK_MEMORY_PROPERTY_HOST_CACHED_BIT] : []),
      ...((required & visible) !== 0 ? [Flag.VK_MEMORY_PROPERTY_HOST_COHERENT_BIT] : []),
      Flag.VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT,
    ],
  };
}

/** The refusal where no type suits: it names those that the resource may have. */
export function noType(
  types: readonly MemoryType[],
  allowed: number,
  { usage, placement = 'any' }: Purpose,
): BrokerError {
  if (placement === 'any') {
    return new BrokerError('unsupported_usage', 'the CPU cannot reach any memory for this', {
      constraint: 'usage',
      requested: usageNames(usage),
    });
  }
  const possible = suitableTypes(types, allowed, { required: 0, preferred: [] });
  const mapped = needsCpu(usage) && placement === 'device_local' ? ' that can be mapped' : '';
  const message = `no memory type for this is ${placement}${mapped}`;
  return new BrokerError('unsupported_placement', message, {
    constraint: 'placement',
    requested: placement,
    possible: possible.map(({ index, heap, flags }) => ({ index, heap, flags: flagNames(flags) })),
  });
}

export function tooLarge(requested: bigint, possible: bigint, hint = ''): BrokerError {
  return new BrokerError(
    'too_large',
    `${requested} bytes are more than the device allocates at once (${possible})${hint}`,
    {
      constraint: 'size',
      requested: jsonNumber(requested),
      possible: jsonNumber(possible),
    },
  );
}

/** What there is of each heap, by its index. */
export interface Room {
  readonly heaps: MemoryProperties['heaps'];
  /** VK_EXT_memory_budget; null where the device does not tell. */
  readonly budgets: ((heap: number) => HeapBudget) | null;
  /** Bytes that a heap is to give before. */
  readonly planned: ReadonlyMap<number, bigint>;
  /** maxMemoryAllocationSize: a refusal names no more, since beyond it the driver alone knows. */
  readonly promised: bigint;
}

/**
 * The first of `suitable` (not empty) whose heap has room for `size` bytes more: of its budget, else of
 * its size, which is the limit in any case (VUID-vkAllocateMemory-pAllocateInfo-01713).
 */
export function withRoom(
  suitable: readonly MemoryType[],
  size: bigint,
  { heaps, budgets, planned, promised }: Room,
): MemoryType {
  const sizeOf = ({ heap }: MemoryType) => heaps[heap]?.size ?? 0n;
  const holding = suitable.filter((type) => size <= sizeOf(type));
  const [first] = holding;
  if (first === undefined) throw tooLarge(size, least(promised, largest(suitable.map(sizeOf))));
  const room = ({ heap }: MemoryType) => {
    const { budget, usage } = budgets?.(heap) ?? { budget: heaps[heap]?.size ?? 0n, usage: 0n };
    return budget - usage - (planned.get(heap) ?? 0n);
  };
  const found = holding.find((type) => size <= room(type));
  if (found !== undefined) return found;
  const { heap } = first;
  const { budget, usage } = budgets?.(heap) ?? { budget: heaps[heap]?.size ?? 0n, usage: 0n };
  const message = `${size} bytes are more than heap ${heap} has left of its budget: ${usage} of ${budget} bytes are in use`;
  throw new BrokerError('out_of_memory', message, {
    constraint: 'heap_budget',
    requested: jsonNumber(size),
    possible: {
      max: jsonNumber(least(promised, largest([...holding.map(room), 0n]))),
      heap,
      budget: jsonNumber(budget),
      usage: jsonNumber(usage),
    },
  });
}

const least = (a: bigint, b: bigint) => (a < b ? a : b);
const largest = (values: readonly bigint[]) => values.reduce((a, b) => (a > b ? a : b), 0n);
