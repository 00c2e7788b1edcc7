/**
 * The nearest request that would succeed, for a refusal: proposals relax the constraint that failed
 * and nothing else, and each is planned by its source before it is told, so that what is told works.
 */
import { alignUp } from '../memory/alignment.js';
import type { BrokerError, ErrorCode, Refusal } from '../memory/errors.js';
import { type FormatInfo, formatInfo } from '../memory/formats.js';
import { fourcc, fourccName, MOD_LINEAR, modifierText } from '../memory/fourcc.js';
import { MAX_MODIFIERS } from '../memory/limits.js';
import type { PlaneLayout } from '../memory/plane.js';
import { type HandleType, type ImageSpec, type MemorySpec, Usage } from '../memory/source.js';
import { type UsageName, usageBits, usageNames } from '../memory/usage.js';
import type { AllocationRequest } from './request.js';

/** Plans of one refusal: a request may have to be relaxed in several respects. */
export const MAX_ATTEMPTS = 12;

/** Plans a request; answers later or at once, with null where it would succeed. */
export type Attempt = (
  request: AllocationRequest,
  done: (error: BrokerError | null) => void,
) => void;

/** Answers with the first proposal that works, or null. */
export function findNearest(
  request: AllocationRequest,
  error: BrokerError,
  attempt: Attempt,
  done: (found: AllocationRequest | null) => void,
): void {
  const tried = new Set([JSON.stringify(requestWords(request))]);
  const queue = proposals(request, error);
  const next = (): void => {
    const candidate = queue.shift();
    if (candidate === undefined || tried.size > MAX_ATTEMPTS) {
      done(null);
      return;
    }
    const words = JSON.stringify(requestWords(candidate));
    if (tried.has(words)) {
      next();
      return;
    }
    tried.add(words);
    attempt(candidate, (again) => {
      if (again === null) {
        done(candidate);
        return;
      }
      queue.unshift(...proposals(candidate, again));
      next();
    });
  };
  next();
}

/** A request in the words of openapi.yaml's CreateBuffer, without the name and the token. */
export function requestWords({
  spec,
  handleTypes,
  allHandleTypes,
  sources = [],
  device,
}: AllocationRequest): object {
  const { placement = 'any', contiguous = 'any' } = spec;
  const alignment = Object.entries(spec.alignment ?? {}).filter(([, value]) => value !== 1);
  const common = {
    usage: usageNames(spec.usage),
    handle_types: handleTypes,
    ...(allHandleTypes && { all_handle_types: true }),
    ...(alignment.length > 0 && { alignment: Object.fromEntries(alignment) }),
    ...(placement !== 'any' && { placement }),
    ...(contiguous !== 'any' && { contiguous }),
    ...(sources.length > 0 && { sources }),
    ...(device !== undefined && { device }),
  };
  if (spec.kind === 'buffer') return { kind: 'buffer', size: spec.size, ...common };
  return {
    kind: 'image',
    width: spec.width,
    height: spec.height,
    format: fourccName(spec.format),
    modifiers: spec.modifiers.map(modifierText),
    ...(spec.separatePlanes && { separate_planes: true }),
    ...(spec.layout && { layout: spec.layout }),
    ...common,
  };
}

const RELAXABLE: ReadonlySet<ErrorCode> = new Set([
  'invalid_argument',
  'too_large',
  'out_of_memory',
  'unsupported_modifier',
  'unsupported_layout',
  'unsupported_format',
  'unsupported_usage',
  'unsupported_handle_type',
  'unsupported_source',
  'unsupported_device',
  'unsupported_placement',
]);

/** Whether a refusal is about something in the request that could be otherwise. */
export function isRelaxable(error: BrokerError): boolean {
  return RELAXABLE.has(error.code) || isTooManyBytes(error);
}

/** Of a quota: all its other limits are on how many or how often. */
function isTooManyBytes({ code, refusal }: BrokerError): boolean {
  return code === 'limit_exceeded' && /^quota\.\w+\.bytes$/.test(refusal.constraint ?? '');
}

/** What may be asked instead, nearest first. */
export function proposals(request: AllocationRequest, error: BrokerError): AllocationRequest[] {
  const { code, refusal } = error;
  const { spec } = request;
  const specs = (some: readonly MemorySpec[]) => some.map((each) => ({ ...request, spec: each }));
  switch (code) {
    case 'invalid_argument':
    case 'too_large':
    case 'out_of_memory':
      if (refusal.constraint === 'name') return [{ ...request, name: null }];
      return specs(otherValues(spec, refusal));
    case 'limit_exceeded':
      return isTooManyBytes(error) ? specs(otherValues(spec, refusal)) : [];
    case 'unsupported_modifier':
      return specs(otherModifiers(spec, refusal));
    case 'unsupported_layout':
      return specs(otherLayouts(spec, refusal));
    case 'unsupported_format':
      return otherFormats(request, refusal);
    case 'unsupported_usage':
      return specs(fewerUsages(spec, refusal));
    case 'unsupported_handle_type': {
      if (request.allHandleTypes) return fewerTypes(request, refusal);
      const possible = strings(refusal.possible) as HandleType[];
      return [possible, ...possible.map((type) => [type])]
        .filter((types) => types.length > 0)
        .map((handleTypes) => ({ ...request, handleTypes }));
    }
    case 'unsupported_source':
      return [strings(refusal.possible), []].map((sources) => ({ ...request, sources }));
    case 'unsupported_device':
      return [{ ...request, device: undefined }];
    case 'unsupported_placement': {
      if (refusal.constraint === 'contiguous') return specs([{ ...spec, contiguous: 'preferred' }]);
      const weaker =
        spec.placement === 'host_cached' ? (['host_visible', 'any'] as const) : ['any'];
      return specs(
        (weaker as ('any' | 'host_visible')[]).map((placement) => ({ ...spec, placement })),
      );
    }
    default:
      return [];
  }
}

/** Of what one memory can be: most of what was asked for, else any one of it. */
function fewerTypes(request: AllocationRequest, { possible }: Refusal): AllocationRequest[] {
  const wanted = request.handleTypes;
  const together = (Array.isArray(possible) ? possible : [])
    .map((types) => wanted.filter((type) => strings(types).includes(type)))
    .filter((types) => types.length > 1)
    .sort((a, b) => b.length - a.length)
    .map((handleTypes) => ({ ...request, handleTypes }));
  return [...together, { ...request, allHandleTypes: undefined }];
}

/** For a value out of its range. */
function otherValues(spec: MemorySpec, refusal: Refusal): MemorySpec[] {
  const { constraint = '', possible } = refusal;
  const max = maxOf(possible);
  if (constraint.startsWith('alignment.')) {
    const key = constraint.slice('alignment.'.length);
    const value = Number(refusal.requested);
    const power = 2 ** Math.floor(Math.log2(value));
    const best = max === null || !(power >= 1) ? 1 : Math.min(max, power);
    return [{ ...spec, alignment: { ...spec.alignment, [key]: best } }];
  }
  if (spec.kind === 'image') {
    if (constraint.startsWith('layout')) return [anyLayout(spec)];
    switch (constraint) {
      case 'width':
        return max === null ? [] : [{ ...spec, width: within(spec.width, max) }];
      case 'height':
        return max === null ? [] : [{ ...spec, height: within(spec.height, max) }];
      case 'width, height': {
        const most = possible as { width: number; height: number };
        const { width, height } = spec;
        return [{ ...spec, width: within(width, most.width), height: within(height, most.height) }];
      }
      case 'modifiers':
        if (spec.modifiers.length === 0) return [{ ...spec, modifiers: [MOD_LINEAR] }];
        return [{ ...spec, modifiers: spec.modifiers.slice(0, MAX_MODIFIERS) }];
    }
  }
  return max === null ? [] : smaller(spec, Number(refusal.requested), max);
}

/** Numbers of a refusal come from the request: what is below 1 or no number becomes 1. */
const within = (value: number, max: number) => (value >= 1 ? Math.min(Math.floor(value), max) : 1);

/** What part of the largest is tried: layouts round up, and are not known beforehand. */
const PARTS = [1, 0.98, 0.9, 0.5];

/** Memory of at most `max` bytes, where `requested` were too many. An image keeps its proportions. */
function smaller(spec: MemorySpec, requested: number, max: number): MemorySpec[] {
  if (spec.kind === 'buffer') {
    const multiple = spec.alignment?.size ?? 1;
    return PARTS.map((part) => Math.floor((within(spec.size, max) * part) / multiple) * multiple)
      .filter((size) => size >= 1)
      .map((size) => ({ ...spec, size }));
  }
  const ratio = Math.sqrt(Math.min(1, max / requested));
  // Even, for the sake of subsampled chroma.
  const scaled = (pixels: number, part: number) =>
    Math.max(1, alignUp(Math.floor(pixels * ratio * part) - 1, 2));
  return PARTS.map((part) => ({
    ...anyLayout(spec),
    width: scaled(spec.width, part),
    height: scaled(spec.height, part),
  }));
}

function anyLayout({ layout: _, ...spec }: ImageSpec): ImageSpec {
  return spec;
}

/** The one that the driver would choose, then whichever there is. */
function otherLayouts(spec: MemorySpec, { possible }: Refusal): MemorySpec[] {
  if (spec.kind !== 'image') return [];
  const drivers = Array.isArray(possible) ? [{ ...spec, layout: possible as PlaneLayout[] }] : [];
  return [...drivers, anyLayout(spec)];
}

function otherModifiers(spec: MemorySpec, { possible }: Refusal): MemorySpec[] {
  if (spec.kind !== 'image') return [];
  // A driver's layout that does not meet an alignment: the broker's own is the way out.
  const offered = strings((possible as { modifiers?: unknown } | undefined)?.modifiers ?? possible);
  const modifiers = offered.map(BigInt).slice(0, MAX_MODIFIERS);
  return modifiers.length === 0 ? [] : [{ ...spec, modifiers }];
}

/** Without a format that any accepted source has, the handle types are what is wrong. */
function otherFormats(request: AllocationRequest, { possible }: Refusal): AllocationRequest[] {
  const { spec } = request;
  const wanted = spec.kind === 'image' ? formatInfo(spec.format) : undefined;
  if (spec.kind !== 'image' || wanted === undefined) return [];
  const names = strings(possible);
  if (names.length === 0) {
    const types: HandleType[] = ['dma_buf', 'memfd'];
    return types.map((type) => ({ ...request, handleTypes: [type] }));
  }
  const found = nearestFormat(
    wanted,
    names.flatMap((name) => formatInfo(fourcc(name)) ?? []),
  );
  return found === null ? [] : [{ ...request, spec: { ...spec, format: found.code } }];
}

/**
 * The nearest of some formats: of the same kind (RGB or YCbCr) and number of planes, of as many bytes
 * a pixel, then with the same components (X stands for A), then as the list has them.
 */
export function nearestFormat(wanted: FormatInfo, among: readonly FormatInfo[]): FormatInfo | null {
  const bytes = ({ planes }: FormatInfo) =>
    planes.reduce((sum, p) => sum + p.bytesPerBlock / (p.blockWidth * p.hsub * p.vsub), 0);
  const components = ({ drm }: FormatInfo) =>
    [...drm.replace(/\d/g, '').replace('X', 'A')].sort().join('');
  const distance = (format: FormatInfo) =>
    Math.abs(bytes(format) - bytes(wanted)) * 2 +
    (components(format) === components(wanted) ? 0 : 1);
  const [best] = among
    .filter(({ ycbcr, planes }) => ycbcr === wanted.ycbcr && planes.length === wanted.planes.length)
    .toSorted((a, b) => distance(a) - distance(b));
  return best ?? null;
}

/** Those of the usages that can be had, then one less of those asked for, then copying alone. */
function fewerUsages(spec: MemorySpec, { possible }: Refusal): MemorySpec[] {
  const served = Array.isArray(possible)
    ? (possible as { usage?: unknown }[]).map(({ usage }) =>
        strings(usage).reduce((bits, name) => bits | (usageBits[name as UsageName] ?? 0), 0),
      )
    : [];
  const without = usageNames(spec.usage).map((name) => spec.usage & ~usageBits[name]);
  return [...served.map((bits) => bits & spec.usage), ...without, Usage.transfer]
    .filter((usage) => usage !== 0)
    .map((usage) => ({ ...spec, usage }) satisfies MemorySpec | ImageSpec);
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}

/** The largest value that a refusal names. */
function maxOf(possible: unknown): number | null {
  const max =
    typeof possible === 'object' && possible !== null && 'max' in possible
      ? possible.max
      : possible;
  return typeof max === 'number' && Number.isFinite(max) ? max : null;
}
