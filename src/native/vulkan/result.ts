/**
 * What a VkResult means to the broker: its name, and the catalogue's code for it ("Return Codes").
 */
import { BrokerError, type ErrorCode, type Refusal } from '../../memory/errors.js';
import { VkResult } from './layout.gen.js';

const names = new Map<number, string>(
  Object.entries(VkResult).map(([name, value]) => [value, name]),
);

export function resultName(result: number): string {
  return names.get(result) ?? `VkResult ${result}`;
}

const codes: Readonly<Record<number, ErrorCode>> = {
  [VkResult.VK_ERROR_OUT_OF_HOST_MEMORY]: 'out_of_memory',
  [VkResult.VK_ERROR_OUT_OF_DEVICE_MEMORY]: 'out_of_memory',
  [VkResult.VK_ERROR_TOO_MANY_OBJECTS]: 'out_of_memory',
  [VkResult.VK_ERROR_DEVICE_LOST]: 'device_lost',
  [VkResult.VK_ERROR_INVALID_DRM_FORMAT_MODIFIER_PLANE_LAYOUT_EXT]: 'unsupported_layout',
};

/** A failed call as an error: `internal` for everything that no client can have caused. */
export function vulkanError(result: number, call: string, refusal: Refusal = {}): BrokerError {
  return new BrokerError(codes[result] ?? 'internal', `${call}: ${resultName(result)}`, refusal);
}

/** Throws for an error (negative); returns success codes, VK_INCOMPLETE among them. */
export function check(result: number, call: string, refusal?: Refusal): number {
  if (result < 0) throw vulkanError(result, call, refusal);
  return result;
}
