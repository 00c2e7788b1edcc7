/**
 * An image in LINEAR memory as RGBA, smaller if so wanted: what a preview shows. Every format of the
 * broker's table. Pure: the memory comes in as bytes.
 */
import type { FormatInfo, FormatPlane } from '../memory/formats.js';
import type { PlaneLayout } from '../memory/plane.js';
import { rgbReader } from './rgb.js';
import { converter, type Matrix, type Range } from './ycbcr.js';

/** A plane, and the bytes of the memory that it lies in. */
export interface PlaneBytes extends PlaneLayout {
  readonly bytes: Uint8Array;
}

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue, alpha, 8 bits each, row by row. */
  readonly data: Uint8ClampedArray;
}

export interface PictureRequest {
  readonly format: FormatInfo;
  readonly width: number;
  readonly height: number;
  readonly planes: readonly PlaneBytes[];
  /** Pixels of the longer side at most. */
  readonly max: number;
  /** For YCbCr formats. */
  readonly matrix: Matrix;
  readonly range: Range;
}

type ReadAt = (x: number, y: number, out: Uint8ClampedArray, at: number) => void;

/** Each pixel of the picture is the one of the image in its middle: nothing is smoothed. */
export function picture(request: PictureRequest): Picture {
  const scale = Math.min(1, request.max / Math.max(request.width, request.height));
  const width = Math.max(1, Math.round(request.width * scale));
  const height = Math.max(1, Math.round(request.height * scale));
  const data = new Uint8ClampedArray(width * height * 4);
  const read = request.format.ycbcr ? ycbcr(request) : rgb(request);
  for (let row = 0; row < height; row++) {
    const y = Math.floor(((row + 0.5) * request.height) / height);
    for (let column = 0; column < width; column++) {
      const x = Math.floor(((column + 0.5) * request.width) / width);
      read(x, y, data, (row * width + column) * 4);
    }
  }
  return { width, height, data };
}

function rgb({ format, planes }: PictureRequest): ReadAt {
  const read = rgbReader(format);
  const [plane] = planes;
  const pixel = format.planes[0]?.bytesPerBlock ?? 0;
  if (plane === undefined) throw new RangeError('an image without planes');
  const { bytes, offset, stride } = plane;
  return (x, y, out, at) => read(bytes, offset + y * stride + x * pixel, out, at);
}

/** One of luma, Cb and Cr: where its samples are, as fractions of their full scale. */
type ReadSample = (x: number, y: number) => number;

/**
 * Where the three lie. Semi-planar names have Cb before Cr except NV21; three planes are Y, Cb, Cr
 * except YVU420's (drm_fourcc.h).
 */
const swapped = new Set(['NV21', 'YV12']);

function ycbcr(request: PictureRequest): ReadAt {
  const { format, planes, matrix, range } = request;
  const bits = sampleBits(format);
  const toRgb = converter(matrix, range, bits);
  const [y, cb, cr] = samplers(format, planes, bits);
  return (column, row, out, at) => {
    toRgb(y(column, row), cb(column, row), cr(column, row), out, at);
    out[at + 3] = 255;
  };
}

/** P010 and P012 have their bits at the high end of 16 (drm_fourcc.h). */
function sampleBits({ name }: FormatInfo): number {
  const [, bits] = /^P01(\d)$/.exec(name) ?? [];
  return bits === undefined ? 8 : 10 + Number(bits);
}

function samplers(
  format: FormatInfo,
  planes: readonly PlaneBytes[],
  bits: number,
): readonly [ReadSample, ReadSample, ReadSample] {
  const bytes = bits > 8 ? 2 : 1;
  /** The sample at byte `first` of each step of a plane. */
  const of = (index: number, first: number, step: number, hsub?: number): ReadSample => {
    const plane = planes[index];
    const shape: FormatPlane | undefined = format.planes[index];
    if (plane === undefined || shape === undefined) throw new RangeError(`no plane ${index}`);
    const across = hsub ?? shape.hsub;
    const { offset, stride } = plane;
    return (x, y) => {
      const row = offset + Math.floor(y / shape.vsub) * stride;
      const at = row + Math.floor(x / across) * step + first;
      const low = plane.bytes[at] ?? 0;
      if (bytes === 1) return low / 255;
      const word = low | ((plane.bytes[at + 1] ?? 0) << 8);
      return (word >> (16 - bits)) / (2 ** bits - 1);
    };
  };
  const order = <T>(cb: T, cr: T): [T, T] => (swapped.has(format.name) ? [cr, cb] : [cb, cr]);
  if (format.planes.length === 3) {
    return [of(0, 0, bytes), ...order(of(1, 0, bytes), of(2, 0, bytes))];
  }
  if (format.planes.length === 2) {
    return [of(0, 0, bytes), ...order(of(1, 0, 2 * bytes), of(1, bytes, 2 * bytes))];
  }
  // Two pixels in four bytes: Y0 Cb Y1 Cr, or each pair the other way round.
  const luma = format.name === 'UYVY' ? 1 : 0;
  return [of(0, luma, 2, 1), of(0, 1 - luma, 4, 2), of(0, 3 - luma, 4, 2)];
}
