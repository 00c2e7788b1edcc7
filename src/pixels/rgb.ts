/**
 * One pixel of an RGB format as 8-bit red, green, blue, alpha. Where the components lie follows from
 * drm_fourcc.h's own name: letters and bits, from the high end of a little-endian word.
 */
import type { FormatInfo } from '../memory/formats.js';

/** Red, green, blue, alpha of one pixel, 0 to 255 each, written from `at` on. */
export type ReadPixel = (
  bytes: Uint8Array,
  from: number,
  out: Uint8ClampedArray,
  at: number,
) => void;

interface Component {
  /** Bits from the low end of the pixel, and how many there are. */
  readonly shift: number;
  readonly bits: number;
}

/** The digits of the names in use, which cannot be split without knowing: 2101010 is 2, 10, 10, 10. */
const widths: Readonly<Record<string, readonly number[]>> = {
  '8': [8],
  '16': [16],
  '88': [8, 8],
  '565': [5, 6, 5],
  '888': [8, 8, 8],
  '1616': [16, 16],
  '8888': [8, 8, 8, 8],
  '2101010': [2, 10, 10, 10],
  '16161616': [16, 16, 16, 16],
};

function components(drm: string): { of: Map<string, Component>; float: boolean } {
  const [, letters = '', digits = '', float] = /^([ARGBX]+)(\d+)(F?)$/.exec(drm) ?? [];
  const bits = widths[digits];
  if (bits === undefined || bits.length !== letters.length) {
    throw new Error(`${drm} is no RGB format that is known here`);
  }
  const of = new Map<string, Component>();
  let shift = bits.reduce((sum, each) => sum + each, 0);
  for (const [index, letter] of [...letters].entries()) {
    const width = bits[index] ?? 0;
    shift -= width;
    of.set(letter, { shift, bits: width });
  }
  return { of, float: float === 'F' };
}

/**
 * How pixels of a format are read. Formats of one component are shown as grey, missing components
 * as 0, missing alpha as opaque. Half floats are cut to 0…1. Throws for a YCbCr format.
 */
export function rgbReader({ drm }: FormatInfo): ReadPixel {
  const { of, float } = components(drm);
  const value = (letter: string) => reader(of.get(letter), float);
  const red = value('R');
  const only = of.size === 1;
  const green = only ? red : value('G');
  const blue = only ? red : value('B');
  const alpha = of.has('A') ? value('A') : () => 255;
  return (bytes, from, out, at) => {
    out[at] = red(bytes, from);
    out[at + 1] = green(bytes, from);
    out[at + 2] = blue(bytes, from);
    out[at + 3] = alpha(bytes, from);
  };
}

type ReadComponent = (bytes: Uint8Array, from: number) => number;

/** A component as 0 to 255. No component crosses more than four bytes. */
function reader(component: Component | undefined, float: boolean): ReadComponent {
  if (component === undefined) return () => 0;
  const { shift, bits } = component;
  const first = shift >> 3;
  const rest = shift & 7;
  const length = (rest + bits + 7) >> 3;
  const max = 2 ** bits - 1;
  const raw: ReadComponent = (bytes, from) => {
    let word = 0;
    for (let i = 0; i < length; i++) word += (bytes[from + first + i] ?? 0) * 2 ** (8 * i);
    return Math.floor(word / 2 ** rest) & max;
  };
  if (float) return (bytes, from) => 255 * halfFloat(raw(bytes, from));
  return (bytes, from) => (255 * raw(bytes, from)) / max;
}

/** IEEE 754 binary16, cut to 0…1; NaN is 0. */
function halfFloat(half: number): number {
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (half >> 15 === 1 || (exponent === 31 && fraction !== 0)) return 0;
  const value = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
  return Math.min(1, value);
}
