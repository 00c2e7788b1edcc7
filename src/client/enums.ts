/**
 * Values of the protocol's enums as names. A daemon that is newer than this library may say what it does
 * not know: that is `unknown`, and no reason to end anything (docs/protocol.md, "Versions").
 */
import type { HandleType } from '../memory/source.js';
import { dmabroker_manager_v1 } from '../protocol/dmabroker-v1.gen.js';
import { type Check, listOf, oneOf } from './check.js';

export type OrUnknown<T extends string> = T | 'unknown';

export function nameOf<T extends string>(
  names: Readonly<Record<T, number>>,
  value: number,
): OrUnknown<T> {
  for (const name in names) if (names[name] === value) return name;
  return 'unknown';
}

/** Those that are known, a dma_buf first. */
export function handleTypesOf(bits: number): readonly HandleType[] {
  const { handle_type } = dmabroker_manager_v1.enums;
  const order = ['dma_buf', 'memfd', 'opaque_fd'] as const;
  return order.filter((type) => (bits & handle_type[type]) !== 0);
}

/** Some of them. */
export const someHandleTypes: Check = listOf(
  oneOf(Object.keys(dmabroker_manager_v1.enums.handle_type)),
  1,
  3,
);

/** The opposite. */
export const handleTypeBits = (types: readonly HandleType[]): number =>
  types.reduce((bits, type) => bits | dmabroker_manager_v1.enums.handle_type[type], 0);

export const handleTypeOf = (bit: number): OrUnknown<HandleType> =>
  nameOf(dmabroker_manager_v1.enums.handle_type, bit);
