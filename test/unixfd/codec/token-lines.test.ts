/** Lines with tokens, good and bad; and how frames are sent wherever their planes lie. */
import t from 'tap';
import { parseCaps, videoOf } from '../../../src/unixfd/codec/caps.js';
import { FORMATS, gstFormat, gstLayout } from '../../../src/unixfd/codec/layout.js';
import { cutMetas, videoMeta, videoPlanes } from '../../../src/unixfd/codec/meta.js';
import { place } from '../../../src/unixfd/codec/places.js';
import { LineFault, parseLine } from '../../../src/unixfd/codec/token-lines.js';
import { NONE } from '../../../src/unixfd/codec/wire.js';

t.test('what take prints is read', async (t) => {
  t.same(parseLine('{"caps":"video/x-raw","format":"NV12","width":6,"height":2}'), {
    type: 'caps',
    caps: 'video/x-raw',
  });
  t.same(parseLine('{"end":true}'), { type: 'end' });
  const line =
    '{"frame":3,"token":"tt","buffer":"4ifwkq","pts":"18446744073709551615","duration":"7","flags":64,' +
    '"planes":[{"offset":0,"stride":8},{"memory":1,"offset":16,"stride":8}]}';
  t.same(parseLine(line), {
    ...{ type: 'frame', number: 3, token: 'tt', buffer: '4ifwkq' },
    ...{ pts: NONE, duration: 7n, flags: 64 },
    planes: [
      { memory: 0, offset: 0, stride: 8 },
      { memory: 1, offset: 16, stride: 8 },
    ],
  });
  t.match(parseLine('{"frame":0,"buffer":"b","pts":5}'), {
    ...{ number: 0, token: null, pts: 5n, duration: NONE, planes: null, flags: 0 },
  });
});

t.test('what is no such line', async (t) => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['frame 1', /"frame 1" is no JSON$/],
    ['[1]', /is no JSON object/],
    ['{"number":1}', /has none of "caps", "frame" and "end"/],
    ['{"end":false}', /has none of/],
    ['{"caps":7}', /"caps" is a text, and not "7"/],
    ['{"frame":1}', /has a token; or the buffer/],
    ['{"frame":-1,"token":"t"}', /"frame" is a number from 0/],
    ['{"frame":1.5,"token":"t"}', /"frame" is a number/],
    ['{"frame":1,"token":""}', /"token" is a text/],
    ['{"frame":1,"token":"t","pts":"soon"}', /"pts" is nanoseconds/],
    ['{"frame":1,"token":"t","pts":"18446744073709551616"}', /"pts" is nanoseconds/],
    ['{"frame":1,"token":"t","planes":[]}', /"planes" are 1 to 4/],
    ['{"frame":1,"token":"t","planes":[7]}', /"7" is no plane/],
    ['{"frame":1,"token":"t","planes":[{"offset":0,"stride":0}]}', /"stride" is a number from 1/],
    ['{"frame":1,"token":"t","planes":[{"offset":-4,"stride":8}]}', /"offset" is a number/],
  ];
  for (const [line, why] of wrong) t.throws(() => parseLine(line), { message: why });
});

/** Rows of 8 bytes: two of luma, one of chroma. */
const video = videoOf(parseCaps('video/x-raw,format=NV12,width=6,height=2'));
const layout = gstLayout(video);
const terms = { layout, linear: true, mayTell: false, memories: [100] };
const at = (memory: number, offset: number, stride = 8) => ({ memory, offset, stride });

t.test('pieces of memories, as GStreamer counts them', async (t) => {
  t.same(place([at(0, 40), at(0, 56)], terms), {
    pieces: [{ memory: 0, offset: 40, size: 24 }],
    told: null,
  });
  const apart = [
    { memory: 0, offset: 64, size: 16 },
    { memory: 0, offset: 0, size: 8 },
  ];
  t.same(place([at(0, 64), at(0, 0)], terms), { pieces: apart, told: null });
  const two = { ...terms, memories: [20, 8] };
  t.same(place([at(0, 4), at(1, 0)], two).pieces, [
    { memory: 0, offset: 4, size: 16 },
    { memory: 1, offset: 0, size: 8 },
  ]);
  t.same(place([at(0, 4, 8), at(1, 0, 6)], { ...two, mayTell: true }), {
    pieces: [
      { memory: 0, offset: 0, size: 20 },
      { memory: 1, offset: 0, size: 8 },
    ],
    told: [
      { offset: 4, stride: 8 },
      { offset: 20, stride: 6 },
    ],
  });
  const tiled = { ...terms, linear: false, memories: [64] };
  t.same(place([at(0, 0, 128), at(0, 32, 128), at(0, 60, 4)], tiled).told?.length, 3);
});

t.test('what does not lie there, or not so', async (t) => {
  const wrong: readonly (readonly [Parameters<typeof place>[0], RegExp, object?])[] = [
    [[at(0, 0)], /1 planes where NV12 has 2/],
    [[at(0, 0), at(1, 0)], /plane 1 is in memory 1, and the buffer has 1/],
    [[at(0, 0), at(0, 95)], /plane 1 lies at 95 to 101, and the buffer's memory has 100 bytes/],
    [[at(0, 0), at(0, 93)], /what GStreamer reads of the frame lies at 93 to 101/],
    [[at(0, 0, 5), at(0, 16)], /plane 0 has rows of 5 bytes, and 6 are a row/],
    [
      [at(0, 0, 16), at(0, 32, 16)],
      /rows of 16 bytes, and GStreamer's have 8: allocate it with the layout \[{"offset":0,"stride":8},{"offset":16,"stride":8}\]/,
    ],
    [[at(0, 100, 128)], /plane 0 lies at 100 to 101/, { linear: false }],
  ];
  for (const [planes, message, more] of wrong) {
    t.throws(() => place(planes, { ...terms, ...more }), { message });
    t.throws(() => place(planes, { ...terms, ...more }), LineFault);
  }
});

t.test('a GstVideoMeta is read as it was written', async (t) => {
  const planes = [
    { offset: 0, stride: 128 },
    { offset: 4096, stride: 128 },
  ];
  const meta = videoMeta(video, gstFormat(video), planes);
  t.same(videoPlanes(cutMetas(meta, 1)), planes);
  // flags, NV12, width, height
  t.same(
    [0, 4, 8, 12].map((word) => meta.readUInt32LE(22 + word)),
    [0, 23, 6, 2],
  );
  const drm = (format: string) =>
    videoOf(
      parseCaps(
        `video/x-raw(memory:DMABuf),format=DMA_DRM,drm-format=(string)"${format}",width=6,height=2`,
      ),
    );
  t.equal(gstFormat(drm('XR24')), 'BGRx');
  t.equal(gstFormat(drm('XR24:0x0100000000000002')), null);
  t.equal(new Set(FORMATS.map((each) => videoMeta(video, each, []).readUInt32LE(26))).size, 30);
});
