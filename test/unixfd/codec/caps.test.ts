/** Caps as GStreamer writes them and as people do; where a frame's planes lie by them, and what is no caps of a frame. */
import fc from 'fast-check';
import t from 'tap';
import { CapsError, capsText, parseCaps, videoOf } from '../../../src/unixfd/codec/caps.js';
import { FORMATS, gstLayout } from '../../../src/unixfd/codec/layout.js';
import { planesIn, repack } from '../../../src/unixfd/codec/planes.js';

const fault = { name: 'PeerFault' };
const video = (text: string) => videoOf(parseCaps(text));
const layout = (text: string) => gstLayout(video(text));

/** What gst_caps_to_string made of videotestsrc's. */
const WRITTEN =
  'video/x-raw, format=(string)NV12, width=(int)322, height=(int)241, framerate=(fraction)30/1, ' +
  'multiview-mode=(string)mono, interlace-mode=(string)progressive, colorimetry=(string)bt601, ' +
  'chroma-site=(string)jpeg, pixel-aspect-ratio=(fraction)1/1, title=(string)"a, b\\"; c"';

t.test('what GStreamer writes', async (t) => {
  const caps = parseCaps(WRITTEN);
  t.equal(capsText(caps), WRITTEN, 'comes back as it was');
  t.equal(caps.fields.get('title'), '(string)"a, b\\"; c"');
  t.same(videoOf(caps), {
    ...{ format: 'NV12', drm: false, modifier: 0n, width: 322, height: 241 },
    ...{ duration: 33_333_333n, interlaced: false },
  });
});

t.test('what people write', async (t) => {
  const caps = parseCaps(
    ' video/x-raw ( memory:DMABuf ), format=DMA_DRM,drm-format="XR24",width=16 , height=9;',
  );
  t.equal(
    capsText(caps),
    'video/x-raw(memory:DMABuf), format=DMA_DRM, drm-format="XR24", width=16, height=9',
  );
  t.match(videoOf(caps), { format: 'XR24', drm: true, modifier: 0n, duration: null });
  const tiled =
    'video/x-raw(memory:DMABuf),format=DMA_DRM,drm-format=R8:0x0100000000000002,width=1,height=1';
  t.match(video(tiled), { format: 'R8  ', modifier: 0x0100000000000002n });
  t.match(video('video/x-raw,format=NV12,width=2,height=2,framerate=0/1'), { duration: null });
  t.match(video('video/x-raw,format=NV12,width=2,height=2,framerate=25'), {
    duration: 40_000_000n,
  });
});

t.test('what is no caps of a frame', async (t) => {
  const size = 'width=16,height=16';
  const wrong = {
    '': /is no caps/,
    'NULL ANY': /begins at "ANY"/,
    'audio/x-raw,format=S16LE': /only video\/x-raw/,
    [`video/x-raw,${size}`]: /have no format/,
    [`video/x-raw,format=NV12_64Z32,${size}`]: /NV12_64Z32 is not known here/,
    'video/x-raw,format=NV12,width=0,height=16': /width must be/,
    'video/x-raw,format=NV12,width=16': /height must be 1 to 32768 in the caps, and is ""/,
    'video/x-raw,format=NV12,width=[1,16],height=16': /no field of one value/,
    [`video/x-raw,format={NV12,I420},${size}`]: /no field of one value/,
    [`video/x-raw,format=NV12,format=I420,${size}`]: /format twice/,
    [`video/x-raw,format=NV12,${size};video/x-raw,format=I420,${size}`]: /no field of one value/,
    [`video/x-raw(memory:GLMemory),format=NV12,${size}`]: /memory with memory:GLMemory/,
    [`video/x-raw(),format=NV12,${size}`]: /is no feature/,
    [`video/x-raw,format=DMA_DRM,drm-format=NV12,${size}`]: /is for video\/x-raw\(memory:DMABuf\)/,
    [`video/x-raw(memory:DMABuf),format=DMA_DRM,drm-format=NV12:1,${size}`]: /no drm-format/,
    [`video/x-raw,format=NV12,interlace-mode=alternate,${size}`]: /alternate/,
    [`video/x-raw,format=NV12,framerate=30/0,${size}`]: /framerate/,
    'video/x-raw,format=RGBA64_LE,width=32768,height=32768': /too large/,
  };
  for (const [text, message] of Object.entries(wrong)) {
    t.throws(() => layout(text), { name: 'CapsError', message }, text);
  }
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'video/x-raw(),;="\\{[<a:1 \0') }), (text) => {
      try {
        layout(text);
      } catch (error) {
        if (!(error instanceof CapsError)) throw error;
      }
    }),
  );
});

t.test('where planes lie: gst_video_info_set_format of 1.26, odd sizes among them', async (t) => {
  /** format, width, height → offset/stride of each plane, and the size. */
  const known = [
    ['NV12', 322, 242, '0/324 78408/324', 117_612],
    ['NV12', 321, 241, '0/324 78408/324', 117_612],
    ['I420', 322, 242, '0/324 78408/164 98252/164', 118_096],
    ['YV12', 4, 2, '0/4 8/4 12/4', 16],
    ['BGRx', 321, 3, '0/1284', 3852],
    ['RGB', 5, 2, '0/16', 32],
    ['RGB16', 3, 2, '0/8', 16],
    ['GRAY8', 5, 2, '0/8', 16],
    ['YUY2', 3, 2, '0/8', 16],
    ['NV16', 5, 3, '0/8 24/8', 48],
    ['NV24', 5, 3, '0/8 24/12', 60],
    ['P010_10LE', 5, 3, '0/12 48/12', 72],
    ['Y42B', 5, 3, '0/8 24/4 36/4', 48],
    ['Y444', 5, 3, '0/8 24/8 48/8', 72],
  ] as const;
  for (const [format, width, height, planes, size] of known) {
    const found = layout(`video/x-raw,format=${format},width=${width},height=${height}`);
    const shown = found.planes.map(({ offset, stride }) => `${offset}/${stride}`).join(' ');
    t.equal(shown, planes, `${format} ${width}x${height}`);
    t.equal(found.size, size);
  }
  const fields = layout('video/x-raw,format=I420,width=4,height=6,interlace-mode=mixed');
  t.equal(fields.size, 24 + 2 * 16, 'chroma of two fields');
  for (const format of FORMATS) {
    const { rows, planes } = layout(`video/x-raw,format=${format},width=7,height=5`);
    t.ok(
      rows.every(({ bytes }, at) => bytes <= (planes[at]?.stride ?? 0)),
      format,
    );
  }
});

t.test('planes in memories, one or several', async (t) => {
  const nv12 = layout('video/x-raw,format=NV12,width=8,height=4');
  t.same(planesIn([{ size: 48, offset: 64 }], nv12, null), [
    { memory: 0, offset: 64, stride: 8 },
    { memory: 0, offset: 96, stride: 8 },
  ]);
  const apart = [
    { size: 32, offset: 0 },
    { size: 16, offset: 128 },
  ];
  t.same(planesIn(apart, nv12, null), [
    { memory: 0, offset: 0, stride: 8 },
    { memory: 1, offset: 128, stride: 8 },
  ]);
  const wide = [
    { offset: 0, stride: 16 },
    { offset: 64, stride: 16 },
  ];
  t.same(planesIn([{ size: 88, offset: 0 }], nv12, wide)[1], { memory: 0, offset: 64, stride: 16 });
  t.throws(() => planesIn([{ size: 87, offset: 0 }], nv12, wide), fault, 'a row too short');
  t.throws(() => planesIn([{ size: 47, offset: 0 }], nv12, null), fault);
  t.throws(() => planesIn([{ size: 99, offset: 0 }], nv12, wide.slice(1)), fault);
  t.throws(() => planesIn([], nv12, null), fault);
  const from = Buffer.from(Array.from({ length: 96 }, (_, at) => at));
  const to = Buffer.alloc(nv12.size);
  repack(from, wide, nv12, to);
  const row = (at: number) => [...from.subarray(at, at + 8)];
  t.same([...to], [0, 16, 32, 48, 64, 80].flatMap(row));
});
