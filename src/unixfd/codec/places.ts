/**
 * How a frame that somebody else has drawn is sent, wherever its planes lie: GStreamer counts from the start of its first
 * memory on, as if one followed the other, so that pieces of the same memory can be put in the order that it expects. Rows of
 * another length than its own can be said by a GstVideoMeta alone, which unixfdsrc drops until an element of its process has
 * looked for one.
 */
import type { PlaneLayout, PlanePlace } from '../../memory/plane.js';
import type { FrameLayout } from './layout.js';
import { LineFault } from './token-lines.js';
import { type Extent, MAX_MEMORIES } from './wire.js';

/** A piece of one of the buffer's memories. */
export interface Piece extends Extent {
  readonly memory: number;
}

export interface Placed {
  readonly pieces: readonly Piece[];
  /** What a GstVideoMeta has to say; null: nothing, they are where GStreamer expects them. */
  readonly told: readonly PlaneLayout[] | null;
}

export interface PlacedTerms {
  readonly layout: FrameLayout;
  /** Whether rows are bytes one after the other. */
  readonly linear: boolean;
  /** Whether those who take the frames look for a GstVideoMeta. */
  readonly mayTell: boolean;
  /** Bytes of each memory. */
  readonly memories: readonly number[];
}

/** Throws LineFault, which says what to do. */
export function place(planes: readonly PlanePlace[], terms: PlacedTerms): Placed {
  const { layout, linear, memories } = terms;
  for (const [index, { memory }] of planes.entries()) {
    if (memories[memory] !== undefined) continue;
    throw new LineFault(
      `plane ${index} is in memory ${memory}, and the buffer has ${memories.length}`,
    );
  }
  // Where they end only a driver knows.
  if (!linear) return whole(planes, memories);
  if (planes.length !== layout.planes.length) {
    throw new LineFault(
      `${planes.length} planes where ${layout.fourcc} has ${layout.planes.length}`,
    );
  }
  for (const [index, { memory, offset, stride }] of planes.entries()) {
    const { bytes, count } = layout.rows[index] ?? { bytes: 0, count: 1 };
    if (stride < bytes) {
      throw new LineFault(`plane ${index} has rows of ${stride} bytes, and ${bytes} are a row`);
    }
    inMemory(`plane ${index}`, offset, offset + stride * (count - 1) + bytes, memories[memory]);
  }
  const odd = planes.findIndex(({ stride }, index) => stride !== layout.planes[index]?.stride);
  if (odd < 0) return { pieces: asGStreamerHasThem(planes, terms), told: null };
  if (terms.mayTell) return whole(planes, memories);
  throw new LineFault(
    `plane ${odd} has rows of ${planes[odd]?.stride} bytes, and GStreamer's have ${layout.planes[odd]?.stride}: ` +
      `allocate it with the layout ${JSON.stringify(layout.planes)}, or, where all who take the frames import ` +
      'dma_bufs, say video/x-raw(memory:DMABuf) in the caps',
  );
}

function inMemory(what: string, start: number, end: number, size = 0): void {
  if (end <= size) return;
  throw new LineFault(
    `${what} lies at ${start} to ${end}, and the buffer's memory has ${size} bytes`,
  );
}

/** One piece where they are one behind the other already, else one for each plane. */
function asGStreamerHasThem(
  planes: readonly PlanePlace[],
  { layout, memories }: PlacedTerms,
): readonly Piece[] {
  const { memory = 0, offset = 0 } = planes[0] ?? {};
  const together = planes.every(
    (plane, index) =>
      plane.memory === memory && plane.offset - offset === layout.planes[index]?.offset,
  );
  const pieces = together
    ? [{ memory, offset, size: layout.size }]
    : planes.map((plane, index) => {
        const next = layout.planes[index + 1]?.offset ?? layout.size;
        const size = next - (layout.planes[index]?.offset ?? 0);
        return { memory: plane.memory, offset: plane.offset, size };
      });
  for (const piece of pieces) {
    const end = piece.offset + piece.size;
    inMemory('what GStreamer reads of the frame', piece.offset, end, memories[piece.memory]);
  }
  return pieces;
}

/** All of each memory. */
function whole(planes: readonly PlanePlace[], memories: readonly number[]): Placed {
  if (memories.length > MAX_MEMORIES)
    throw new LineFault(`a buffer of ${memories.length} memories`);
  const starts = memories.map((_, index) =>
    memories.slice(0, index).reduce((sum, size) => sum + size, 0),
  );
  return {
    pieces: memories.map((size, memory) => ({ memory, offset: 0, size })),
    told: planes.map(({ memory, offset, stride }, index) => {
      inMemory(`plane ${index}`, offset, offset + 1, memories[memory]);
      return { offset: (starts[memory] ?? 0) + offset, stride };
    }),
  };
}
