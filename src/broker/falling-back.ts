/**
 * What is taken where a heap has no more, and what is said of memory that is not of the source wanted first. Only heaps
 * fall back: the rest has no memory set apart, so that there is none elsewhere when it is at its end, or is a device's.
 */
import { contiguityOf } from '../memory/contiguity.js';
import { BrokerError } from '../memory/errors.js';
import { attempt } from '../memory/result.js';
import type { Scanout } from '../memory/scanout.js';
import type { FellBack, SourceName } from '../memory/source.js';
import type { Spare } from './pool/spares.js';
import type { AllocationRequest, CheckedRequest, Choice } from './request.js';

/** Another way to serve a request, and why. */
export interface Fallback {
  /** The same, of this one source. */
  readonly request: AllocationRequest;
  /** As it was asked for. */
  readonly asked: AllocationRequest;
  readonly why: FellBack;
  readonly error: BrokerError;
}

/**
 * The first source of the chain behind the one that had no more, of those that the request names, that serves it;
 * null where there is none. `choose` throws where one does not: contiguous memory that is required, say.
 */
export function fallbackOf(
  request: CheckedRequest,
  source: SourceName,
  error: BrokerError,
  chain: readonly SourceName[],
  choose: (request: CheckedRequest) => Choice,
): Fallback | null {
  if (error.code !== 'out_of_memory' || !source.startsWith('dma-heap:')) return null;
  const { sources: named = [] } = request;
  for (const name of chain.slice(chain.indexOf(source) + 1)) {
    if (named.length > 0 && !named.includes(name)) continue;
    const instead = { ...request, sources: [name] };
    if ('error' in attempt(() => choose(instead))) continue;
    const why = { reason: 'out_of_memory', source, message: error.message } as const;
    return { request: instead, asked: request, why, error };
  }
  return null;
}

/** The refusal of a request that fell back: what was wanted first had no more, and nor is the other to be had. */
export function neither({ error }: Fallback, other: BrokerError): BrokerError {
  const text = `${error.message}; and in its place: ${other.message}`;
  return new BrokerError(error.code, text, error.refusal);
}

/** What is to be said of memory for a request, but that its source was not the first. */
export function unmetOf({ spec, source }: Choice): FellBack | null {
  if (spec.contiguous !== 'preferred' || contiguityOf(source) === 'yes') return null;
  const message = `contiguous memory is preferred, and of ${source}'s it is not known that it is`;
  return { reason: 'not_contiguous', source: null, message };
}

/** The same memory, of which that is said. */
export function saying(
  made: readonly Spare[],
  fellBack: FellBack | null,
  scanout: Scanout | null = null,
): readonly Spare[] {
  if (fellBack === null && scanout === null) return made;
  const said = { ...(fellBack && { fellBack }), ...(scanout && { scanout }) };
  return made.map(({ id, allocation }) => ({ id, allocation: { ...allocation, ...said } }));
}
