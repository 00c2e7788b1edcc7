/**
 * What of an imported image's memory is the image's. The dma_buf may be larger and have others beside it,
 * behind it, or in the padding of its rows; only what was registered may be touched. Pure arithmetic.
 */
import { BrokerError } from './errors.js';
import { formatInfo } from './formats.js';
import { fourccName, MOD_LINEAR, modifierText } from './fourcc.js';
import { planeEnd, rowBytes } from './layout.js';
import type { Rows, Side } from './region.js';
import type { ImageSpec } from './source.js';

/** Whether it is one, so that its allocation's size says nothing about what may be touched. */
export function isImportedImage({ spec, allocation }: Side): boolean {
  return spec.kind === 'image' && allocation.source === 'import';
}

/** Its rows without their padding, plane by plane. Throws where its layout is only its driver's to know. */
export function rowsOf({ spec, allocation }: Side): Rows[] {
  const image = spec as ImageSpec;
  const planes = knownPlanes({ spec, allocation });
  return planes.map((plane, index): Rows => {
    const { offset, stride } = placeOf(allocation, index);
    const bytes = rowBytes(plane, image.width);
    const rows = Math.ceil(image.height / plane.vsub);
    // Without padding they are one run.
    if (stride === bytes) return { plane: index, offset, stride: 0, bytes: bytes * rows, rows: 1 };
    return { plane: index, offset, stride, bytes, rows };
  });
}

/** For each of its memories, from its first byte to its last one there. Throws as `rowsOf`. */
export function spansOf({ spec, allocation }: Side): Rows[] {
  const planes = knownPlanes({ spec, allocation });
  const spans = new Map<number, { plane: number; from: number; to: number }>();
  for (const [index, plane] of planes.entries()) {
    const { fd, ...place } = placeOf(allocation, index);
    const to = planeEnd(plane, spec as ImageSpec, place);
    const known = spans.get(fd) ?? { plane: index, from: place.offset, to };
    known.from = Math.min(known.from, place.offset);
    known.to = Math.max(known.to, to);
    spans.set(fd, known);
  }
  return [...spans.values()].map(({ plane, from, to }) => ({
    plane,
    offset: from,
    stride: 0,
    bytes: to - from,
    rows: 1,
  }));
}

/** A part of spans, which count one after the other. */
export function partOf(spans: readonly Rows[], offset: number, size: number): Rows[] {
  const part: Rows[] = [];
  let start = 0;
  for (const span of spans) {
    const from = Math.max(offset - start, 0);
    const to = Math.min(offset + size - start, span.bytes);
    if (to > from) part.push({ ...span, offset: span.offset + from, bytes: to - from });
    start += span.bytes;
  }
  return part;
}

/** Memory that was made elsewhere may be larger than the image, and how large that is is not known. */
export function onlyDriverKnows(modifier: bigint | null): BrokerError {
  const message = 'where this layout ends in imported memory only its driver knows';
  return new BrokerError('unsupported_modifier', message, {
    constraint: 'modifier',
    requested: modifier === null ? null : modifierText(modifier),
    possible: modifierText(MOD_LINEAR),
  });
}

function placeOf({ planes }: Side['allocation'], index: number) {
  const place = planes[index];
  if (place === undefined) throw new Error(`the image has no plane ${index}`);
  return place;
}

function knownPlanes({ spec, allocation }: Side) {
  const { format } = spec as ImageSpec;
  const known = formatInfo(format);
  if (known === undefined) {
    const message = 'where this format ends in imported memory is not known';
    const requested = fourccName(format);
    throw new BrokerError('unsupported_format', message, { constraint: 'format', requested });
  }
  if (allocation.modifier !== MOD_LINEAR) throw onlyDriverKnows(allocation.modifier);
  return known.planes;
}
