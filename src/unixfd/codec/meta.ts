/**
 * GstMetas as they come with a buffer: `u32 bytes of all, u32 bytes of the name, the name, NUL, u8 version, content`
 * (gst_meta_serialize). They are passed on as they are; GstVideoMeta alone is read, since it says where the planes of a
 * frame lie when that is not where GStreamer would put them.
 */
import { MAX_PLANES, type PlaneLayout } from '../../memory/plane.js';
import type { Video } from './caps.js';
import { PeerFault } from './wire.js';

/** In gst_meta_serialize: two lengths, then NUL and version behind the name. */
const HEADER_BYTES = 10;
const VIDEO_META = 'GstVideoMeta';
/** flags, format, width, height, planes; then the padding of four sides. */
const VIDEO_BYTES = 20;

/** Each meta, of so many in the bytes. */
export function cutMetas(bytes: Buffer, count: number): Buffer[] {
  const metas: Buffer[] = [];
  let at = 0;
  for (let index = 0; index < count; index++) {
    if (bytes.length - at < HEADER_BYTES) throw new PeerFault('a meta without a header');
    const size = bytes.readUInt32LE(at);
    const name = bytes.readUInt32LE(at + 4);
    if (size > bytes.length - at || name > size - HEADER_BYTES) {
      throw new PeerFault(`a meta of ${size} bytes, with a name of ${name}`);
    }
    if (bytes[at + 8 + name] !== 0) throw new PeerFault("a meta's name without an end");
    metas.push(bytes.subarray(at, at + size));
    at += size;
  }
  return metas;
}

const nameOf = (meta: Buffer): string => meta.toString('latin1', 8, 8 + meta.readUInt32LE(4));
export const isVideoMeta = (meta: Buffer): boolean => nameOf(meta) === VIDEO_META;

/** The planes that a GstVideoMeta tells, from the start of the buffer; null where there is none, or of a later version. */
export function videoPlanes(metas: readonly Buffer[]): PlaneLayout[] | null {
  const meta = metas.find(isVideoMeta);
  if (meta === undefined) return null;
  const start = HEADER_BYTES + VIDEO_META.length;
  if (meta[start - 1] !== 0) return null;
  const content = meta.subarray(start);
  if (content.length < VIDEO_BYTES) throw new PeerFault('a GstVideoMeta that is cut');
  const count = content.readUInt32LE(16);
  if (count > MAX_PLANES || content.length < VIDEO_BYTES + 12 * count) {
    throw new PeerFault(`a GstVideoMeta of ${count} planes`);
  }
  return Array.from({ length: count }, (_, index) => {
    const offset = content.readBigUInt64LE(VIDEO_BYTES + 8 * index);
    const stride = content.readInt32LE(VIDEO_BYTES + 8 * count + 4 * index);
    if (offset > 0xffff_ffffn || stride <= 0) {
      throw new PeerFault(`a plane at ${offset} with rows of ${stride} bytes`);
    }
    return { offset: Number(offset), stride };
  });
}

/** GstVideoFormat (video-format.h). */
const NUMBERS: Readonly<Record<string, number>> = {
  ...{ RGBx: 7, BGRx: 8, xRGB: 9, xBGR: 10, RGBA: 11, BGRA: 12, ARGB: 13, ABGR: 14 },
  ...{ RGB: 15, BGR: 16, RGB16: 29, BGR16: 30 },
  ...{ BGR10A2_LE: 85, RGB10A2_LE: 86, RGBA64_LE: 104 },
  ...{ GRAY8: 25, GRAY16_LE: 27, YUY2: 4, UYVY: 5, NV12: 23, NV21: 24, NV16: 51, NV24: 52 },
  ...{ P010_10LE: 62, P012_LE: 92, P016_LE: 90, I420: 2, YV12: 3, Y42B: 18, Y444: 20 },
};
const DMA_DRM = 114;

/** A GstVideoMeta of these planes, counted from the start of the buffer. `format` is GStreamer's name, or null with a modifier. */
export function videoMeta(
  { width, height }: Pick<Video, 'width' | 'height'>,
  format: string | null,
  planes: readonly PlaneLayout[],
): Buffer {
  const start = HEADER_BYTES + VIDEO_META.length;
  // Four sides of padding, and an alignment for each plane, which are none.
  const meta = Buffer.alloc(start + VIDEO_BYTES + 16 + 16 * planes.length);
  meta.writeUInt32LE(meta.length, 0);
  meta.writeUInt32LE(VIDEO_META.length, 4);
  meta.write(VIDEO_META, 8, 'latin1');
  const content = meta.subarray(start);
  content.writeUInt32LE(NUMBERS[format ?? ''] ?? DMA_DRM, 4);
  content.writeUInt32LE(width, 8);
  content.writeUInt32LE(height, 12);
  content.writeUInt32LE(planes.length, 16);
  for (const [index, { offset, stride }] of planes.entries()) {
    content.writeBigUInt64LE(BigInt(offset), VIDEO_BYTES + 8 * index);
    content.writeInt32LE(stride, VIDEO_BYTES + 8 * planes.length + 4 * index);
  }
  return meta;
}
