/** Vulkan's version numbers ("Version Numbers"): VK_MAKE_API_VERSION and back. */

export function apiVersion(major: number, minor: number, patch = 0): number {
  return ((major << 22) | (minor << 12) | patch) >>> 0;
}

/** E.g. `1.4.305`. The variant, nonzero for other APIs than Vulkan, is not written. */
export function versionText(version: number): string {
  return `${(version >>> 22) & 0x7f}.${(version >>> 12) & 0x3ff}.${version & 0xfff}`;
}

/** The oldest version that has what the broker cannot do without: external memory, the "2" queries. */
export const OLDEST = apiVersion(1, 1);
/** The newest version that the broker is written against. */
export const NEWEST = apiVersion(1, 3);
