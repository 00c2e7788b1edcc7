/**
 * GstMetas as they come with a buffer: `u32 bytes of all, u32 bytes of the name, the name, NUL, u8 version, content`
 * (gst_meta_serialize). They are passed on as they are; GstVideoMeta alone is read, since it says where the planes of a
 * frame lie when that is not where GStreamer would put them.
 */
import { MAX_PLANES, type PlaneLayout } from '../../memory/plane.js';
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
