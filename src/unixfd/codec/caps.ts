/**
 * GStreamer's caps as text, as far as video frames need them (gst_caps_from_string, gst_caps_to_string): one structure,
 * whose fields have one value each.
 */

/** It is no caps, or none of what can be shared here; the sentence says which. */
export class CapsError extends Error {
  override readonly name = 'CapsError';
}

export interface Caps {
  /** `video/x-raw` */
  readonly name: string;
  /** `memory:DMABuf` */
  readonly features: readonly string[];
  /** Each as it was written, with its type: `(string)NV12`. */
  readonly fields: ReadonlyMap<string, string>;
}

const NAME = /^\s*([a-z][\w/+.-]*)\s*/i;
const FEATURES = /^\(([^()]*)\)\s*/;
const FEATURE = /^[a-z]\w*:[\w-]+$/i;
const FIELD =
  /^,\s*([\w-]+)\s*=\s*((?:\(\s*[\w-]+\s*\)\s*)?(?:"(?:[^"\\\0]|\\[^\0])*"|[^\s,;"(){}[\]<>\0]+))\s*/;

export function parseCaps(text: string): Caps {
  let rest = text;
  const next = (pattern: RegExp): RegExpExecArray | null => {
    const found = pattern.exec(rest);
    if (found !== null) rest = rest.slice(found[0].length);
    return found;
  };
  const name = next(NAME)?.[1];
  if (name === undefined) throw new CapsError(`${shown(text)} is no caps, e.g. ${EXAMPLE}`);
  const features =
    next(FEATURES)?.[1]
      ?.split(',')
      .map((each) => each.trim()) ?? [];
  const odd = features.find((each) => !FEATURE.test(each));
  if (odd !== undefined) throw new CapsError(`${shown(odd)} is no feature, e.g. memory:DMABuf`);
  const fields = new Map<string, string>();
  for (let found = next(FIELD); found !== null; found = next(FIELD)) {
    const [, key = '', value = ''] = found;
    if (fields.has(key)) throw new CapsError(`the caps say ${key} twice`);
    fields.set(key, value);
  }
  rest = rest.replace(/^;\s*/, '');
  if (rest !== '') throw new CapsError(`what begins at ${shown(rest)} is no field of one value`);
  return { name, features, fields };
}

const EXAMPLE = 'video/x-raw,format=NV12,width=640,height=480,framerate=30/1';
const shown = (text: string): string =>
  JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);

export function capsText({ name, features, fields }: Caps): string {
  const where = features.length === 0 ? '' : `(${features.join(', ')})`;
  return [`${name}${where}`, ...[...fields].map(([key, value]) => `${key}=${value}`)].join(', ');
}

/** What the frames are. */
export interface Video {
  /** GStreamer's name of the format, or with `drm` a DRM fourcc. */
  readonly format: string;
  readonly drm: boolean;
  readonly modifier: bigint;
  readonly width: number;
  readonly height: number;
  /** Nanoseconds of a frame; null where they come when they come. */
  readonly duration: bigint | null;
  readonly interlaced: boolean;
}

/** Throws CapsError. */
export function videoOf({ name, features, fields }: Caps): Video {
  if (name !== 'video/x-raw') throw new CapsError(`${name} is not shared here, only video/x-raw`);
  const other = features.find((each) => !['memory:DMABuf', 'memory:SystemMemory'].includes(each));
  if (other !== undefined) throw new CapsError(`memory with ${other} is not shared here`);
  const told = textOf(fields, 'format') ?? '';
  const drm = told === 'DMA_DRM';
  if (drm && !features.includes('memory:DMABuf')) {
    throw new CapsError('format=DMA_DRM is for video/x-raw(memory:DMABuf)');
  }
  const [format, modifier] = drm ? drmFormat(textOf(fields, 'drm-format') ?? '') : [told, 0n];
  if (format === '') throw new CapsError(`the caps have no format, e.g. ${EXAMPLE}`);
  const mode = textOf(fields, 'interlace-mode') ?? 'progressive';
  if (mode === 'alternate') throw new CapsError('frames in two fields (alternate) are not shared');
  return {
    ...{ format, drm, modifier, width: pixels(fields, 'width'), height: pixels(fields, 'height') },
    duration: frameDuration(textOf(fields, 'framerate') ?? '0/1'),
    interlaced: mode !== 'progressive',
  };
}

/** A field's value, without its type and quotes. */
function textOf(fields: Caps['fields'], key: string): string | undefined {
  const value = fields.get(key)?.replace(/^\([^)]*\)\s*/, '');
  return value?.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value;
}

/** `NV12`, or with a modifier `NV12:0x0100000000000002` (gst_video_dma_drm_fourcc_from_string). */
function drmFormat(text: string): [format: string, modifier: bigint] {
  const [, format, modifier = '0'] =
    /^([\x20-\x7e]{1,4})(?::(0x[0-9a-f]{1,16}))?$/i.exec(text) ?? [];
  if (format === undefined) throw new CapsError(`${shown(text)} is no drm-format, e.g. NV12`);
  return [format.padEnd(4), BigInt(modifier)];
}

/** As GStreamer's caps have them: an int, of which the layout has to fit into 32 bits. */
const MAX_PIXELS = 32_768;

function pixels(fields: Caps['fields'], key: string): number {
  const text = textOf(fields, key);
  const value = /^\d{1,7}$/.test(text ?? '') ? Number(text) : 0;
  if (value >= 1 && value <= MAX_PIXELS) return value;
  throw new CapsError(`${key} must be 1 to ${MAX_PIXELS} in the caps, and is ${shown(text ?? '')}`);
}

function frameDuration(text: string): bigint | null {
  const [, frames = '', seconds = '1'] = /^(\d{1,9})(?:\/(\d{1,9}))?$/.exec(text) ?? [];
  if (frames === '' || Number(seconds) === 0) {
    throw new CapsError(`framerate is a fraction, e.g. 30/1, and no ${shown(text)}`);
  }
  return BigInt(frames) === 0n ? null : (BigInt(seconds) * 1_000_000_000n) / BigInt(frames);
}
