/** Vulkan's 64-bit sizes as JSON carries them. */

/** What JSON can carry exactly; larger numbers are shown as 2^53 - 1 (openapi.yaml). */
export type JsonNumber = number;

export function jsonNumber(value: bigint): JsonNumber {
  const max = BigInt(Number.MAX_SAFE_INTEGER);
  return Number(value < max ? value : max);
}
