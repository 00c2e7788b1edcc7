/** fds of a buffer's planes: one for each type that the memory was made as. */
import { close } from '../native/libc/fd.js';
import type { ReceivedPlane } from './description.js';

export function closePlanes(planes: readonly (ReceivedPlane | undefined)[]): void {
  const fds = new Set<number>();
  for (const plane of planes) {
    if (plane === undefined) continue;
    fds.add(plane.fd);
    for (const { fd } of plane.further ?? []) fds.add(fd);
  }
  for (const fd of fds) close(fd);
}
