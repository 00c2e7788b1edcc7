/**
 * DRM fourcc codes (drm_fourcc.h) and the layout facts of the formats that the broker knows.
 */

/** `fourcc_code(a, b, c, d)` of drm_fourcc.h. */
export function fourcc(name: string): number {
  if (!/^[\x20-\x7e]{4}$/.test(name)) throw new RangeError(`not a fourcc: ${name}`);
  const byte = (i: number) => name.charCodeAt(i);
  return (byte(0) | (byte(1) << 8) | (byte(2) << 16) | (byte(3) << 24)) >>> 0;
}

/** The four characters of a code, e.g. `XR24`. */
export function fourccName(code: number): string {
  return String.fromCharCode(code & 255, (code >> 8) & 255, (code >> 16) & 255, code >>> 24);
}

/** DRM_FORMAT_MOD_LINEAR */
export const MOD_LINEAR = 0n;
/** DRM_FORMAT_MOD_INVALID: "implicit"; never a Vulkan modifier. */
export const MOD_INVALID = 0x00ff_ffff_ffff_ffffn;

export interface FormatInfo {
  readonly name: string;
  readonly code: number;
  readonly bytesPerPixel: number;
  /** The VkFormat with the same bytes in memory; X formats are sampled with alpha ignored. */
  readonly vkFormat: string;
}

const info = (name: string, bytesPerPixel: number, vkFormat: string): FormatInfo => ({
  name,
  code: fourcc(name),
  bytesPerPixel,
  vkFormat,
});

/** drm_fourcc.h names components from the high bits of a little-endian word, Vulkan from byte 0. */
export const formats: readonly FormatInfo[] = [
  info('AR24', 4, 'VK_FORMAT_B8G8R8A8_UNORM'),
  info('XR24', 4, 'VK_FORMAT_B8G8R8A8_UNORM'),
  info('AB24', 4, 'VK_FORMAT_R8G8B8A8_UNORM'),
  info('XB24', 4, 'VK_FORMAT_R8G8B8A8_UNORM'),
];

const byCode = new Map(formats.map((format) => [format.code, format]));

export function formatInfo(code: number): FormatInfo | undefined {
  return byCode.get(code);
}

/** A modifier as it is written everywhere outside: 0x and 16 hexadecimal digits. */
export function modifierText(modifier: bigint): string {
  return `0x${modifier.toString(16).padStart(16, '0')}`;
}
