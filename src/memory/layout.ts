/**
 * Linear layouts: where the planes of an image lie in memory that no driver laid out (lavapipe and
 * NV12, every dma-heap). Pure arithmetic from the format, the dimensions and the alignment demanded.
 *
 * Strides of the other planes follow from the first one's in the proportion of their pixels (half
 * of luma's for YUV420's chroma): V4L2's single-planar formats carry one bytesperline and mean that.
 */

import { type Alignment, alignUp, DEFAULT_ALIGNMENT, strictest } from './alignment.js';
import { BrokerError } from './errors.js';
import { type FormatInfo, type FormatPlane, formatInfo, formats } from './formats.js';
import { fourccName } from './fourcc.js';
import type { PlaneLayout, PlanePlace } from './plane.js';
import type { Constraint } from './refusal-words.js';

/** The stride has the padding, too. */
export interface LayoutPlane extends PlanePlace {
  /** Rows, padding included. */
  readonly rows: number;
  /** stride × rows: the last row is as long as the others. */
  readonly size: number;
}

export interface LinearLayout {
  readonly planes: readonly LayoutPlane[];
  /** Bytes of each memory: one for all planes, or one for each. */
  readonly memories: readonly number[];
}

export interface Extent {
  /** Pixels. */
  readonly width: number;
  readonly height: number;
}

/** linux-dmabuf-v1's and our protocol's offsets and strides are 32-bit. */
export const MAX_OFFSET = 2 ** 32 - 1;

/** The format of a code; throws `unsupported_format` where the broker cannot lay it out. */
export function knownFormat(code: number): FormatInfo {
  const format = formatInfo(code);
  if (format !== undefined) return format;
  throw new BrokerError('unsupported_format', 'the layout of this format is not known', {
    constraint: 'format',
    requested: fourccName(code),
    possible: formats.map(({ name }) => name),
  });
}

/** Bytes of a row of a plane, without padding. An odd width's last pixel has chroma too. */
export function rowBytes(plane: FormatPlane, width: number): number {
  const samples = Math.ceil(width / plane.hsub);
  return Math.ceil(samples / plane.blockWidth) * plane.bytesPerBlock;
}

/** Where a plane's last row ends, without its padding: bytes from the start of the memory. */
export function planeEnd(
  plane: FormatPlane,
  { width, height }: Extent,
  { offset, stride }: PlaneLayout,
): number {
  const rows = Math.ceil(height / plane.vsub);
  return offset + stride * (rows - 1) + rowBytes(plane, width);
}

/** Bytes for a pixel of the image, on average over a row. */
const density = ({ bytesPerBlock, blockWidth, hsub }: FormatPlane) =>
  bytesPerBlock / (blockWidth * hsub);

function within(constraint: Constraint, requested: number, max: number, hint = ''): number {
  if (requested <= max) return requested;
  throw new BrokerError('too_large', `${constraint} would be ${requested}, over ${max}${hint}`, {
    constraint,
    requested,
    possible: { max },
  });
}

/**
 * The layout of an image. `alignment` comes on top of DEFAULT_ALIGNMENT and has been checked
 * (`checkAlignment`). `separate` puts each plane into a memory of its own, as multi-planar V4L2
 * takes them.
 */
export function linearLayout(
  format: FormatInfo,
  { width, height }: Extent,
  alignment: Alignment = {},
  separate = false,
): LinearLayout {
  const align = strictest(DEFAULT_ALIGNMENT, alignment);
  const strides = stridesOf(format, width, align.stride);
  const paddedHeight = alignUp(height, align.height);
  const planes: LayoutPlane[] = [];
  const memories: number[] = [];
  let end = 0;
  for (const [index, plane] of format.planes.entries()) {
    const stride = within('stride', strides[index] ?? 0, MAX_OFFSET);
    const rows = Math.ceil(paddedHeight / plane.vsub);
    const size = within('size', stride * rows, Number.MAX_SAFE_INTEGER);
    if (separate) {
      planes.push({ memory: index, offset: 0, stride, rows, size });
      memories.push(within('size', alignUp(size, align.size), Number.MAX_SAFE_INTEGER));
      continue;
    }
    const hint = ': the plane would need a memory of its own';
    const offset = within('offset', alignUp(end, align.offset), MAX_OFFSET, hint);
    planes.push({ memory: 0, offset, stride, rows, size });
    end = within('size', offset + size, Number.MAX_SAFE_INTEGER);
  }
  if (!separate) memories.push(within('size', alignUp(end, align.size), Number.MAX_SAFE_INTEGER));
  return { planes, memories };
}

/** Strides that are multiples of `multiple`, hold a row each, and keep their proportion. */
function stridesOf({ planes, name }: FormatInfo, width: number, multiple: number): number[] {
  const [first] = planes;
  if (first === undefined) throw new Error(`${name} has no planes`);
  // Powers of two in every format: subsampling is, and chroma has luma's sample size once or twice.
  const ratios = planes.map((plane) => density(plane) / density(first));
  const smallest = Math.min(...ratios);
  const needed = planes.map((plane, i) => rowBytes(plane, width) / (ratios[i] ?? 1));
  const stride = alignUp(Math.max(...needed), multiple / Math.min(1, smallest));
  return ratios.map((ratio) => stride * ratio);
}

/** Where a driver put the planes of an image, and how much memory it takes. */
export interface DriverLayout {
  readonly planes: readonly PlaneLayout[];
  readonly size: number;
}

/** Whether a driver's layout meets what a client demands; the defaults are not demanded of drivers. */
export function meets(layout: DriverLayout, { height }: Extent, alignment: Alignment): boolean {
  const align = strictest({}, alignment);
  const [first, second] = layout.planes;
  const rows = alignUp(height, align.height);
  const room = (second?.offset ?? layout.size) - (first?.offset ?? 0);
  return (
    layout.size % align.size === 0 &&
    layout.planes.every((p) => p.offset % align.offset === 0 && p.stride % align.stride === 0) &&
    (align.height === 1 || room >= rows * (first?.stride ?? 0))
  );
}
