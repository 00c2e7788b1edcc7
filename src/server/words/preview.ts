/** What the main thread and the preview thread say to each other. */
import type { ErrorMessage } from '../../memory/errors.js';
import type { PlaneLayout } from '../../memory/plane.js';
import type { Matrix, Range } from '../../pixels/ycbcr.js';

/** How a picture is to be made. */
export interface PreviewTerms {
  /** Pixels of the longer side at most. */
  readonly max: number;
  readonly matrix: Matrix;
  readonly range: Range;
}

/** An image's content, copied out of its memory. */
export interface Content {
  /** Can be mapped; the preview thread's to close. */
  readonly fd: number;
  /** For whoever counts what is not done with. */
  readonly ticket: number;
  /** Bytes. */
  readonly size: number;
  /** DRM fourcc. */
  readonly format: number;
  readonly width: number;
  readonly height: number;
  /** Offsets count from the start of the content. */
  readonly planes: readonly PlaneLayout[];
}

export interface PreviewRequest {
  readonly seq: number;
  readonly content: Content;
  readonly terms: PreviewTerms;
}

/** Whether the thread answers. */
export interface PreviewPing {
  readonly seq: number;
}

export type PreviewReply =
  | { readonly seq: number }
  | { readonly seq: number; readonly png: Uint8Array }
  | { readonly seq: number; readonly error: ErrorMessage };
