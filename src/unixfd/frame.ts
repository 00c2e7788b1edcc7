/** A frame in memory of the broker's, on its way from who made it to whoever is to have it. */
import type { ClientBuffer } from '../client/index.js';
import type { PlaneLayout } from '../memory/plane.js';
import type { Caps, Video } from './codec/caps.js';
import { type FrameLayout, gstLayout } from './codec/layout.js';
import type { Extent, FrameTerms } from './codec/wire.js';

/** What the frames of a stream are. */
export interface Stream {
  readonly caps: Caps;
  readonly video: Video;
  /** As GStreamer lays a frame out. */
  readonly layout: FrameLayout;
}

export function streamOf(caps: Caps, video: Video): Stream {
  return { caps, video, layout: gstLayout(video) };
}

export interface FrameMemory extends Extent {
  /** Its maker's: good until `done`. */
  readonly fd: number;
}

export interface Frame {
  readonly buffer: ClientBuffer;
  readonly memories: readonly FrameMemory[];
  readonly terms: FrameTerms;
  /** Where the planes lie, from the start of the first memory on; null: as the stream's layout has it. */
  readonly planes: readonly PlaneLayout[] | null;
  /** Who has the frame needs it no more: its memory may be written. Called once. */
  done(): void;
}

/** Who is given frames, one after the other. */
export interface Consumer {
  begin(stream: Stream): Promise<void>;
  /** Resolves when the next may come; `done` is called when this one may go. */
  take(frame: Frame): Promise<void>;
  /** There are no more; resolves when all is told. */
  end(): Promise<void>;
  /** Whether anybody would have a frame. */
  readonly wanted: boolean;
}
