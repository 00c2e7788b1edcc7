/**
 * One memory that leaves the process as several types of fd: a dma_buf and, beside it, CUDA's POSIX file descriptor or the
 * memfd behind a udmabuf. The first type is what the kernel counts best, and what all else is said of (`Allocation`);
 * the others are its further faces.
 */
import { BrokerError } from './errors.js';
import type { Allocation, HandleType } from './source.js';

/** What memory of a source may leave as; the first is a dma_buf, where it is one. */
const ORDER: readonly HandleType[] = ['dma_buf', 'memfd', 'opaque_fd'];

/** The further types that are asked for beside the first. */
export function beside(first: HandleType, types: readonly HandleType[]): readonly HandleType[] {
  return ORDER.filter((type) => type !== first && types.includes(type));
}

/** Whether somebody may have it in a way that no file tells of, beside the first one. */
export const hasOpaqueFace = ({ faces }: Pick<Allocation, 'faces'>): boolean =>
  faces?.some(({ handleType }) => handleType === 'opaque_fd') ?? false;

type Faced = Pick<Allocation, 'handleType' | 'planes' | 'faces'>;

/** All types that fds of it are of, in the order of `everyFd`. */
export function typesOf({ handleType, faces = [] }: Omit<Faced, 'planes'>): readonly HandleType[] {
  return [handleType, ...faces.filter(({ fds }) => fds.length > 0).map((face) => face.handleType)];
}

/** An fd for each plane, of each of the types that are named. */
export function fdsOf(allocation: Faced, types: readonly HandleType[]): readonly number[] {
  const [all, count] = [everyFd(allocation), allocation.planes.length];
  return typesOf(allocation).flatMap((type, at) =>
    types.includes(type) ? all.slice(at * count, (at + 1) * count) : [],
  );
}

/** Throws where memory that somebody is to have is not had as all of these. */
export function checkFaces(id: string, faced: Faced, types: readonly HandleType[]): void {
  const possible = typesOf(faced);
  if (types.every((type) => possible.includes(type))) return;
  const message = `${id} is had as ${possible.join(' and ')}, and was asked for as ${types.join(' and ')}`;
  throw new BrokerError('unsupported_handle_type', message, {
    constraint: 'handle_types',
    requested: types,
    possible,
  });
}

/** An fd for each plane, for each type: as they are told. */
export function everyFd({ planes, faces }: Omit<Faced, 'handleType'>): readonly number[] {
  const first = planes.map(({ fd }) => fd);
  if (faces === undefined) return first;
  const others = faces
    .filter(({ fds }) => fds.length > 0)
    .flatMap(({ fds }) => planes.map(({ memory }) => fds[memory] as number));
  return [...first, ...others];
}
