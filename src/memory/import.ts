/**
 * Memory that somebody else made and wants registered: do the offsets and strides that the client
 * gives lie in the memory that its dma_bufs have? Pure: how large they are comes in from outside.
 */

import { BrokerError } from './errors.js';
import { formatInfo } from './formats.js';
import { fourccName, isFourcc, MOD_LINEAR } from './fourcc.js';
import { planeEnd, rowBytes } from './layout.js';
import type { BroughtPlane, PlaneLayout } from './plane.js';
import type { Constraint, Possible } from './refusal-words.js';
import type { ImageSpec, MemorySpec } from './source.js';

/** A plane's fd is something else; `kind` says what. */
export function noDmaBuf(plane: number, kind: string): BrokerError {
  return new BrokerError('invalid_argument', `plane ${plane} is no dma_buf but ${kindText(kind)}`, {
    constraint: `planes.${plane}.fd`,
    requested: kind,
    possible: 'dma_buf',
  });
}

/** In a sentence. */
function kindText(kind: string): string {
  if (kind === 'path') return 'opened with O_PATH';
  return kind === 'other' ? 'another kind of file' : `a ${kind}`;
}

function refuse(
  constraint: Constraint,
  message: string,
  requested: unknown,
  possible?: Possible,
): never {
  throw new BrokerError('invalid_argument', message, {
    constraint,
    requested,
    ...(possible === undefined ? {} : { possible }),
  });
}

/**
 * Throws where the planes do not lie in their memories, or two of them in the same bytes. `sizes[i]` is the
 * size in bytes of plane i's dma_buf, `memories[i]` tells which one that is. A layout other than linear is
 * its driver's own: there only offsets are compared.
 */
export function checkImport(
  spec: MemorySpec,
  planes: readonly BroughtPlane[],
  sizes: readonly number[],
  memories: readonly unknown[],
): void {
  if (spec.kind === 'image') checkFormat(spec.format);
  for (const [index, { offset }] of planes.entries()) {
    const size = sizes[index] ?? 0;
    if (offset >= size)
      refuse(`planes.${index}.offset`, 'the plane begins behind its memory', offset, {
        max: size - 1,
      });
  }
  if (spec.kind === 'buffer') checkLinear(spec.size, planes, sizes);
  else if (spec.modifiers[0] === MOD_LINEAR) checkImage(spec, planes, sizes, memories);
}

/** Whatever has a fourcc can be passed on; 0 is DRM_FORMAT_INVALID, and on the wire linear memory. */
function checkFormat(format: number): void {
  if (isFourcc(format)) return;
  throw new BrokerError('unsupported_format', 'a format has four ASCII characters (drm_fourcc.h)', {
    constraint: 'format',
    requested: fourccName(format),
  });
}

function checkLinear(
  bytes: number,
  planes: readonly BroughtPlane[],
  sizes: readonly number[],
): void {
  if (planes.length !== 1) refuse('planes', 'linear memory has one plane', planes.length, 1);
  const room = (sizes[0] ?? 0) - (planes[0]?.offset ?? 0);
  if (bytes > room)
    refuse('size', `the memory has ${room} bytes from the offset on`, bytes, { max: room });
}

function checkImage(
  spec: ImageSpec,
  planes: readonly BroughtPlane[],
  sizes: readonly number[],
  memories: readonly unknown[],
): void {
  const format = formatInfo(spec.format);
  // A format that the broker does not know can be passed on all the same; its planes are not judged.
  if (format === undefined) return;
  if (planes.length !== format.planes.length) {
    const count = format.planes.length;
    refuse('planes', `${format.name} has ${count} planes`, planes.length, count);
  }
  for (const [index, plane] of format.planes.entries()) {
    const { offset = 0, stride = 0 } = planes[index] ?? {};
    const row = rowBytes(plane, spec.width);
    if (stride < row)
      refuse(`planes.${index}.stride`, 'a row does not fit in the stride', stride, { min: row });
    const end = planeEnd(plane, spec, { offset, stride });
    const size = sizes[index] ?? 0;
    if (end > size)
      refuse(`planes.${index}`, `the plane ends at ${end}, its memory at ${size}`, end, {
        max: size,
      });
  }
  const all = format.planes.map((plane, index) => ({
    offset: planes[index]?.offset ?? 0,
    stride: planes[index]?.stride ?? 0,
    bytes: rowBytes(plane, spec.width),
    rows: Math.ceil(spec.height / plane.vsub),
    memory: memories[index],
  }));
  for (const [index, plane] of all.entries()) {
    const other = all.findIndex(
      (each, i) => i < index && each.memory === plane.memory && touch(each, plane),
    );
    if (other < 0) continue;
    refuse(`planes.${index}.offset`, `planes ${other} and ${index} overlap`, plane.offset);
  }
}

interface RowsInMemory extends PlaneLayout {
  readonly bytes: number;
  readonly rows: number;
}

/** Whether a row of one lies in a row of the other: rows of two planes may take turns. */
function touch(a: RowsInMemory, b: RowsInMemory): boolean {
  for (let [i, j] = [0, 0]; i < a.rows && j < b.rows; ) {
    const [one, other] = [a.offset + i * a.stride, b.offset + j * b.stride];
    if (one < other + b.bytes && other < one + a.bytes) return true;
    if (one < other) i++;
    else j++;
  }
  return false;
}
