/**
 * The name of a spec in the pool: two requests that are answered with the same memory, from the same
 * source, have the same one. It has all that a source is told, what is not given spelled out; whose the
 * request is, its name and its lifetime are not part of it.
 */
import type { MemorySpec } from '../../memory/source.js';
import type { Choice } from '../request.js';

export function keyOf({ source, handleType, also, device, spec }: Choice): string {
  const whose = [source, handleType, also ?? null, device ?? null];
  return JSON.stringify([...whose, ...specWords(spec)]);
}

/** What is asked for, whichever source it is asked of. */
export function specWords(spec: MemorySpec): readonly unknown[] {
  const { usage, placement = 'any', alignment = {} } = spec;
  const common = [spec.kind, usage, placement];
  if (spec.kind === 'buffer') return [...common, spec.size, alignment.size ?? 1];
  const { width, height, format, modifiers, separatePlanes = false, layout = null } = spec;
  const { stride = 1, offset = 1, size = 1, height: rows = 1 } = alignment;
  return [
    ...common,
    width,
    height,
    format,
    // In the order of the request: a driver may choose by it.
    modifiers.map(String),
    [stride, offset, size, rows],
    separatePlanes,
    layout?.map((place) => [place.offset, place.stride]) ?? null,
  ];
}
