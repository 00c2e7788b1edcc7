/**
 * Every format of the table, with pixels that are written here by hand: bytes as the formats'
 * comments in drm_fourcc.h have them, colours as the recommendations compute them.
 */
import t from 'tap';
import { formatInfo, formats } from '../../src/memory/formats.js';
import { fourcc } from '../../src/memory/fourcc.js';
import { linearLayout } from '../../src/memory/layout.js';
import { type PictureRequest, picture } from '../../src/pixels/image.js';

/** Bytes of one pixel that is 0x20 red, 0x60 green, 0xa0 blue, 0xff alpha, as far as there are such. */
const rgbPixels: Record<string, { bytes: number[]; rgba: number[] }> = {
  AR24: { bytes: [0xa0, 0x60, 0x20, 0xff], rgba: [0x20, 0x60, 0xa0, 0xff] },
  XR24: { bytes: [0xa0, 0x60, 0x20, 0x00], rgba: [0x20, 0x60, 0xa0, 0xff] },
  AB24: { bytes: [0x20, 0x60, 0xa0, 0x80], rgba: [0x20, 0x60, 0xa0, 0x80] },
  XB24: { bytes: [0x20, 0x60, 0xa0, 0x00], rgba: [0x20, 0x60, 0xa0, 0xff] },
  RA24: { bytes: [0x80, 0xa0, 0x60, 0x20], rgba: [0x20, 0x60, 0xa0, 0x80] },
  RX24: { bytes: [0x00, 0xa0, 0x60, 0x20], rgba: [0x20, 0x60, 0xa0, 0xff] },
  BA24: { bytes: [0x80, 0x20, 0x60, 0xa0], rgba: [0x20, 0x60, 0xa0, 0x80] },
  BX24: { bytes: [0x00, 0x20, 0x60, 0xa0], rgba: [0x20, 0x60, 0xa0, 0xff] },
  // 2, 10, 10, 10 bits: alpha 1 of 3, 1023, 512, 0.
  AR30: { bytes: [0x00, 0x00, 0xf8, 0x7f], rgba: [255, 128, 0, 85] },
  XR30: { bytes: [0x00, 0x00, 0xf8, 0x3f], rgba: [255, 128, 0, 255] },
  AB30: { bytes: [0xff, 0x03, 0x08, 0x40], rgba: [255, 128, 0, 85] },
  XB30: { bytes: [0xff, 0x03, 0x08, 0x00], rgba: [255, 128, 0, 255] },
  // GR1616 and GR88 have red in the low half.
  GR32: { bytes: [0xff, 0xff, 0x00, 0x80], rgba: [255, 128, 0, 255] },
  RG24: { bytes: [0xa0, 0x60, 0x20], rgba: [0x20, 0x60, 0xa0, 0xff] },
  BG24: { bytes: [0x20, 0x60, 0xa0], rgba: [0x20, 0x60, 0xa0, 0xff] },
  // 31, 32 of 63, 0
  RG16: { bytes: [0x00, 0xfc], rgba: [255, 130, 0, 255] },
  BG16: { bytes: [0x1f, 0x04], rgba: [255, 130, 0, 255] },
  GR88: { bytes: [0x20, 0x60], rgba: [0x20, 0x60, 0, 0xff] },
  'R16 ': { bytes: [0x00, 0x80], rgba: [128, 128, 128, 255] },
  'R8  ': { bytes: [0x20], rgba: [0x20, 0x20, 0x20, 0xff] },
  // Half floats: 1 is 0x3c00, 0.5 is 0x3800, 2 (cut to 1) is 0x4000, -1 (cut to 0) is 0xbc00.
  AB4H: { bytes: [0x00, 0x38, 0x00, 0x40, 0x00, 0xbc, 0x00, 0x3c], rgba: [128, 255, 0, 255] },
  XB4H: { bytes: [0x00, 0x38, 0x00, 0x40, 0x00, 0xbc, 0x00, 0x00], rgba: [128, 255, 0, 255] },
  AB48: { bytes: [0x00, 0x20, 0x00, 0x60, 0xa0, 0xa0, 0x00, 0x80], rgba: [32, 96, 160, 128] },
  XB48: { bytes: [0x00, 0x20, 0x00, 0x60, 0xa0, 0xa0, 0x00, 0x80], rgba: [32, 96, 160, 255] },
};

function request(name: string, width = 4, height = 4): PictureRequest & { memory: Buffer } {
  const format = formatInfo(fourcc(name));
  if (format === undefined) throw new Error(`no format ${name}`);
  const { planes, memories } = linearLayout(format, { width, height });
  const memory = Buffer.alloc(memories[0] ?? 0);
  return {
    format,
    width,
    height,
    memory,
    planes: planes.map(({ offset, stride }) => ({ bytes: memory, offset, stride })),
    max: 64,
    matrix: 'bt709',
    range: 'limited',
  };
}

const pixel = (
  { width, data }: { width: number; data: Uint8ClampedArray },
  x: number,
  y: number,
) => [...data.subarray((y * width + x) * 4, (y * width + x) * 4 + 4)];

/** Written one by one so that a reader who mixes up planes, rows or columns is caught. */
t.test('RGB formats', async (t) => {
  for (const [name, { bytes, rgba }] of Object.entries(rgbPixels)) {
    const asked = request(name);
    const { stride = 0 } = asked.planes[0] ?? {};
    Buffer.from(bytes).copy(asked.memory, 2 * stride + 1 * bytes.length);
    const made = picture(asked);
    t.strictSame(pixel(made, 1, 2), rgba, name);
    t.notSame(pixel(made, 2, 1), rgba, `${name}: only there`);
  }
});

/**
 * BT.709 limited, from the inverse of the recommendation: 75 % red is Y 51, Cb 109, Cr 212 (as in
 * SMPTE RP 219's bars), that is 191, 0, 0.
 */
const RED = { y: 51, cb: 109, cr: 212 };

t.test('YCbCr formats', async (t) => {
  const ycbcr = formats.filter((format) => format.ycbcr);
  for (const { name } of ycbcr) {
    const asked = request(name);
    const { memory, planes, format } = asked;
    const at = (index: number, x: number, y: number, step: number) => {
      const shape = format.planes[index];
      const { offset = 0, stride = 0 } = planes[index] ?? {};
      const across = shape?.hsub ?? 1;
      return offset + Math.floor(y / (shape?.vsub ?? 1)) * stride + Math.floor(x / across) * step;
    };
    const high = /^P01/.test(name) ? 2 : 1;
    /** An 8-bit value at the high end of the sample. */
    const put = (index: number, step: number, first: number, value: number) => {
      memory[at(index, 2, 2, step) + first + high - 1] = value;
    };
    if (name === 'YUYV' || name === 'UYVY') {
      // Pixels 2 and 3 share the second group of four bytes of their row.
      const { stride = 0 } = planes[0] ?? {};
      const group = name === 'YUYV' ? [RED.y, RED.cb, 0, RED.cr] : [RED.cb, RED.y, RED.cr, 0];
      Buffer.from(group).copy(memory, 2 * stride + 4);
    } else {
      put(0, high, 0, RED.y);
      const first = name === 'NV21' || name === 'YV12' ? RED.cr : RED.cb;
      const second = first === RED.cb ? RED.cr : RED.cb;
      if (format.planes.length === 3) {
        put(1, 1, 0, first);
        put(2, 1, 0, second);
      } else {
        put(1, 2 * high, 0, first);
        put(1, 2 * high, high, second);
      }
    }
    const [red = 0, green = 0, blue = 0, alpha] = pixel(picture(asked), 2, 2);
    t.ok(Math.abs(red - 191) <= 2 && green <= 2 && blue <= 2, `${name}: ${red} ${green} ${blue}`);
    t.equal(alpha, 255);
    const [other = 0] = pixel(picture(asked), 1, 1);
    t.ok(Math.abs(other - 191) > 20, `${name}: only there`);
  }
  t.equal(ycbcr.length + Object.keys(rgbPixels).length, formats.length, 'that is all of them');
});

t.test('matrix and range', async (t) => {
  const grey = (matrix: 'bt601' | 'bt709' | 'bt2020', range: 'limited' | 'full', y: number) => {
    const asked = { ...request('NV12', 2, 2), matrix, range };
    asked.memory.fill(y, 0, 64);
    const { offset = 0 } = asked.planes[1] ?? {};
    asked.memory.fill(128, offset);
    return pixel(picture(asked), 0, 0);
  };
  for (const matrix of ['bt601', 'bt709', 'bt2020'] as const) {
    t.strictSame(grey(matrix, 'limited', 16), [0, 0, 0, 255], `${matrix} black`);
    t.strictSame(grey(matrix, 'limited', 235), [255, 255, 255, 255], `${matrix} white`);
    t.strictSame(grey(matrix, 'full', 255).slice(0, 3), [255, 255, 255], `${matrix} full white`);
    t.strictSame(grey(matrix, 'full', 16).slice(0, 3), [16, 16, 16], `${matrix} full dark`);
  }
  // BT.601's 75 % red: Y 65, Cb 100, Cr 212.
  const asked = { ...request('YU24', 1, 1), matrix: 'bt601' as const };
  for (const [index, value] of [65, 100, 212].entries()) {
    asked.memory[asked.planes[index]?.offset ?? 0] = value;
  }
  const [red = 0, green = 0, blue = 0] = pixel(picture(asked), 0, 0);
  t.ok(Math.abs(red - 191) <= 2 && green <= 2 && blue <= 2, `${red} ${green} ${blue}`);
});

t.test('a large image is made smaller, in proportion; a small one stays', async (t) => {
  const asked = request('R8  ', 200, 50);
  const { stride = 0 } = asked.planes[0] ?? {};
  for (let y = 0; y < 50; y++) asked.memory.fill(y < 25 ? 10 : 200, y * stride, y * stride + 200);
  const made = picture({ ...asked, max: 20 });
  t.match(made, { width: 20, height: 5 });
  t.equal(made.data.length, 400);
  t.equal(pixel(made, 19, 0)[0], 10);
  t.equal(pixel(made, 0, 4)[0], 200);
  t.match(picture({ ...asked, max: 1000 }), { width: 200, height: 50 });
  t.match(picture({ ...request('R8  ', 1000, 1), max: 10 }), { width: 10, height: 1 });
});
