/**
 * Which bytes a copy moves: a range of linear memory, or an image into one of the same format and
 * dimensions, row by row where the strides differ. Pure arithmetic.
 */

import { BrokerError } from './errors.js';
import { formatInfo } from './formats.js';
import { fourccName, MOD_LINEAR, modifierText } from './fourcc.js';
import { rowBytes } from './layout.js';
import type { Constraint, Possible } from './refusal-words.js';
import type { CopyPlan, Region, Side } from './region.js';
import { onlyDriverKnows } from './registered.js';
import type { Allocation, ImageSpec } from './source.js';
import { checkRange, extent } from './work.js';

/** Bytes as a client names them, 64 bits each; size 0: up to the source's end. All 0 for images. */
export interface CopyRequest {
  readonly sourceOffset: bigint;
  readonly offset: bigint;
  readonly size: bigint;
}

export function planCopy(source: Side, destination: Side, request: CopyRequest): CopyPlan {
  const [from, to] = [source.spec, destination.spec];
  if (from.kind === 'image' && to.kind === 'image') {
    const { sourceOffset: source_offset, offset, size } = request;
    for (const [constraint, value] of Object.entries({ source_offset, offset, size })) {
      if (value === 0n) continue;
      const named = constraint as 'source_offset' | 'offset' | 'size';
      throw mismatch(named, 'an image is copied whole', Number(value), 0);
    }
    return planImage(from, source.allocation, to, destination.allocation);
  }
  if (from.kind === 'buffer' && to.kind === 'buffer')
    return planLinear(source, destination, request);
  throw mismatch('kind', 'an image is copied into an image', from.kind, to.kind);
}

function mismatch(constraint: Constraint, message: string, requested: unknown, possible: Possible) {
  return new BrokerError('invalid_argument', message, { constraint, requested, possible });
}

function planLinear(source: Side, destination: Side, request: CopyRequest): Region[] {
  const [from, to] = [extent(source), extent(destination)];
  const taken = checkRange({ offset: request.sourceOffset, size: request.size }, from.length, {
    offset: 'source_offset',
    size: 'size',
  });
  const put = checkRange({ offset: request.offset, size: BigInt(taken.size) }, to.length);
  const place = (offset: number) => ({ plane: 0, offset, stride: 0 });
  return [
    {
      source: place(from.start + taken.offset),
      destination: place(to.start + put.offset),
      bytes: taken.size,
      rows: 1,
    },
  ];
}

function planImage(from: ImageSpec, a: Allocation, to: ImageSpec, b: Allocation): CopyPlan {
  if (from.format !== to.format) {
    throw new BrokerError('unsupported_format', 'a copy converts no formats', {
      constraint: 'format',
      requested: fourccName(from.format),
      possible: fourccName(to.format),
    });
  }
  const size = ({ width, height }: ImageSpec) => `${width}x${height}`;
  if (size(from) !== size(to)) {
    const message = 'both images must have the same width and height';
    throw mismatch('width, height', message, size(from), size(to));
  }
  const same =
    a.modifier === b.modifier &&
    a.planes.length === b.planes.length &&
    a.planes.every(({ offset, stride }, i) => {
      const other = b.planes[i];
      return offset === other?.offset && stride === other.stride;
    });
  const format = formatInfo(from.format);
  const imported = a.source === 'import' || b.source === 'import';
  const linear = a.modifier === MOD_LINEAR && b.modifier === MOD_LINEAR;
  if (linear && format !== undefined) {
    return format.planes.map((plane, index): Region => {
      const row = rowBytes(plane, from.width);
      const rows = Math.ceil(from.height / plane.vsub);
      const [source, destination] = [a.planes[index], b.planes[index]];
      if (source === undefined || destination === undefined) {
        throw new Error(`${format.name} without plane ${index}`);
      }
      const places = {
        source: { plane: index, offset: source.offset, stride: source.stride },
        destination: { plane: index, offset: destination.offset, stride: destination.stride },
      };
      // Padding goes along only where it means the same on both sides: another plane may lie in it,
      // or another image, where the memory was made elsewhere.
      // The last row may end without (checkImport).
      if (same && !imported) return { ...places, bytes: source.stride * (rows - 1) + row, rows: 1 };
      return { ...places, bytes: row, rows };
    });
  }
  if (imported) throw onlyDriverKnows(a.modifier);
  if (same) return 'memories';
  const describe = ({ modifier, planes }: Allocation) => ({
    modifier: modifierText(modifier ?? MOD_LINEAR),
    planes: planes.map(({ offset, stride }) => ({ offset, stride })),
  });
  throw new BrokerError(
    'unsupported_modifier',
    'the layouts differ, and only linear ones are known',
    {
      constraint: 'modifier',
      requested: describe(a),
      possible: describe(b),
    },
  );
}

/** Whether the two ends of regions touch where `same` says that planes lie in one memory. */
export function overlaps(
  regions: readonly Region[],
  same: (sourcePlane: number, destinationPlane: number) => boolean,
): boolean {
  const ends = (side: 'source' | 'destination') =>
    regions.map(({ [side]: { plane, offset, stride }, bytes, rows }) => ({
      plane,
      from: offset,
      to: offset + stride * (rows - 1) + bytes,
    }));
  const written = ends('destination');
  return ends('source').some((a) =>
    written.some((b) => a.from < b.to && b.from < a.to && same(a.plane, b.plane)),
  );
}
