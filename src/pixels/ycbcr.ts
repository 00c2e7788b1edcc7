/**
 * From luma and chroma to red, green and blue: ITU-R BT.601, BT.709 and BT.2020 (non-constant
 * luminance), limited and full range. The transfer function is left as it is: a preview shows
 * the encoded values.
 */

export const MATRICES = ['bt601', 'bt709', 'bt2020'] as const;
export type Matrix = (typeof MATRICES)[number];
export const RANGES = ['limited', 'full'] as const;
export type Range = (typeof RANGES)[number];

/** Kr and Kb of each recommendation; Kg is what is left of 1. */
const weights: Readonly<Record<Matrix, { kr: number; kb: number }>> = {
  bt601: { kr: 0.299, kb: 0.114 },
  bt709: { kr: 0.2126, kb: 0.0722 },
  bt2020: { kr: 0.2627, kb: 0.0593 },
};

/** Writes red, green and blue (0 to 255) of one sample, given as fractions 0…1 of its full scale. */
export type ToRgb = (y: number, cb: number, cr: number, out: Uint8ClampedArray, at: number) => void;

/**
 * Limited range: luma 16 to 235 and chroma 16 to 240 of 8 bits, scaled by powers of two for more
 * (BT.709 section 4, BT.2020 section 5); full range: all of the bits. `bits` of the samples.
 */
export function converter(matrix: Matrix, range: Range, bits: number): ToRgb {
  const { kr, kb } = weights[matrix];
  const kg = 1 - kr - kb;
  const top = 2 ** bits - 1;
  const unit = 2 ** (bits - 8) / top;
  const limited = range === 'limited';
  const black = limited ? 16 * unit : 0;
  const lumaSpan = limited ? 219 * unit : 1;
  const chromaSpan = limited ? 224 * unit : 1;
  // The middle of chroma is 2^(bits-1), in both ranges.
  const middle = 128 * unit;
  return (y, cb, cr, out, at) => {
    const luma = (y - black) / lumaSpan;
    const blue = (cb - middle) / chromaSpan;
    const red = (cr - middle) / chromaSpan;
    const r = luma + 2 * (1 - kr) * red;
    const b = luma + 2 * (1 - kb) * blue;
    out[at] = 255 * r;
    out[at + 1] = (255 * (luma - kr * r - kb * b)) / kg;
    out[at + 2] = 255 * b;
  };
}
