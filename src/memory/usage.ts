/**
 * The names of usage bits, as REST and refusals have them, and which usages nobody here can check.
 */
import type { Scanout } from './scanout.js';
import { Usage } from './source.js';

export const usageBits = {
  sample: Usage.sample,
  render: Usage.render,
  transfer: Usage.transfer,
  storage: Usage.storage,
  cpu_read: Usage.cpuRead,
  cpu_write: Usage.cpuWrite,
  scanout: Usage.scanout,
  video_decode: Usage.videoDecode,
  video_encode: Usage.videoEncode,
} as const;

export type UsageName = keyof typeof usageBits;

export function usageNames(usage: number): UsageName[] {
  return (Object.keys(usageBits) as UsageName[]).filter((name) => (usage & usageBits[name]) !== 0);
}

/**
 * Usages that are asked of no Vulkan device here. Vulkan has none for scanout: whether a display takes the
 * memory only its KMS driver knows (which is asked where `displays.ask` says so), and the client brings the modifiers
 * that its plane takes (IN_FORMATS). Those of video need a codec's profile list (VkVideoProfileListInfoKHR) and its
 * queues.
 */
const UNVERIFIED = Usage.scanout | Usage.videoDecode | Usage.videoEncode;

/** The bits of a usage that were taken on trust; `scanout`: what displays have said, where they were asked. */
export function unverified(usage: number, scanout?: Scanout): number {
  return usage & (scanout?.state === 'verified' ? UNVERIFIED & ~Usage.scanout : UNVERIFIED);
}
