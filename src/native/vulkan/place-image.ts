/**
 * An image with memory: which of the modifiers that the client can take the device serves for this
 * usage and size, and what exactly fails where none is left.
 */
import { BrokerError } from '../../broker/errors.js';
import { formatInfo } from '../../broker/formats.js';
import { fourccName, MOD_LINEAR, modifierText } from '../../broker/fourcc.js';
import { type ImageSpec, Usage } from '../../broker/source.js';
import { type ModifierOffer, vkFormatOf } from './formats.js';
import { bindImage, chosenModifier, createImage, planeLayouts } from './image.js';
import { allocate, type Context, type Objects, type Placed, usageNames } from './place.js';
import { imageRequirements } from './requirements.js';
import { type ImageSupport, imageSupport } from './support.js';
import { imageUsage, needsCpu } from './usage.js';

/** An image with one of the modifiers that the client and the device have in common. */
export function placeImage(context: Context, spec: ImageSpec, made: Objects): Placed {
  const { device, handleType } = context;
  const format = formatInfo(spec.format);
  const offered = context.offers.filter((offer) => offer.format.code === spec.format);
  const vkFormat = format ? vkFormatOf(format) : null;
  if (vkFormat === null || offered.length === 0) {
    const codes = new Set(context.offers.map((offer) => fourccName(offer.format.code)));
    throw new BrokerError('unsupported_format', 'the device exports no image of this format', {
      constraint: 'format',
      requested: fourccName(spec.format),
      possible: [...codes],
    });
  }
  const usable = usableModifiers(context, spec, vkFormat, offered);
  const modifiers = usable.map((offer) => offer.modifier);
  made.image = createImage(device, {
    width: spec.width,
    height: spec.height,
    format: vkFormat,
    usage: imageUsage(spec.usage),
    modifiers,
    handleType,
  });
  const modifier = chosenModifier(device, made.image);
  const chosen = usable.find((offer) => offer.modifier === modifier);
  if (!chosen) {
    throw new BrokerError('internal', `the driver took ${modifierText(modifier)}, not on the list`);
  }
  const needs = imageRequirements(device, made.image);
  // Always dedicated: some drivers demand it of an exported image
  // (VUID-VkMemoryAllocateInfo-pNext-00639), others keep the layout with the memory.
  const memory = allocate(context, needs, spec.usage, { image: made.image }, made);
  bindImage(device, made.image, made.memory);
  return {
    ...memory,
    modifier,
    planes: planeLayouts(device, made.image, chosen.planes),
  };
}

/** The offers that the client can take, that serve the usage, and that are large enough. */
function usableModifiers(
  context: Context,
  spec: ImageSpec,
  vkFormat: number,
  offered: readonly ModifierOffer[],
): ModifierOffer[] {
  // The CPU makes sense of no other layout.
  const able = needsCpu(spec.usage)
    ? offered.filter((offer) => offer.modifier === MOD_LINEAR)
    : offered;
  const common = able.filter((offer) => spec.modifiers.includes(offer.modifier));
  if (common.length === 0) {
    throw new BrokerError('unsupported_modifier', 'none of the modifiers can be had', {
      constraint: 'modifiers',
      requested: spec.modifiers.map(modifierText),
      possible: able.map((offer) => modifierText(offer.modifier)),
    });
  }
  const usage = imageUsage(spec.usage);
  const supports = common
    .map((offer) => ({
      offer,
      support: imageSupport(context.device, vkFormat, offer.modifier, usage, context.handleType),
    }))
    .filter(
      (each): each is { offer: ModifierOffer; support: ImageSupport } =>
        each.support?.exportable ?? false,
    );
  if (supports.length === 0) {
    throw new BrokerError('unsupported_usage', 'the device exports no such image for this usage', {
      constraint: 'usage',
      requested: usageNames(spec.usage),
      possible: common.map((offer) => ({
        modifier: modifierText(offer.modifier),
        usage: usageNames(offer.usages | Usage.cpuRead | Usage.cpuWrite),
      })),
    });
  }
  const fitting = supports.filter(
    ({ support }) => spec.width <= support.maxWidth && spec.height <= support.maxHeight,
  );
  if (fitting.length === 0) {
    throw new BrokerError('too_large', 'the image is larger than the device allows', {
      constraint: 'width, height',
      requested: { width: spec.width, height: spec.height },
      possible: {
        width: Math.max(...supports.map(({ support }) => support.maxWidth)),
        height: Math.max(...supports.map(({ support }) => support.maxHeight)),
      },
    });
  }
  return fitting.map(({ offer }) => offer);
}
