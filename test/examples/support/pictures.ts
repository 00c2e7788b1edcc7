/** Pictures that are drawn for displays and codecs, what these are to make of them, and how far two are apart. */
import { crc32 } from 'node:zlib';

export const [width, height] = [640, 480];

/** The largest difference of the bytes that count. */
export function difference(one: Buffer, other: Buffer, counts = (_: number) => true): number {
  if (one.length !== other.length) throw new Error(`${one.length} bytes, not ${other.length}`);
  let largest = 0;
  for (let i = 0; i < one.length; i++)
    if (counts(i)) largest = Math.max(largest, Math.abs((one[i] ?? 0) - (other[i] ?? 0)));
  return largest;
}

/** In colours, the byte that XR24 leaves open. */
export const isColour = (i: number) => i % 4 !== 3;

/** Neighbours are never alike. */
export function drawing(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; i++) bytes[i] = i * 7 + (i >> 9) * 13;
  return bytes;
}

/** NV12 that changes little from pixel to pixel: a codec has little to lose. */
export function smooth(frame: number): Buffer {
  const bytes = Buffer.alloc((width * height * 3) / 2);
  const across = Array.from({ length: width + 1 }, (_, x) => 90 * Math.sin((x + 40 * frame) / 97));
  for (let i = 0; i < bytes.length; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    const isOther = y >= height && x % 2 === 1;
    bytes[i] = 128 + (across[isOther ? width - x : x] ?? 0) * Math.cos((y % height) / 61);
  }
  return bytes;
}

/** BT.601, limited range, which is what a plane has that nothing more is said of; as XR24. */
export function colours(nv12: Buffer): Buffer {
  const bytes = Buffer.alloc(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    const uv = width * height + (y >> 1) * width + (x & ~1);
    const luma = (255 / 219) * ((nv12[i] ?? 0) - 16);
    const [cb, cr] = [nv12[uv] ?? 0, nv12[uv + 1] ?? 0].map((c) => (255 / 224) * (c - 128));
    const [b, r] = [luma + 1.772 * (cb ?? 0), luma + 1.402 * (cr ?? 0)];
    const g = luma - 0.344136 * (cb ?? 0) - 0.714136 * (cr ?? 0);
    for (const [c, value] of [b, g, r].entries())
      bytes[i * 4 + c] = Math.round(Math.min(255, Math.max(0, value)));
  }
  return bytes;
}

/**
 * vkms counts a CRC32 (polynomial 0xedb88320, from 0 on, without the inversions of zlib's) of the lines that it has composed: alpha,
 * red, green and blue of 16 bits.
 */
export function vkmsCrc(xr24: Buffer): number {
  const pixels = new Uint16Array(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    pixels[i * 4] = 0xffff;
    for (let c = 0; c < 3; c++) pixels[i * 4 + 1 + c] = (xr24[i * 4 + 2 - c] ?? 0) * 257;
  }
  return ~crc32(Buffer.from(pixels.buffer), 0xffff_ffff) >>> 0;
}
