/**
 * The values of a spec that no device can serve. It is checked once, where the request comes in; whoever
 * plans, allocates or reckons with a spec takes none that was not.
 */
import { checkAlignment } from './alignment.js';
import { checkDictated } from './dictated.js';
import { BrokerError } from './errors.js';
import { askedFor } from './exact.js';
import { MAX_BUFFER_SIZE, MAX_IMAGE_DIMENSION, MAX_MODIFIERS } from './limits.js';
import type { Constraint } from './refusal-words.js';
import type { Checked, MemorySpec } from './source.js';

function inRange(constraint: Constraint, requested: number, max: number): void {
  if (Number.isSafeInteger(requested) && requested >= 1 && requested <= max) return;
  const code = requested > max ? 'too_large' : 'invalid_argument';
  throw new BrokerError(code, `${constraint} must be 1 to ${max}`, {
    constraint,
    ...askedFor(requested),
    possible: { min: 1, max },
  });
}

/** The spec itself. Throws a BrokerError that names the field. */
export function checked<S extends MemorySpec>(spec: S): Checked<S> {
  const { alignment = {} } = spec;
  if (spec.kind === 'buffer') {
    inRange('size', spec.size, MAX_BUFFER_SIZE);
    checkAlignment(alignment, ['size']);
  } else {
    inRange('width', spec.width, MAX_IMAGE_DIMENSION);
    inRange('height', spec.height, MAX_IMAGE_DIMENSION);
    inRange('modifiers', spec.modifiers.length, MAX_MODIFIERS);
    checkAlignment(alignment);
    checkDictated(spec);
  }
  return spec as Checked<S>;
}
