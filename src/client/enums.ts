/**
 * Values of the protocol's enums as names. A daemon that is newer than this library may say what it does
 * not know: that is `unknown`, and no reason to end anything (docs/protocol.md, "Versions").
 */
import type { HandleType } from '../memory/source.js';
import { dmabroker_manager_v1 } from '../protocol/dmabroker-v1.gen.js';

export type OrUnknown<T extends string> = T | 'unknown';

export function nameOf<T extends string>(
  names: Readonly<Record<T, number>>,
  value: number,
): OrUnknown<T> {
  for (const name in names) if (names[name] === value) return name;
  return 'unknown';
}

export const handleTypeOf = (bit: number): OrUnknown<HandleType> =>
  nameOf(dmabroker_manager_v1.enums.handle_type, bit);
