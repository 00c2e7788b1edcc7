/**
 * An image as the broker lays it out, LINEAR, in the memory of VkBuffers: where the device exports no
 * image of the format (lavapipe and NV12), or none that meets the alignment that is demanded.
 */
import { layoutOf } from '../../memory/dictated.js';
import { BrokerError } from '../../memory/errors.js';
import { MOD_LINEAR, modifierText } from '../../memory/fourcc.js';
import { knownFormat } from '../../memory/layout.js';
import { type ImageSpec, Usage } from '../../memory/source.js';
import { type Context, type Draft, type Placed, planBuffer } from './place.js';
import { imageCandidates, planImage } from './place-image.js';

/** Whatever way there is: the driver's image where it can be had, else the broker's layout. */
export function planSpec(context: Context, spec: ImageSpec, draft: Draft): Placed {
  const { modifiers } = spec;
  const format = knownFormat(spec.format);
  const candidates = imageCandidates(context, spec);
  const common = candidates.filter((offer) => modifiers.includes(offer.modifier));
  const linear = modifiers.includes(MOD_LINEAR);
  // A driver need not notice rows that do not fit.
  if (linear && spec.layout !== undefined) layoutOf(format, spec);
  if (common.length > 0) {
    const image = planImage(context, spec, common, draft);
    if (image !== null) return image;
    if (!linear) {
      const message = "the driver's layout does not meet the alignment";
      throw new BrokerError('unsupported_modifier', message, {
        constraint: 'alignment',
        requested: spec.alignment,
        possible: { modifiers: [modifierText(MOD_LINEAR)] },
      });
    }
  }
  if (!linear) {
    const possible = [...candidates.map((offer) => offer.modifier), MOD_LINEAR].map(modifierText);
    throw new BrokerError('unsupported_modifier', 'none of the modifiers can be had', {
      constraint: 'modifiers',
      requested: modifiers.map(modifierText),
      possible: [...new Set(possible)],
    });
  }
  const layout = layoutOf(format, spec);
  // What an importer does with the image is not this buffer's usage: its own is to be copied.
  const usage = spec.usage & (Usage.cpuRead | Usage.cpuWrite);
  const { placement = 'any' } = spec;
  return {
    memories: layout.memories.map((size) =>
      planBuffer(context, { kind: 'buffer', size, usage, placement }, draft),
    ),
    modifier: MOD_LINEAR,
    planes: layout.planes,
  };
}
