/** What displays have said of memory for scanout, where the daemon may ask them (`displays.ask`). */
import type { PlaneLayout } from './plane.js';

/**
 * `verified`: each display that was asked takes this very memory. `refused`: one does not. `unverified`: one could not
 * be asked.
 */
export interface Scanout {
  readonly state: 'verified' | 'refused' | 'unverified';
  /** A sentence for people: which display, and what it has said. */
  readonly reason: string;
}

/** What one card has said; `absent`: it is not there, or there is no display on it. */
export type CardScanout = Scanout & { readonly absent?: true };

/** An image in memory, as a display is shown it. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** DRM fourcc. */
  readonly format: number;
  readonly modifier: bigint;
  /** The fds are their giver's. */
  readonly planes: readonly (PlaneLayout & { readonly fd: number })[];
}
