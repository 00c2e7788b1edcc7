/**
 * Of what many buffers have alike there is one: a program asks for a thousand buffers of one kind, and each answer
 * names its memories and where they are in words of its own. Nothing of it ever changes, so that nobody sees whose
 * it is. Without this it is as much of the heap as all else that is known of a buffer.
 */
import type { Allocation } from '../memory/source.js';
import type { Choice } from './request.js';

/** Kinds of request that are remembered at a time; one more takes another's place. */
const KINDS = 64;

export class Alike {
  readonly #choices: (Choice | undefined)[] = new Array(KINDS).fill(undefined);
  #memories: readonly number[] = [];
  #placement: readonly string[] = [];

  /** The same, as an earlier request had it. */
  choice(choice: Choice): Choice {
    const { spec } = choice;
    const at =
      ((spec.kind === 'image' ? spec.width * 31 + spec.height : spec.size / 64) % KINDS) | 0;
    const known = this.#choices[at];
    if (known !== undefined && areAlike(known, choice)) return known;
    this.#choices[at] = choice;
    return choice;
  }

  /** The same, in a record that is no larger than what is in it. */
  allocation(allocation: Allocation): Allocation {
    const { source, handleType, key, size, modifier, planes, exporter, identities } = allocation;
    const { device, heaps, vulkan, check, funding, faces, fellBack, scanout } = allocation;
    if (!areAlike(this.#memories, allocation.memories)) this.#memories = allocation.memories;
    if (!areAlike(this.#placement, allocation.placement)) this.#placement = allocation.placement;
    const memories = this.#memories;
    const placement = this.#placement;
    const all = { source, handleType, key, memories, size, modifier, placement, planes, exporter };
    if (
      device === undefined &&
      heaps === undefined &&
      vulkan === undefined &&
      check === undefined &&
      funding === undefined &&
      faces === undefined &&
      fellBack === undefined &&
      scanout === undefined
    ) {
      return identities === undefined ? all : withIdentities(all, identities);
    }
    return { ...allocation, memories, placement };
  }
}

/** Written out, since what is spread has room for what may come. */
function withIdentities(all: Allocation, identities: readonly string[]): Allocation {
  const { source, handleType, key, memories, size, modifier, placement, planes, exporter } = all;
  return {
    source,
    handleType,
    key,
    memories,
    size,
    modifier,
    placement,
    planes,
    exporter,
    identities,
  };
}

/** Of plain values, and of what is made of them. */
function areAlike(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  if (Array.isArray(a) && Array.isArray(b)) {
    if (a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (!areAlike(a[i], b[i])) return false;
    return true;
  }
  const x = a as Record<string, unknown>;
  const y = b as Record<string, unknown>;
  // A list of their keys would be as much as they are.
  for (const key in x) if (!(key in y) || !areAlike(x[key], y[key])) return false;
  for (const key in y) if (!(key in x)) return false;
  return true;
}
