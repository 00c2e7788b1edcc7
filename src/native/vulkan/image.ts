/**
 * VkImage with a DRM format modifier: created from a list, of which the driver takes the best; then it says which,
 * and where each memory plane lies. Or a linear one without, for memory that is no dma_buf. An image is its caller's
 * to destroy.
 */
import type { PlaneLayout } from '../../memory/plane.js';
import type { Address } from '../ffi.js';
import { outHandle } from './call.js';
import type { Device } from './device.js';
import {
  VkImageAspectFlagBits as Aspect,
  VkExternalMemoryImageCreateInfo,
  VkImageCreateInfo,
  VkImageDrmFormatModifierExplicitCreateInfoEXT,
  VkImageDrmFormatModifierListCreateInfoEXT,
  VkImageDrmFormatModifierPropertiesEXT,
  VkImageLayout,
  VkImageSubresource,
  VkImageTiling,
  VkImageType,
  VkSampleCountFlagBits,
  VkSharingMode,
  VkSubresourceLayout,
} from './layout.gen.js';
import { check } from './result.js';
import { read, write, writeArray } from './struct.js';
import { handleTypeBit, type VulkanHandleType } from './usage.js';

export interface ImageRequest {
  /** Pixels; within `imageSupport`'s extent for every modifier (VUID-VkImageCreateInfo-extent-02252). */
  readonly width: number;
  readonly height: number;
  /** VkFormat */
  readonly format: number;
  /** VkImageUsageFlags that `imageSupport` was asked about. */
  readonly usage: number;
  /** None: VK_IMAGE_TILING_LINEAR. Else each supported (VUID-VkImageDrmFormatModifierListCreateInfoEXT-pDrmFormatModifiers-02263). */
  readonly modifiers: readonly bigint[];
  /**
   * For one modifier: each memory plane's place, as many as it has
   * (VUID-VkImageDrmFormatModifierExplicitCreateInfoEXT-drmFormatModifierPlaneCount-02265).
   */
  readonly layout?: readonly PlaneLayout[] | undefined;
  readonly handleType: VulkanHandleType;
}

/**
 * The modifiers as a list, or the one modifier with the layout that is dictated
 * (VUID-VkImageCreateInfo-tiling-02261: exactly one of the two).
 */
function modifierInfo({ arena }: Device, { modifiers, layout }: ImageRequest): Address {
  if (layout !== undefined) {
    // VUID-VkImageDrmFormatModifierExplicitCreateInfoEXT-size-02267, -arrayPitch-02268, -depthPitch-02269: 0
    const places = layout.map(({ offset, stride }) => ({ offset, rowPitch: stride }));
    return write(arena, VkImageDrmFormatModifierExplicitCreateInfoEXT, {
      drmFormatModifier: modifiers[0] ?? 0n,
      drmFormatModifierPlaneCount: places.length,
      pPlaneLayouts: writeArray(arena, VkSubresourceLayout, places),
    });
  }
  const list = arena.reserve(modifiers.length * 8);
  for (const [i, modifier] of modifiers.entries()) {
    arena.view.setBigUint64(list + i * 8, modifier, true);
  }
  return write(arena, VkImageDrmFormatModifierListCreateInfoEXT, {
    drmFormatModifierCount: modifiers.length,
    pDrmFormatModifiers: arena.address + list,
  });
}

/** vkCreateImage: one mip level, layer and sample. Throws `unsupported_layout` for a dictated one. */
export function createImage(device: Device, request: ImageRequest): bigint {
  const { arena } = device;
  return arena.scoped(() => {
    const info = write(arena, VkImageCreateInfo, {
      pNext: write(arena, VkExternalMemoryImageCreateInfo, {
        pNext: request.modifiers.length === 0 ? 0 : modifierInfo(device, request),
        handleTypes: handleTypeBit(request.handleType),
      }),
      imageType: VkImageType.VK_IMAGE_TYPE_2D,
      format: request.format,
      extent: { width: request.width, height: request.height, depth: 1 },
      mipLevels: 1,
      arrayLayers: 1,
      samples: VkSampleCountFlagBits.VK_SAMPLE_COUNT_1_BIT,
      tiling:
        request.modifiers.length === 0
          ? VkImageTiling.VK_IMAGE_TILING_LINEAR
          : VkImageTiling.VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT,
      usage: request.usage,
      sharingMode: VkSharingMode.VK_SHARING_MODE_EXCLUSIVE,
      // VUID-VkImageCreateInfo-pNext-01443: external images start undefined.
      initialLayout: VkImageLayout.VK_IMAGE_LAYOUT_UNDEFINED,
    });
    return outHandle(arena, 'vkCreateImage', (out) => device.call('vkCreateImage', info, 0, out));
  });
}

/** vkGetImageDrmFormatModifierPropertiesEXT: the modifier that the driver took. */
export function chosenModifier(device: Device, image: bigint): bigint {
  const { arena } = device;
  return arena.scoped(() => {
    const out = write(arena, VkImageDrmFormatModifierPropertiesEXT);
    const call = 'vkGetImageDrmFormatModifierPropertiesEXT';
    check(device.call(call, image, out), call);
    return read(arena, VkImageDrmFormatModifierPropertiesEXT, out).drmFormatModifier;
  });
}

/** Memory planes are not the format's planes: a modifier may add auxiliary ones. */
const memoryPlanes = [
  Aspect.VK_IMAGE_ASPECT_MEMORY_PLANE_0_BIT_EXT,
  Aspect.VK_IMAGE_ASPECT_MEMORY_PLANE_1_BIT_EXT,
  Aspect.VK_IMAGE_ASPECT_MEMORY_PLANE_2_BIT_EXT,
  Aspect.VK_IMAGE_ASPECT_MEMORY_PLANE_3_BIT_EXT,
] as const;

/** Without a modifier they are the format's (VUID-vkGetImageSubresourceLayout-tiling-08717). */
const formatPlanes = [
  Aspect.VK_IMAGE_ASPECT_PLANE_0_BIT,
  Aspect.VK_IMAGE_ASPECT_PLANE_1_BIT,
  Aspect.VK_IMAGE_ASPECT_PLANE_2_BIT,
] as const;
const onePlane = [Aspect.VK_IMAGE_ASPECT_COLOR_BIT] as const;

/**
 * vkGetImageSubresourceLayout of the first `count` planes; `count` is the chosen modifier's plane count
 * (VUID-vkGetImageSubresourceLayout-tiling-09433), or the format's.
 */
export function planeLayouts(
  device: Device,
  image: bigint,
  count: number,
  tiling: 'modifier' | 'linear' = 'modifier',
): PlaneLayout[] {
  const { arena } = device;
  const own = count === 1 ? onePlane : formatPlanes;
  const aspects = tiling === 'modifier' ? memoryPlanes : own;
  return aspects.slice(0, count).map((aspectMask) =>
    arena.scoped(() => {
      const plane = write(arena, VkImageSubresource, { aspectMask });
      const out = write(arena, VkSubresourceLayout);
      device.call('vkGetImageSubresourceLayout', image, plane, out);
      const { offset, rowPitch } = read(arena, VkSubresourceLayout, out);
      return { offset: Number(offset), stride: Number(rowPitch) };
    }),
  );
}

/** vkBindImageMemory at offset 0; external synchronisation: the image. */
export function bindImage(device: Device, image: bigint, memory: bigint): void {
  check(device.call('vkBindImageMemory', image, memory, 0), 'vkBindImageMemory');
}

/** vkDestroyImage; external synchronisation: the image. Null handles are allowed. */
export function destroyImage(device: Device, image: bigint): void {
  device.call('vkDestroyImage', image, 0);
}
