/**
 * DRM fourcc codes and format modifiers as numbers and as text (drm_fourcc.h). What the formats
 * look like in memory stands in formats.ts.
 */

/** `fourcc_code(a, b, c, d)` of drm_fourcc.h. */
export function fourcc(name: string): number {
  if (!/^[\x20-\x7e]{4}$/.test(name)) throw new RangeError(`not a fourcc: ${name}`);
  const byte = (i: number) => name.charCodeAt(i);
  return (byte(0) | (byte(1) << 8) | (byte(2) << 16) | (byte(3) << 24)) >>> 0;
}

/** The four characters of a code, e.g. `XR24`; its number where they are no characters. */
export function fourccName(code: number): string {
  return isFourcc(code) ? characters(code) : `0x${code.toString(16).padStart(8, '0')}`;
}

/** Whether a code can be written as its characters. */
export const isFourcc = (code: number): boolean => /^[\x20-\x7e]{4}$/.test(characters(code));

const characters = (code: number): string =>
  String.fromCharCode(code & 255, (code >> 8) & 255, (code >> 16) & 255, code >>> 24);

/** DRM_FORMAT_MOD_LINEAR */
export const MOD_LINEAR = 0n;
/** DRM_FORMAT_MOD_INVALID: "implicit"; never a Vulkan modifier. */
export const MOD_INVALID = 0x00ff_ffff_ffff_ffffn;

/** A modifier as it is written everywhere outside: 0x and 16 hexadecimal digits. */
export function modifierText(modifier: bigint): string {
  return `0x${modifier.toString(16).padStart(16, '0')}`;
}
