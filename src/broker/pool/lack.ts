/**
 * How much memory a source lacked where it refused: whether what spares take would be enough is judged by it.
 */
import type { BrokerError, Refusal } from '../../memory/errors.js';

/** Bytes, and rather too few than too many; null: it does not say. */
export function lackOf({ refusal }: BrokerError): number | null {
  const { constraint, requested } = refusal;
  if (typeof requested !== 'number') return null;
  const max = figureOf(refusal, 'max');
  if (constraint === 'size') return max === null ? null : requested - max;
  if (constraint !== 'heap_budget') return null;
  const [budget, usage] = [figureOf(refusal, 'budget'), figureOf(refusal, 'usage')];
  if (max === null || budget === null || usage === null) return null;
  // The driver promises no more than `max` at once, however much is left.
  return requested - Math.max(max, budget - usage);
}

function figureOf({ possible }: Refusal, name: 'max' | 'budget' | 'usage'): number | null {
  if (typeof possible !== 'object' || possible === null || !(name in possible)) return null;
  const figure = (possible as { readonly [Name in typeof name]?: unknown })[name];
  return typeof figure === 'number' ? figure : null;
}
