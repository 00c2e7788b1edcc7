/**
 * What an allocation will probably take: charged from the request until its source has answered
 * with what it really takes. A driver's layout may need more, which is then charged, or refused.
 */
import { alignUp, DEFAULT_ALIGNMENT } from '../../memory/alignment.js';
import { layoutOf } from '../../memory/dictated.js';
import { formatInfo } from '../../memory/formats.js';
import type { BroughtPlane } from '../../memory/plane.js';
import { attempt } from '../../memory/result.js';
import type { CheckedSpec, HandleType } from '../../memory/source.js';
import type { Estimate } from './ledger.js';

/** For a format that the broker has no layout of. */
const BYTES_PER_PIXEL = 4;

/** `also`: the further types of fd that each memory is to have. */
export function estimateOf(spec: CheckedSpec, also: readonly HandleType[] = []): Estimate {
  const { bytes, fds } = ofOneType(spec);
  return { bytes, fds: fds * (1 + also.length) };
}

function ofOneType(spec: CheckedSpec): Estimate {
  if (spec.kind === 'buffer') {
    const align = Math.max(spec.alignment?.size ?? 1, DEFAULT_ALIGNMENT.size);
    return { bytes: Math.min(alignUp(spec.size, align), Number.MAX_SAFE_INTEGER), fds: 1 };
  }
  const { width, height } = spec;
  const format = formatInfo(spec.format);
  const plain = { bytes: width * height * BYTES_PER_PIXEL, fds: 1 };
  if (format === undefined) return plain;
  const layout = attempt(() => layoutOf(format, spec));
  // Too large for the broker's layout; the driver may have another, or refuses it with its reason.
  if ('error' in layout) return plain;
  const { memories } = layout;
  return { bytes: memories.reduce((all, bytes) => all + bytes, 0), fds: memories.length };
}

/** An import's memory is there already; how large it is is found out with the import. */
export function importEstimate(spec: CheckedSpec, planes: readonly BroughtPlane[]): Estimate {
  const { bytes } = estimateOf(spec);
  return { bytes, fds: new Set(planes.map(({ fd }) => fd)).size };
}
