/**
 * Who can use the broker's memory, and what shows it: README's table is made of this list (scripts/generate-uses.ts), and the
 * tests take from it what they run and how far from the expected picture they may be. So the table claims what a test does.
 * test/docs/commands.test.ts holds each entry against its test and its page.
 */
export interface Proof {
  readonly who: string;
  /** What is done with the memory. */
  readonly what: string;
  /** Where it is described. */
  readonly page: string;
  /** As people type it. Its test runs this text, or its page, which a test runs, has it. */
  readonly command: string;
  /** What the result is compared with: made without the broker. */
  readonly reference: string;
  /** The largest difference of a byte, by format. */
  readonly tolerance: Readonly<Record<string, number>>;
  /** The test's file under test/. */
  readonly test: string;
  /** A guest where the page's commands work, by options of `npm run vm`; else the one that is furnished for the test. */
  readonly guest?: string;
}

export const PROOFS = {
  shown: {
    who: 'a display (KMS; vkms)',
    what: 'shown',
    page: 'docs/displays-and-codecs.md',
    command: 'dmabroker-scanout --size 640x480 --writeback seen.raw show picture.raw',
    reference: 'the picture; the CRC that the kernel counts with the picture’s own',
    tolerance: { XR24: 0, NV12: 1 },
    test: 'examples/pixels.guest',
  },
  photographed: {
    who: 'a screen, photographed from outside, under Debian’s own kernel (KMS; cirrus)',
    what: 'shown',
    page: 'docs/displays-and-codecs.md',
    command: 'dmabroker-scanout --card cirrus --size 640x480 show picture.raw',
    reference: 'QEMU’s photograph of the screen with the picture',
    tolerance: { XR24: 0 },
    test: 'systemd/smoke.guest',
    guest: '--display --for examples/pixels',
  },
  captured: {
    who: 'a camera (V4L2; vivid)',
    what: 'captured into',
    page: 'examples/v4l2/README.md',
    command: 'dmabroker-v4l2 --device /dev/video0 --size 500x300 --format NV12 capture',
    reference: 'v4l2-ctl’s frame in the driver’s own memory',
    tolerance: { XR24: 0, AR24: 0, NV12: 0 },
    test: 'examples/v4l2.guest',
  },
  scaled: {
    who: 'a scaler (V4L2; vim2m)',
    what: 'scaled, and scaled into',
    page: 'docs/displays-and-codecs.md',
    command:
      'dmabroker-m2m --device vim2m --in RGB3:320x240 --out RGB3:160x120 frames.rgb half.rgb',
    reference: 'every second pixel; v4l2-ctl’s frames',
    tolerance: { BG24: 0 },
    test: 'examples/pixels.guest',
  },
  encoded: {
    who: 'an encoder (V4L2; vicodec)',
    what: 'encoded, and encoded into',
    page: 'docs/displays-and-codecs.md',
    command:
      'dmabroker-m2m --device stateful-encoder --in NV12:640x480 --out FWHT:640x480 frames.nv12 frames.fwht',
    reference: 'v4l2-ctl’s stream',
    tolerance: { FWHT: 0 },
    test: 'examples/pixels.guest',
  },
  decoded: {
    who: 'a decoder (V4L2; vicodec)',
    what: 'decoded, and decoded into',
    page: 'docs/displays-and-codecs.md',
    command:
      'dmabroker-m2m --device stateful-decoder --in FWHT:640x480 --out NV12:640x480 frames.fwht decoded.nv12',
    reference: 'v4l2-ctl’s frames; the frames that were encoded, of which the codec loses a little',
    tolerance: { NV12: 0, 'the codec’s loss': 6 },
    test: 'examples/pixels.guest',
  },
  sampled: {
    who: 'a compositor (Wayland; Weston)',
    what: 'sampled as a texture',
    page: 'examples/wayland/README.md',
    command: 'dmabroker-show --format AR24',
    reference: 'the drawing, with a screenshot',
    tolerance: { AR24: 0, NV12: 2 },
    test: 'examples/wayland.guest',
  },
  composited: {
    who: 'compositors that allocate by libgbm (sway, Weston)',
    what: 'drawn into by Mesa, and shown',
    page: 'docs/gbm.md',
    command: 'GBM_BACKEND=dmabroker sway',
    reference: 'Mesa’s own run: a screenshot, and the CRC of what is shown',
    tolerance: { XR24: 0 },
    test: 'gbm/compositors.guest',
  },
  ffmpeg: {
    who: 'FFmpeg’s filters and encoders (DRM_PRIME frames)',
    what: 'filtered and encoded',
    page: 'docs/ffmpeg.md',
    command:
      'dmabroker-ffmpeg --size 322x242 --filter hwmap=mode=read,format=nv12,scale=160:120,format=yuv420p frames.nv12 scaled.nut',
    reference: '`ffmpeg`’s own run with plain frames',
    tolerance: { YU12: 0 },
    test: 'examples/ffmpeg.guest',
  },
  gstreamer: {
    who: 'GStreamer’s pipelines (unixfdsrc, unixfdsink)',
    what: 'sent and received',
    page: 'docs/gstreamer.md',
    command:
      'gst-launch-1.0 -q unixfdsrc socket-path=/tmp/frames.sock ! filesink location=/tmp/again.raw',
    reference: 'what went into the other pipeline',
    tolerance: { NV12: 0, I420: 0, BGRx: 0 },
    test: 'unixfd/gstreamer.guest',
  },
  converted: {
    who: 'GStreamer’s V4L2 elements (v4l2convert; vim2m)',
    what: 'imported by V4L2, and scaled',
    page: 'docs/gstreamer.md',
    command:
      'gst-launch-1.0 -q unixfdsrc socket-path=/tmp/large.sock ! v4l2convert output-io-mode=dmabuf-import ! video/x-raw,width=160,height=120 ! filesink location=/tmp/small.raw',
    reference: 'the same pipeline in the driver’s own memory',
    tolerance: { RGB: 0 },
    test: 'unixfd/gstreamer.guest',
  },
  pipewire: {
    who: 'PipeWire’s clients (pipewiresrc)',
    what: 'received as DmaBuf',
    page: 'examples/pipewire/README.md',
    command:
      'gst-launch-1.0 -q pipewiresrc target-object=broker stream-properties=p,media.class=Stream/Input/Video num-buffers=40 ! video/x-raw,format=BGRx ! filesink location=film',
    reference: 'the frames that the node plays',
    tolerance: { BGRx: 0 },
    test: 'examples/pipewire.guest',
  },
  heaps: {
    who: 'programs of DMA heaps and udmabuf (libcamera)',
    what: 'allocated, with no device node',
    page: 'docs/heaps.md',
    command:
      'LD_PRELOAD=/usr/local/lib/libdmabroker-heaps.so gst-launch-1.0 libcamerasrc camera-name=Virtual0 ! identity eos-after=10 ! filesink location=frames',
    reference:
      'the frames of a run without (libcamerasrc aborts at times, with the broker and without)',
    tolerance: { NV12: 0 },
    test: 'heaps/programs.guest',
  },
} as const satisfies Readonly<Record<string, Proof>>;

export type ProofName = keyof typeof PROOFS;

/** The title of the test that shows it, or what it begins with. */
export const proof = (name: ProofName): string => `${PROOFS[name].who}: ${PROOFS[name].what}`;

/** What that test runs. */
export const commandOf = (name: ProofName): string => PROOFS[name].command;

/** How far a byte may be from what is expected. */
export function toleranceOf(name: ProofName, format: string): number {
  const tolerance = (PROOFS[name] as Proof).tolerance[format];
  if (tolerance === undefined) throw new Error(`${name} says nothing of ${format}`);
  return tolerance;
}
