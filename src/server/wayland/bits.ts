/** Sets that come as bits: what a protocol's bitfield names. */
import { dmabroker_manager_v1 } from '../../protocol/dmabroker-v1.gen.js';

/**
 * Tells the entries of an enum whose bits are set; unknown bits or none give null. What was found is kept: there is no
 * more of it than an enum has combinations.
 */
export function bitsOf<T extends string>(values: Readonly<Record<T, number>>) {
  const names = Object.keys(values) as T[];
  const all = names.reduce((sum, name) => sum | values[name], 0);
  const found = new Map<number, readonly T[]>();
  return (bits: number): readonly T[] | null => {
    if (bits === 0 || (bits & ~all) !== 0) return null;
    let named = found.get(bits);
    if (named === undefined) {
      named = names.filter((name) => (bits & values[name]) !== 0);
      found.set(bits, named);
    }
    return named;
  };
}

/** None or unknown ones give null. */
export const handleTypesOf = bitsOf(dmabroker_manager_v1.enums.handle_type);
