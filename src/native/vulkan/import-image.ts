/**
 * Whether a device could use memory that was made elsewhere as the image that it is said to be. An
 * image of that layout is made and asked how much memory it needs; nothing is bound to it.
 */
import { formatInfo } from '../../memory/formats.js';
import type { PlaneLayout } from '../../memory/plane.js';
import type { ImageSpec } from '../../memory/source.js';
import type { Device } from './device.js';
import { modifiersOf, vkFormatOf } from './formats.js';
import { createImage, destroyImage, planeLayouts } from './image.js';
import { hasWholeSamples } from './place-image.js';
import { imageRequirements } from './requirements.js';
import { imageSupport } from './support.js';
import { imageUsage } from './usage.js';

/**
 * Why the device could not, or null: also where it has no such images at all, so that there is nothing
 * to be asked. `size`: bytes of the one memory that all planes lie in. Throws what vkCreateImage says.
 */
export function imageProblem(
  device: Device,
  spec: ImageSpec,
  planes: readonly PlaneLayout[],
  size: bigint,
): string | null {
  const { width, height } = spec;
  const [modifier = 0n] = spec.modifiers;
  const format = formatInfo(spec.format);
  const vkFormat = format === undefined ? null : vkFormatOf(format);
  if (format === undefined || vkFormat === null || !hasWholeSamples(format, spec)) return null;
  if (!device.enabled('VK_EXT_image_drm_format_modifier')) return null;
  const listed = modifiersOf(device, vkFormat).find((each) => each.modifier === modifier);
  if (listed?.planes !== planes.length) return null;
  const usage = imageUsage(spec.usage);
  const asked = { format: vkFormat, modifier, usage, handleType: 'dma_buf' } as const;
  const support = imageSupport(device, asked);
  if (!support?.importable || width > support.maxWidth || height > support.maxHeight) return null;

  const layout = planes.map(({ offset, stride }) => ({ offset, stride }));
  const image = createImage(device, {
    ...{ width, height, format: vkFormat, usage },
    ...{ modifiers: [modifier], layout, handleType: 'dma_buf' },
  });
  try {
    const made = planeLayouts(device, image, planes.length);
    if (JSON.stringify(made) !== JSON.stringify(layout)) {
      return `its image of this layout has the planes at ${JSON.stringify(made)}`;
    }
    // VUID-vkBindImageMemory-size-01049: no less than the image needs.
    const needs = imageRequirements(device, image);
    if (needs.size <= size) return null;
    return `its image of this layout needs ${needs.size} bytes, the memory has ${size}`;
  } finally {
    destroyImage(device, image);
  }
}
