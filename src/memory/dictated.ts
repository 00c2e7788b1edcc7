/**
 * A layout that the client dictates: where each plane of an image lies and how long its rows are. Where
 * the broker lays images out itself it is checked here; where a driver does, by the driver.
 */

import { type Alignment, alignUp, DEFAULT_ALIGNMENT, strictest } from './alignment.js';
import { BrokerError } from './errors.js';
import { type FormatInfo, formatInfo } from './formats.js';
import { MOD_LINEAR } from './fourcc.js';
import {
  type LayoutPlane,
  type LinearLayout,
  linearLayout,
  MAX_OFFSET,
  planeEnd,
  rowBytes,
} from './layout.js';
import type { PlaneLayout } from './plane.js';
import type { Constraint, Possible } from './refusal-words.js';
import type { ImageSpec } from './source.js';

function refuse(
  constraint: Constraint,
  message: string,
  requested: unknown,
  possible: Possible,
): never {
  throw new BrokerError('invalid_argument', message, { constraint, requested, possible });
}

/** What holds of every dictated layout, whoever judges the rest. */
export function checkDictated({ layout, modifiers }: ImageSpec): void {
  if (layout === undefined) return;
  if (modifiers.length !== 1) {
    const message = 'a layout belongs to one modifier: exactly one must be given with it';
    refuse('modifiers', message, modifiers.length, 1);
  }
  for (const [index, place] of layout.entries()) {
    for (const what of ['offset', 'stride'] as const) {
      const value = place[what];
      const min = what === 'stride' ? 1 : 0;
      if (Number.isSafeInteger(value) && value >= min && value <= MAX_OFFSET) continue;
      const message = `the ${what} of a plane has 32 bits`;
      refuse(`layout.${index}.${what}`, message, value, { min, max: MAX_OFFSET });
    }
  }
}

/** The number of places must be the number of planes. */
export function checkPlaneCount(layout: readonly PlaneLayout[], planes: number): void {
  if (layout.length === planes) return;
  refuse('layout', `the image has ${planes} planes`, layout.length, { planes });
}

/**
 * The memory that a driver asks for an image of a dictated layout must reach to the end of its planes;
 * of a layout that only the driver knows, beyond where they begin. Throws `unsupported_layout`.
 */
export function checkRoom(spec: ImageSpec, places: readonly PlaneLayout[], bytes: number): void {
  const format = formatInfo(spec.format);
  const linear = spec.modifiers[0] === MOD_LINEAR;
  const ends = places.map((place, index) => {
    const plane = linear ? format?.planes[index] : undefined;
    return plane === undefined ? place.offset + 1 : planeEnd(plane, spec, place);
  });
  const end = Math.max(...ends);
  if (end <= bytes) return;
  const message = `the planes end at ${end}, the driver's image has ${bytes} bytes`;
  throw new BrokerError('unsupported_layout', message, {
    constraint: 'layout',
    requested: { end },
    possible: { max: bytes },
  });
}

/** LINEAR as the spec dictates it, else as the broker lays it out (`linearLayout`). */
export function layoutOf(
  format: FormatInfo,
  spec: ImageSpec,
  alignment: Alignment = spec.alignment ?? {},
): LinearLayout {
  const { layout, separatePlanes } = spec;
  if (layout === undefined) return linearLayout(format, spec, alignment, separatePlanes);
  return dictatedLayout(format, spec, layout, alignment);
}

/** Throws `invalid_argument` for a layout in which the planes do not fit or overlap. */
function dictatedLayout(
  format: FormatInfo,
  spec: ImageSpec,
  places: readonly PlaneLayout[],
  alignment: Alignment,
): LinearLayout {
  checkPlaneCount(places, format.planes.length);
  const align = strictest({}, alignment);
  const separate = spec.separatePlanes === true;
  const height = alignUp(spec.height, align.height);
  const planes = format.planes.map((plane, index): LayoutPlane => {
    const { offset, stride } = places[index] as PlaneLayout;
    const row = rowBytes(plane, spec.width);
    if (stride < row) {
      const message = 'a row does not fit in the stride';
      refuse(`layout.${index}.stride`, message, stride, { min: row });
    }
    // The largest power of two in it: pixels of three bytes lie anywhere.
    const unit = plane.bytesPerBlock & -plane.bytesPerBlock;
    multiple(`layout.${index}.stride`, stride, align.stride, unit);
    multiple(`layout.${index}.offset`, offset, align.offset, unit);
    const rows = Math.ceil(height / plane.vsub);
    // Both have 32 bits and rows 17: no sum here comes near 2^53.
    return { memory: separate ? index : 0, offset, stride, rows, size: stride * rows };
  });
  if (!separate) checkApart(planes);
  const size = Math.max(DEFAULT_ALIGNMENT.size, align.size);
  const ends = planes.map((plane) => plane.offset + plane.size);
  const memories = separate ? ends : [Math.max(...ends)];
  return { planes, memories: memories.map((end) => alignUp(end, size)) };
}

/** Of what is demanded, and of what pixels are aligned to. */
function multiple(
  constraint: Constraint,
  requested: number,
  demanded: number,
  bytes: number,
): void {
  const unit = Math.max(demanded, bytes);
  if (requested % unit === 0) return;
  refuse(constraint, `it must be a multiple of ${unit}`, requested, { multiple_of: unit });
}

function checkApart(planes: readonly LayoutPlane[]): void {
  for (const [index, { offset, size }] of planes.entries()) {
    const other = planes.findIndex(
      (plane, i) => i < index && offset < plane.offset + plane.size && plane.offset < offset + size,
    );
    if (other < 0) continue;
    const message = `planes ${other} and ${index} overlap`;
    const { offset: start, size: bytes } = planes[other] as LayoutPlane;
    refuse(`layout.${index}.offset`, message, offset, { min: start + bytes });
  }
}
