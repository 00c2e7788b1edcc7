/**
 * The formats that the broker knows: each DRM fourcc with its planes in memory and, where there is
 * one, the VkFormat with the same bytes. Everything that computes a layout or asks a device about a
 * format starts here; a test holds the table against drm_fourcc.h and vk.xml.
 */
import { fourcc } from './fourcc.js';

/** One plane of a format, in LINEAR memory. Blocks are one row high in all of them. */
export interface FormatPlane {
  /** Pixels of the image for one sample of the plane, across and down. */
  readonly hsub: number;
  readonly vsub: number;
  /** Samples of the plane in one block: 2 where chroma is packed beside luma (YUYV), else 1. */
  readonly blockWidth: number;
  readonly bytesPerBlock: number;
}

export interface FormatInfo {
  /** The four characters of the code. */
  readonly name: string;
  readonly code: number;
  /** drm_fourcc.h's name without DRM_FORMAT_, e.g. `ARGB8888`. */
  readonly drm: string;
  /**
   * The VkFormat with the same bytes in memory, or null where Vulkan has none. X formats have that
   * of their A sibling and are sampled with alpha ignored.
   */
  readonly vkFormat: string | null;
  readonly ycbcr: boolean;
  readonly planes: readonly FormatPlane[];
}

const plane = (bytesPerBlock: number, hsub = 1, vsub = 1, blockWidth = 1): FormatPlane => ({
  hsub,
  vsub,
  blockWidth,
  bytesPerBlock,
});

type Row = readonly [name: string, drm: string, vkFormat: string | null];

const make = (ycbcr: boolean, planes: readonly FormatPlane[], rows: readonly Row[]): FormatInfo[] =>
  rows.map(([name, drm, vkFormat]) => ({
    name,
    code: fourcc(name),
    drm,
    vkFormat: vkFormat === null ? null : `VK_FORMAT_${vkFormat}`,
    ycbcr,
    planes,
  }));

/** One plane of pixels of so many bytes. */
const packed = (bytes: number, ...rows: Row[]) => make(false, [plane(bytes)], rows);
const planar = (planes: readonly FormatPlane[], ...rows: Row[]) => make(true, planes, rows);

/**
 * drm_fourcc.h names components from the high bits of a little-endian word, Vulkan from byte 0
 * (except in its PACK formats).
 *
 * Null are: RGBA8888 and BGRA8888 and their X siblings, since Vulkan has no 8-bit format with alpha
 * in byte 0; NV21 and YVU420, since Vulkan's multi-planar formats have Cb before Cr. Those two are
 * not written as NV12's or YUV420's VkFormat with the components swapped: that holds for one who
 * samples and chooses its swizzle or plane order, not for one who renders, copies or encodes.
 */
export const formats: readonly FormatInfo[] = [
  ...packed(
    4,
    ['AR24', 'ARGB8888', 'B8G8R8A8_UNORM'],
    ['XR24', 'XRGB8888', 'B8G8R8A8_UNORM'],
    ['AB24', 'ABGR8888', 'R8G8B8A8_UNORM'],
    ['XB24', 'XBGR8888', 'R8G8B8A8_UNORM'],
    ['RA24', 'RGBA8888', null],
    ['RX24', 'RGBX8888', null],
    ['BA24', 'BGRA8888', null],
    ['BX24', 'BGRX8888', null],
    ['AR30', 'ARGB2101010', 'A2R10G10B10_UNORM_PACK32'],
    ['XR30', 'XRGB2101010', 'A2R10G10B10_UNORM_PACK32'],
    ['AB30', 'ABGR2101010', 'A2B10G10R10_UNORM_PACK32'],
    ['XB30', 'XBGR2101010', 'A2B10G10R10_UNORM_PACK32'],
    ['GR32', 'GR1616', 'R16G16_UNORM'],
  ),
  ...packed(3, ['RG24', 'RGB888', 'B8G8R8_UNORM'], ['BG24', 'BGR888', 'R8G8B8_UNORM']),
  ...packed(
    2,
    ['RG16', 'RGB565', 'R5G6B5_UNORM_PACK16'],
    ['BG16', 'BGR565', 'B5G6R5_UNORM_PACK16'],
    ['GR88', 'GR88', 'R8G8_UNORM'],
    ['R16 ', 'R16', 'R16_UNORM'],
  ),
  ...packed(1, ['R8  ', 'R8', 'R8_UNORM']),
  ...packed(
    8,
    ['AB4H', 'ABGR16161616F', 'R16G16B16A16_SFLOAT'],
    ['XB4H', 'XBGR16161616F', 'R16G16B16A16_SFLOAT'],
    ['AB48', 'ABGR16161616', 'R16G16B16A16_UNORM'],
    ['XB48', 'XBGR16161616', 'R16G16B16A16_UNORM'],
  ),
  ...planar(
    [plane(1), plane(2, 2, 2)],
    ['NV12', 'NV12', 'G8_B8R8_2PLANE_420_UNORM'],
    ['NV21', 'NV21', null],
  ),
  ...planar([plane(1), plane(2, 2)], ['NV16', 'NV16', 'G8_B8R8_2PLANE_422_UNORM']),
  ...planar([plane(1), plane(2)], ['NV24', 'NV24', 'G8_B8R8_2PLANE_444_UNORM']),
  ...planar(
    [plane(2), plane(4, 2, 2)],
    ['P010', 'P010', 'G10X6_B10X6R10X6_2PLANE_420_UNORM_3PACK16'],
    ['P012', 'P012', 'G12X4_B12X4R12X4_2PLANE_420_UNORM_3PACK16'],
    ['P016', 'P016', 'G16_B16R16_2PLANE_420_UNORM'],
  ),
  ...planar(
    [plane(1), plane(1, 2, 2), plane(1, 2, 2)],
    ['YU12', 'YUV420', 'G8_B8_R8_3PLANE_420_UNORM'],
    ['YV12', 'YVU420', null],
  ),
  ...planar([plane(1), plane(1, 2), plane(1, 2)], ['YU16', 'YUV422', 'G8_B8_R8_3PLANE_422_UNORM']),
  ...planar([plane(1), plane(1), plane(1)], ['YU24', 'YUV444', 'G8_B8_R8_3PLANE_444_UNORM']),
  ...planar(
    [plane(4, 1, 1, 2)],
    ['YUYV', 'YUYV', 'G8B8G8R8_422_UNORM'],
    ['UYVY', 'UYVY', 'B8G8R8G8_422_UNORM'],
  ),
];

const byCode = new Map(formats.map((format) => [format.code, format]));

export function formatInfo(code: number): FormatInfo | undefined {
  return byCode.get(code);
}
