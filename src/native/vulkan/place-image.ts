/**
 * An image: which of the modifiers that the client can take the device serves for this
 * usage and size, and what exactly fails where none is left.
 */
import { checkPlaneCount, checkRoom } from '../../memory/dictated.js';
import { BrokerError } from '../../memory/errors.js';
import { type FormatInfo, formatInfo } from '../../memory/formats.js';
import { MOD_LINEAR, modifierText } from '../../memory/fourcc.js';
import { knownFormat, meets } from '../../memory/layout.js';
import type { PlaneLayout } from '../../memory/plane.js';
import { type ImageSpec, Usage } from '../../memory/source.js';
import { unverified, usageNames } from '../../memory/usage.js';
import type { Device } from './device.js';
import { type ModifierOffer, vkFormatOf } from './formats.js';
import {
  chosenModifier,
  createImage,
  destroyImage,
  type ImageRequest,
  planeLayouts,
} from './image.js';
import { type Context, type Draft, destroyObjects, type Placed, planMemory } from './place.js';
import { imageRequirements } from './requirements.js';
import { type ImageSupport, imageSupport } from './support.js';
import { imageUsage, needsCpu } from './usage.js';

/**
 * Whether the device may be asked for an image of that size: with YCbCr formats only of whole chroma
 * samples (VUID-VkImageCreateInfo-format-04712, -04713).
 */
export function hasWholeSamples(
  { planes, ycbcr }: FormatInfo,
  { width, height }: { readonly width: number; readonly height: number },
): boolean {
  if (!ycbcr) return true;
  const packed = planes.some(({ blockWidth }) => blockWidth > 1);
  const hsub = Math.max(...planes.map((plane) => plane.hsub), packed ? 2 : 1);
  const vsub = Math.max(...planes.map((plane) => plane.vsub));
  return width % hsub === 0 && height % vsub === 0;
}

/** What the device may be asked for: images whose planes lie in one memory. */
export function imageCandidates(context: Context, spec: ImageSpec): readonly ModifierOffer[] {
  const format = formatInfo(spec.format);
  if (format === undefined) return [];
  if (spec.separatePlanes === true && format.planes.length > 1) return [];
  if (!hasWholeSamples(format, spec)) return [];
  // The CPU makes sense of no other layout than LINEAR.
  return context.offers.filter(
    (offer) =>
      offer.format.code === spec.format && (offer.modifier === MOD_LINEAR || !needsCpu(spec.usage)),
  );
}

/**
 * An image with one of `candidates`' modifiers that the client takes. Null where the driver's layout
 * does not meet the alignment that is demanded; what was made for it is destroyed.
 */
export function planImage(
  context: Context,
  spec: ImageSpec,
  candidates: readonly ModifierOffer[],
  draft: Draft,
): Placed | null {
  const { device, handleType } = context;
  const format = knownFormat(spec.format);
  const vkFormat = vkFormatOf(format);
  if (vkFormat === null) throw new BrokerError('internal', `${format.name} has no VkFormat`);
  const usable = usableModifiers(context, spec, vkFormat, candidates);
  const objects = draft.add();
  const request: ImageRequest = {
    width: spec.width,
    height: spec.height,
    format: vkFormat,
    usage: imageUsage(spec.usage),
    modifiers: usable.map((offer) => offer.modifier),
    handleType,
  };
  const { layout } = spec;
  if (layout === undefined) objects.image = createImage(device, request);
  else {
    checkPlaneCount(layout, usable[0]?.planes ?? 0);
    objects.image = createDictated(device, { ...request, layout });
  }
  const modifier = chosenModifier(device, objects.image);
  const chosen = usable.find((offer) => offer.modifier === modifier);
  if (!chosen) {
    throw new BrokerError('internal', `the driver took ${modifierText(modifier)}, not on the list`);
  }
  const needs = imageRequirements(device, objects.image);
  const planes = planeLayouts(device, objects.image, chosen.planes);
  if (layout !== undefined && !sameLayout(planes, layout)) throw otherLayout(layout, planes);
  // VUID-VkMemoryDedicatedAllocateInfo-image-02964: it gets no byte more than it asks for.
  if (layout !== undefined) checkRoom(spec, layout, Number(needs.size));
  if (!meets({ planes, size: Number(needs.size) }, spec, spec.alignment ?? {})) {
    destroyObjects(device, objects);
    draft.made.splice(draft.made.indexOf(objects), 1);
    return null;
  }
  // Always dedicated: some drivers demand it of an exported image
  // (VUID-VkMemoryAllocateInfo-pNext-00639), others keep the layout with the memory.
  const memory = planMemory(context, { needs, purpose: spec, dedicated: true, objects }, draft);
  return {
    memories: [memory],
    modifier,
    planes: planes.map((plane) => ({ ...plane, memory: 0 })),
  };
}

/** An image with the layout that is dictated; a refusal says which one the driver would choose. */
function createDictated(
  device: Device,
  request: ImageRequest & { readonly layout: readonly PlaneLayout[] },
): bigint {
  try {
    return createImage(device, request);
  } catch (error) {
    if (!(error instanceof BrokerError) || error.code !== 'unsupported_layout') throw error;
    const image = createImage(device, { ...request, layout: undefined });
    try {
      throw otherLayout(request.layout, planeLayouts(device, image, request.layout.length));
    } finally {
      destroyImage(device, image);
    }
  }
}

const sameLayout = (a: readonly PlaneLayout[], b: readonly PlaneLayout[]) =>
  a.every(({ offset, stride }, i) => offset === b[i]?.offset && stride === b[i]?.stride);

function otherLayout(requested: readonly PlaneLayout[], possible: readonly PlaneLayout[]) {
  const message = 'the driver does not make an image of this layout';
  return new BrokerError('unsupported_layout', message, {
    constraint: 'layout',
    requested,
    possible,
  });
}

/** The offers that the client can take, that serve the usage, and that are large enough. */
function usableModifiers(
  context: Context,
  spec: ImageSpec,
  vkFormat: number,
  candidates: readonly ModifierOffer[],
): ModifierOffer[] {
  const common = candidates.filter((offer) => spec.modifiers.includes(offer.modifier));
  const usage = imageUsage(spec.usage);
  const supports = common
    .map((offer) => ({
      offer,
      support: imageSupport(context.device, {
        ...{ format: vkFormat, modifier: offer.modifier },
        ...{ usage, handleType: context.handleType },
      }),
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
        usage: usageNames(offer.usages | Usage.cpuRead | Usage.cpuWrite | unverified(spec.usage)),
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
