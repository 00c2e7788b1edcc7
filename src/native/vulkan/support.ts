/**
 * What a device can export, asked before anything is created ("External Memory Handle Types"): a
 * buffer or an image that was not asked for may not be made (VUID-VkBufferCreateInfo-pNext-00920,
 * VUID-VkImageCreateInfo-pNext-00990).
 */
import { Arena } from '../arena.js';
import type { Instance } from './instance.js';
import {
  VkExternalMemoryFeatureFlagBits as Feature,
  VkExternalBufferProperties,
  VkExternalImageFormatProperties,
  VkImageFormatProperties2,
  VkImageTiling,
  VkImageType,
  VkPhysicalDeviceExternalBufferInfo,
  VkPhysicalDeviceExternalImageFormatInfo,
  VkPhysicalDeviceImageDrmFormatModifierInfoEXT,
  VkPhysicalDeviceImageFormatInfo2,
  VkResult,
  VkSharingMode,
} from './layout.gen.js';
import type { PhysicalDevice } from './physical-device.js';
import { check } from './result.js';
import { read, write } from './struct.js';
import { handleTypeBit, type VulkanHandleType } from './usage.js';

/** A device before or after vkCreateDevice: these queries need only the physical one. */
export interface Queried {
  readonly instance: Instance;
  readonly physical: PhysicalDevice;
}

export interface ExternalFeatures {
  /** VkExternalMemoryFeatureFlags, for messages. */
  readonly flags: number;
  readonly exportable: boolean;
  readonly importable: boolean;
  /** Memory must be made for this one resource alone (VkMemoryDedicatedAllocateInfo). */
  readonly dedicatedOnly: boolean;
  /** VkExternalMemoryHandleTypeFlags that one memory may have beside this type. */
  readonly compatible: number;
}

function featuresOf(flags: number, compatible: number): ExternalFeatures {
  return {
    flags,
    compatible,
    exportable: (flags & Feature.VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT) !== 0,
    importable: (flags & Feature.VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT) !== 0,
    dedicatedOnly: (flags & Feature.VK_EXTERNAL_MEMORY_FEATURE_DEDICATED_ONLY_BIT) !== 0,
  };
}

/** vkGetPhysicalDeviceExternalBufferProperties, for VkBufferUsageFlags `usage`. */
export function bufferSupport(
  { instance, physical }: Queried,
  usage: number,
  handleType: VulkanHandleType,
): ExternalFeatures {
  const arena = new Arena(1024);
  const info = write(arena, VkPhysicalDeviceExternalBufferInfo, {
    usage,
    handleType: handleTypeBit(handleType),
  });
  const out = write(arena, VkExternalBufferProperties);
  const call = 'vkGetPhysicalDeviceExternalBufferProperties';
  instance.functions.call(call, physical.handle, info, out);
  const { externalMemoryProperties } = read(arena, VkExternalBufferProperties, out);
  const { externalMemoryFeatures, compatibleHandleTypes } = externalMemoryProperties;
  return featuresOf(externalMemoryFeatures, compatibleHandleTypes);
}

export interface ImageSupport extends ExternalFeatures {
  /** Pixels. */
  readonly maxWidth: number;
  readonly maxHeight: number;
  /** Bytes. */
  readonly maxResourceSize: bigint;
}

export interface ImageQuestion {
  /** VkFormat */
  readonly format: number;
  /** Null: VK_IMAGE_TILING_LINEAR, without one. */
  readonly modifier: bigint | null;
  /** VkImageUsageFlags */
  readonly usage: number;
  readonly handleType: VulkanHandleType;
}

/**
 * vkGetPhysicalDeviceImageFormatProperties2 for a single 2D image with one mip level, layer and
 * sample. Null where the device has no such image (VK_ERROR_FORMAT_NOT_SUPPORTED).
 */
export function imageSupport(
  { instance, physical }: Queried,
  { format, modifier, usage, handleType }: ImageQuestion,
): ImageSupport | null {
  const arena = new Arena(1024);
  const byModifier =
    modifier === null
      ? 0
      : write(arena, VkPhysicalDeviceImageDrmFormatModifierInfoEXT, {
          drmFormatModifier: modifier,
          sharingMode: VkSharingMode.VK_SHARING_MODE_EXCLUSIVE,
        });
  const info = write(arena, VkPhysicalDeviceImageFormatInfo2, {
    pNext: write(arena, VkPhysicalDeviceExternalImageFormatInfo, {
      pNext: byModifier,
      handleType: handleTypeBit(handleType),
    }),
    format,
    type: VkImageType.VK_IMAGE_TYPE_2D,
    tiling:
      modifier === null
        ? VkImageTiling.VK_IMAGE_TILING_LINEAR
        : VkImageTiling.VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT,
    usage,
  });
  const external = write(arena, VkExternalImageFormatProperties);
  const out = write(arena, VkImageFormatProperties2, { pNext: external });
  const call = 'vkGetPhysicalDeviceImageFormatProperties2';
  const result = instance.functions.call(call, physical.handle, info, out);
  if (result === VkResult.VK_ERROR_FORMAT_NOT_SUPPORTED) return null;
  check(result, call);

  const { externalMemoryFeatures, compatibleHandleTypes } = read(
    arena,
    VkExternalImageFormatProperties,
    external,
  ).externalMemoryProperties;
  const { maxExtent, maxResourceSize } = read(
    arena,
    VkImageFormatProperties2,
    out,
  ).imageFormatProperties;
  return {
    ...featuresOf(externalMemoryFeatures, compatibleHandleTypes),
    maxWidth: maxExtent.width,
    maxHeight: maxExtent.height,
    maxResourceSize,
  };
}
