/**
 * Which of the broker's formats, with which DRM format modifiers, a device exports: what it lists
 * (VkDrmFormatModifierPropertiesListEXT) less what it then refuses to export.
 */
import { type FormatInfo, formats } from '../../memory/formats.js';
import { MOD_LINEAR } from '../../memory/fourcc.js';
import { type FormatOffer, Usage } from '../../memory/source.js';
import { Arena } from '../arena.js';
import {
  VkDrmFormatModifierPropertiesEXT,
  VkDrmFormatModifierPropertiesListEXT,
  VkFormat,
  VkFormatProperties2,
} from './layout.gen.js';
import { read, readArray, write, writeArray } from './struct.js';
import { bufferSupport, imageSupport, type Queried } from './support.js';
import { bufferUsage, imageUsage, imageUsages, type VulkanHandleType } from './usage.js';

/** A format with one modifier, as a device offers it. */
export interface ModifierOffer {
  readonly format: FormatInfo;
  readonly modifier: bigint;
  /** Memory planes; more than the format's own where a modifier adds auxiliary ones. */
  readonly planes: number;
  /** The usages (bits of `Usage`) that the device exports it for, each on its own. */
  readonly usages: number;
}

/**
 * The VkFormat of a format, or null where it has none that can be asked about: 2PLANE_444 needs a
 * feature (ycbcr2plane444Formats) that the device is not created with.
 */
export function vkFormatOf(format: FormatInfo): number | null {
  if (format.vkFormat === null || format.vkFormat.includes('_2PLANE_444_')) return null;
  const value = (VkFormat as Readonly<Record<string, number>>)[format.vkFormat];
  if (value === undefined) throw new Error(`layout.gen.ts has no ${format.vkFormat}`);
  return value;
}

/** In the driver's order, which is best first where it has one. */
export function exportableFormats(device: Queried, handleType: VulkanHandleType): ModifierOffer[] {
  return formats.flatMap((format) => {
    const vkFormat = vkFormatOf(format);
    if (vkFormat === null) return [];
    return modifiersOf(device, vkFormat)
      .map(({ modifier, planes }) => ({
        format,
        modifier,
        planes,
        usages: usagesOf(device, vkFormat, modifier, handleType),
      }))
      .filter(({ usages }) => usages !== 0);
  });
}

/** The formats of which the device exports no LINEAR image: the broker lays them out. */
export function formatsToLayOut(offers: readonly ModifierOffer[]): FormatInfo[] {
  const linear = offers.filter(({ modifier }) => modifier === MOD_LINEAR);
  return formats.filter((format) => !linear.some((offer) => offer.format === format));
}

/** The driver's images first; then every format that it has no LINEAR image of, which is laid out by the broker. */
export function dmaBufOffers(offers: readonly ModifierOffer[]): FormatOffer[] {
  const common = { source: 'vulkan', handleType: 'dma_buf' } as const;
  const images = offers.map(({ format, modifier, planes }) => ({
    ...common,
    format: format.code,
    modifier,
    planes,
    made: 'image' as const,
  }));
  const layouts = formatsToLayOut(offers).map(({ code, planes }) => ({
    ...common,
    format: code,
    modifier: MOD_LINEAR,
    planes: planes.length,
    made: 'layout' as const,
  }));
  return [...images, ...layouts];
}

/**
 * What a device would offer as dma_bufs: the queries need no device that is open. Whether an allocation then succeeds is known
 * when it is opened (probe-vulkan.ts).
 */
export function foreseenOffers(device: Queried): FormatOffer[] {
  const has = (extension: string) => device.physical.extensions.has(extension);
  const exports = ['VK_KHR_external_memory_fd', 'VK_EXT_external_memory_dma_buf'].every(has);
  if (!exports || !bufferSupport(device, bufferUsage(0), 'dma_buf').exportable) return [];
  const images = has('VK_EXT_image_drm_format_modifier');
  return dmaBufOffers(images ? exportableFormats(device, 'dma_buf') : []);
}

function usagesOf(
  device: Queried,
  vkFormat: number,
  modifier: bigint,
  handleType: VulkanHandleType,
): number {
  return imageUsages
    .map((name) => Usage[name])
    .filter((bit) => {
      const usage = imageUsage(bit);
      return imageSupport(device, { format: vkFormat, modifier, usage, handleType })?.exportable;
    })
    .reduce((all, bit) => all | bit, 0);
}

/** What the device lists for a format, whatever it then exports or imports. */
export function modifiersOf(
  { instance, physical }: Queried,
  vkFormat: number,
): { modifier: bigint; planes: number }[] {
  // Twice: the list's length is known only after the first time, and both are void functions.
  const ask = (room: number) => {
    const arena = new Arena(4096 + room * VkDrmFormatModifierPropertiesEXT.size);
    const array = writeArray(arena, VkDrmFormatModifierPropertiesEXT, Array(room).fill({}));
    const list = write(arena, VkDrmFormatModifierPropertiesListEXT, {
      drmFormatModifierCount: room,
      pDrmFormatModifierProperties: room === 0 ? 0 : array,
    });
    const out = write(arena, VkFormatProperties2, { pNext: list });
    const call = 'vkGetPhysicalDeviceFormatProperties2';
    instance.functions.call(call, physical.handle, vkFormat, out);
    const count = read(arena, VkDrmFormatModifierPropertiesListEXT, list).drmFormatModifierCount;
    return { arena, array, count };
  };
  const { count: room } = ask(0);
  if (room === 0) return [];
  const { arena, array, count } = ask(room);
  return readArray(arena, VkDrmFormatModifierPropertiesEXT, array, Math.min(count, room)).map(
    (found) => ({
      modifier: found.drmFormatModifier,
      planes: found.drmFormatModifierPlaneCount,
    }),
  );
}
