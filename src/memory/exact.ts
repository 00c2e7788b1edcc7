/**
 * What was asked for, as far as a double tells it: what came in 64 bits or as JSON, and sums of it, may be beyond 2^53,
 * and would be told as another number than it was. Then it is left out.
 */
export const isExact = (value: number): boolean => !(Math.abs(value) > Number.MAX_SAFE_INTEGER);

/** For a refusal. */
export const askedFor = (requested: number): { readonly requested?: number } =>
  isExact(requested) ? { requested } : {};
