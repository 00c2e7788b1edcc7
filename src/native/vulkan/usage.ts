/** The broker's usage bits in Vulkan's words. Pure. */
import { type HandleType, Usage } from '../../memory/source.js';
import {
  VkBufferUsageFlagBits as Buffer,
  VkImageUsageFlagBits as Image,
  VkExternalMemoryHandleTypeFlagBits,
} from './layout.gen.js';

/** Handle types that Vulkan exports. */
export type VulkanHandleType = Exclude<HandleType, 'memfd'>;

export function handleTypeBit(type: VulkanHandleType): number {
  return type === 'dma_buf'
    ? VkExternalMemoryHandleTypeFlagBits.VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT
    : VkExternalMemoryHandleTypeFlagBits.VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT;
}

const bufferBits: readonly (readonly [number, number])[] = [
  [Usage.sample, Buffer.VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT],
  [
    Usage.render,
    Buffer.VK_BUFFER_USAGE_VERTEX_BUFFER_BIT | Buffer.VK_BUFFER_USAGE_INDEX_BUFFER_BIT,
  ],
  [Usage.storage, Buffer.VK_BUFFER_USAGE_STORAGE_BUFFER_BIT],
];

/** VkBufferUsageFlags; every buffer can be copied from and to. */
export function bufferUsage(usage: number): number {
  return bufferBits
    .filter(([bit]) => (usage & bit) !== 0)
    .reduce(
      (flags, [, flag]) => flags | flag,
      Buffer.VK_BUFFER_USAGE_TRANSFER_SRC_BIT | Buffer.VK_BUFFER_USAGE_TRANSFER_DST_BIT,
    );
}

const transfer = Image.VK_IMAGE_USAGE_TRANSFER_SRC_BIT | Image.VK_IMAGE_USAGE_TRANSFER_DST_BIT;
const imageBits: readonly (readonly [number, number])[] = [
  [Usage.sample, Image.VK_IMAGE_USAGE_SAMPLED_BIT],
  [Usage.render, Image.VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT],
  [Usage.transfer, transfer],
  [Usage.storage, Image.VK_IMAGE_USAGE_STORAGE_BIT],
];

/** VkImageUsageFlags. Without any (CPU access alone), copying: VUID-VkImageCreateInfo-usage-requiredbitmask. */
export function imageUsage(usage: number): number {
  const flags = imageBits
    .filter(([bit]) => (usage & bit) !== 0)
    .reduce((all, [, flag]) => all | flag, 0);
  return flags === 0 ? transfer : flags;
}

/** The usages that an image needs the device for, one by one. */
export const imageUsages: readonly (keyof typeof Usage)[] = [
  'sample',
  'render',
  'transfer',
  'storage',
];

const ALL = Object.values(Usage).reduce((all, bit) => all | bit, 0);

/** Whether there is no bit but those of `Usage`. */
export function isUsage(usage: number): boolean {
  return Number.isSafeInteger(usage) && usage >= 0 && (usage & ~ALL) === 0 && usage <= ALL;
}

export function needsCpu(usage: number): boolean {
  return (usage & (Usage.cpuRead | Usage.cpuWrite)) !== 0;
}
