/**
 * The two shapes that most Vulkan queries have: "write one handle here" and "say how many, then
 * fill an array".
 */
import { Arena } from '../arena.js';
import type { Address } from '../ffi.js';
import { VkResult } from './layout.gen.js';
import { check } from './result.js';
import { type Read, readArray, type Struct, type Write, writeArray } from './struct.js';

/** Runs a call that writes a handle (or another 64-bit value); returns it, or throws its error. */
export function outHandle(
  arena: Arena,
  call: string,
  body: (out: Address) => number,
  refusal?: Parameters<typeof check>[2],
): bigint {
  return arena.scoped(() => {
    const offset = arena.reserve(8);
    check(body(arena.address + offset), call, refusal);
    return arena.view.getBigUint64(offset, true);
  });
}

/**
 * Runs a call that fills an array: first with a null array for the count, then with room for that
 * many; again where the set grew in between (VK_INCOMPLETE). `body` returns VkResult, or 0 for
 * functions that return nothing.
 */
export function enumerate<const S extends Struct>(
  struct: S,
  call: string,
  body: (count: Address, array: Address) => number,
  initial: Write<S> = {},
): Read<S>[] {
  for (;;) {
    const counter = new Arena(64);
    const at = counter.reserve(4);
    const count = () => counter.view.getUint32(at, true);
    check(body(counter.address + at, 0), call);
    const room = count();
    if (room === 0) return [];
    const arena = new Arena(room * struct.size + 64);
    const array = writeArray(arena, struct, Array<Write<S>>(room).fill(initial));
    const result = check(body(counter.address + at, array), call);
    if (result !== VkResult.VK_INCOMPLETE) {
      return readArray(arena, struct, array, Math.min(count(), room));
    }
  }
}

/** As `enumerate`, for an array of dispatchable handles. */
export function enumerateHandles(
  call: string,
  body: (count: Address, array: Address) => number,
): bigint[] {
  const pointer = {
    name: 'handle',
    size: 8,
    align: 8,
    members: { value: { offset: 0, kind: 'handle' } },
  } as const;
  return enumerate(pointer, call, body).map(({ value }) => value);
}
