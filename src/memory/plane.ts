/**
 * A memory plane's place, in linux-dmabuf-v1's words: the one shape of it, whoever laid the plane out.
 */

/** linux-dmabuf-v1 has at most four planes. */
export const MAX_PLANES = 4;

/** Where a plane lies in its memory, whichever that is: as it is dictated, and as a driver answers. */
export interface PlaneLayout {
  /** Bytes from the start of the memory. */
  readonly offset: number;
  /** Bytes from one row to the next; 0 for linear memory. */
  readonly stride: number;
}

/** The same with the memory that it lies in. */
export interface PlanePlace extends PlaneLayout {
  /** Index into the `memories` of its layout, plan or allocation. */
  readonly memory: number;
}

/** A plane that there is; planes in one memory have the same fd. */
export interface Plane extends PlanePlace {
  /** Owned by whoever holds the Allocation. */
  readonly fd: number;
}

/** A plane that a client brings: which memory it lies in, its fd says. */
export interface BroughtPlane extends PlaneLayout {
  readonly fd: number;
}
