/**
 * Which memory of a buffer each plane lies in: GStreamer counts a plane's offset from the start of the first memory on, as if
 * one followed the other.
 */
import type { PlaneLayout } from '../../memory/plane.js';
import type { FrameLayout } from './layout.js';
import { type Extent, PeerFault } from './wire.js';

export interface PlaneInMemory extends PlaneLayout {
  /** Index of the memory; `offset` is from the start of its file. */
  readonly memory: number;
}

/** Throws PeerFault where a plane does not lie in one of them. */
export function planesIn(
  memories: readonly Extent[],
  layout: FrameLayout,
  told: readonly PlaneLayout[] | null,
): PlaneInMemory[] {
  const planes = told ?? layout.planes;
  if (planes.length !== layout.planes.length) {
    throw new PeerFault(
      `${planes.length} planes where ${layout.fourcc} has ${layout.planes.length}`,
    );
  }
  return planes.map(({ offset, stride }, index) => {
    const { bytes, count } = layout.rows[index] ?? { bytes: 0, count: 1 };
    const end = offset + stride * (count - 1) + bytes;
    let start = 0;
    for (const [memory, { size, offset: from }] of memories.entries()) {
      if (offset >= start && end <= start + size && stride >= bytes) {
        return { memory, offset: from + offset - start, stride };
      }
      start += size;
    }
    throw new PeerFault(`plane ${index} of ${end} bytes does not lie in one of its memories`);
  });
}

/** Copies rows to where GStreamer has them when nobody says it otherwise. */
export function repack(
  from: Buffer,
  planes: readonly PlaneLayout[],
  layout: FrameLayout,
  to: Buffer,
): void {
  for (const [index, { bytes, count }] of layout.rows.entries()) {
    const [source, target] = [planes[index], layout.planes[index]];
    if (source === undefined || target === undefined) return;
    for (let row = 0; row < count; row++) {
      const start = source.offset + row * source.stride;
      from.copy(to, target.offset + row * target.stride, start, start + bytes);
    }
  }
}
