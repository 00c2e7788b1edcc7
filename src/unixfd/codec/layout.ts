/**
 * Where GStreamer has the planes of a frame when nobody says it otherwise (gst_video_info_set_format): rows of whole
 * words of 4 bytes, chroma of 4:2:0 for an even number of rows. Elements that read no GstVideoMeta rely on it, and
 * unixfdsrc drops that of the first frame, so that what is served lies so, and nowhere else.
 */
import type { FormatInfo } from '../../memory/formats.js';
import { formatInfo } from '../../memory/formats.js';
import { fourcc } from '../../memory/fourcc.js';
import { rowBytes } from '../../memory/layout.js';
import type { PlaneLayout } from '../../memory/plane.js';
import { CapsError, type Video } from './caps.js';

/** GStreamer's names of formats that a DRM fourcc has, too. */
const FOURCCS: Readonly<Record<string, string>> = {
  ...{ BGRx: 'XR24', BGRA: 'AR24', RGBx: 'XB24', RGBA: 'AB24' },
  ...{ xBGR: 'RX24', ABGR: 'RA24', xRGB: 'BX24', ARGB: 'BA24' },
  ...{ RGB: 'BG24', BGR: 'RG24', RGB16: 'RG16', BGR16: 'BG16' },
  ...{ BGR10A2_LE: 'AR30', RGB10A2_LE: 'AB30', RGBA64_LE: 'AB48' },
  ...{ GRAY8: 'R8  ', GRAY16_LE: 'R16 ', YUY2: 'YUYV', UYVY: 'UYVY' },
  ...{ NV12: 'NV12', NV21: 'NV21', NV16: 'NV16', NV24: 'NV24' },
  ...{ P010_10LE: 'P010', P012_LE: 'P012', P016_LE: 'P016' },
  ...{ I420: 'YU12', YV12: 'YV12', Y42B: 'YU16', Y444: 'YU24' },
};

export const FORMATS = Object.keys(FOURCCS);

/** GStreamer's name of what the frames are; null where only a driver can read them. */
export function gstFormat({ format, drm, modifier }: Video): string | null {
  if (!drm) return format;
  if (modifier !== 0n) return null;
  return FORMATS.find((each) => FOURCCS[each] === format) ?? null;
}

export interface FrameLayout {
  /** DRM's name of the format. */
  readonly fourcc: string;
  readonly planes: readonly PlaneLayout[];
  /** Bytes without padding of each row of each plane, and how many rows there are. */
  readonly rows: readonly { readonly bytes: number; readonly count: number }[];
  /** Bytes of a frame. */
  readonly size: number;
}

const up = (value: number, multiple: number): number => Math.ceil(value / multiple) * multiple;

/** Throws CapsError for a format that is not known here. */
export function gstLayout(video: Video): FrameLayout {
  const { width, height } = video;
  const name = video.drm ? video.format : FOURCCS[video.format];
  const format = name === undefined ? undefined : formatInfo(fourcc(name));
  if (name === undefined || format === undefined) {
    const known = video.drm ? 'docs/formats.md has those that are' : FORMATS.join(', ');
    throw new CapsError(`the format ${video.format.trim()} is not known here: ${known}`);
  }
  const planes: PlaneLayout[] = [];
  let end = 0;
  for (const [index, { vsub }] of format.planes.entries()) {
    const stride = strideOf(format, index, width);
    // Luma of 4:2:0 has room for an even number of rows, and its chroma for half of them, in two fields for whole pairs.
    const subsampled = format.planes.some((plane) => plane.vsub === 2);
    const rows = subsampled ? up(height, 2) / vsub : height;
    planes.push({ offset: end, stride });
    // (Not so for those of 16 bits.)
    const fields = vsub === 2 && video.interlaced && format.planes[0]?.bytesPerBlock === 1;
    end += stride * (fields ? up(rows, 2) : rows);
  }
  if (end > 0xffff_ffff) throw new CapsError(`a frame of ${width}x${height} is too large`);
  const rows = format.planes.map((plane) => ({
    bytes: rowBytes(plane, width),
    count: Math.ceil(height / plane.vsub),
  }));
  return { fourcc: name, planes, rows, size: end };
}

function strideOf(format: FormatInfo, index: number, width: number): number {
  const plane = format.planes[index] ?? { hsub: 1, vsub: 1, blockWidth: 1, bytesPerBlock: 1 };
  // 4:2:2 in three planes: half of luma's, which is rounded up to 8.
  if (format.name === 'YU16' && index > 0) return up(width, 8) / 2;
  return up(rowBytes(plane, width), 4);
}
