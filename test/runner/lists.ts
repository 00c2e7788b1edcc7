/**
 * What is known of single test files: which run by night only, which may take long, which share a
 * process, and which are watched by the Khronos validation layer. Each with its reason.
 */

import {
  CAMERA_PACKAGES,
  COMPOSITOR_PACKAGES,
  FFMPEG_PACKAGES,
  GSTREAMER_PACKAGES,
  PIPEWIRE_PACKAGES,
} from '../vm/packages.js';

/** A file of the gate that takes more than this on an idle machine, alone, must be in SLOW. */
export const LIMIT_SECONDS = 45;

export const SLOW: ReadonlyMap<string, string> = new Map([
  ['systemd/deb', 'systemd starts, and the daemon ten times, each with what it is installed by'],
  [
    'systemd/pages',
    'systemd starts, and all that the documents show is typed; the first time it fetches Node',
  ],
  ['systemd/smoke.guest (QEMU)', 'every instruction is emulated'],
  ['server/main-job.guest (QEMU)', 'the same'],
  ['systemd/service', 'systemd starts, and the daemon a dozen times, by whoever asks for it'],
  [
    'server/o-path.guest',
    'it waits for looks, of which the next is ten times as far as the last one took',
  ],
  ['systemd/restart', 'systemd starts, and the daemon ten times, beside its clients'],
  ['examples/pipewire.guest', 'the first time it fetches PipeWire into the cache'],
  ['examples/ffmpeg.guest', 'the first time it fetches FFmpeg into the cache'],
  ['unixfd/gstreamer.guest', 'the first time it fetches GStreamer into the cache'],
  ['heaps/programs.guest', 'the first time it fetches libcamera and GStreamer into the cache'],
  [
    'gbm/compositors.guest',
    'the first time it fetches sway and the kernel’s source into the cache, and builds a module',
  ],
  ['systemd/containers', 'the first time it fetches podman and Flatpak into the cache'],
  ['server/http/proxy', 'the first time it installs Prism and Spectral into the cache'],
  ['server/http/alerts', 'the first time it downloads Prometheus into the cache'],
  ['server/http/prometheus', 'the same, whichever comes first'],
  ['package/runtimes', 'the first time it installs Bun and Deno into the cache'],
  ['bindings/rust', 'the first time it compiles the crates'],
  ['rust/library', 'the first time it fetches Rust into the cache, and compiles the crates'],
]);

/** Left to `npm run test:nightly`. */
export const NIGHTLY: ReadonlyMap<string, string> = new Map([
  ...['server/killed', 'server/schedule', 'server/http/owners', 'server/allocator/fairness'].map(
    (name) => [name, `${name}.guest does the same in the gate, with dma_bufs`] as const,
  ),
  ...['examples/reconnect', 'server/wayland/pipelined'].map(
    (name) => [name, `${name}.guest does the same in the gate, with dma_bufs`] as const,
  ),
  [
    'conformance/typescript',
    'conformance/mixed has that library in the gate, and so has nearly every file',
  ],
  [
    'conformance/typescript.guest',
    'the same; in the gate the files of the guest use it with dma_bufs, and the scenarios are played with those by the libraries of C and of Python',
  ],
  ...['python', 'libdmabroker']
    .map((name) => `conformance/${name}`)
    .map(
      (name) =>
        [
          name,
          `${name}.guest does the same in the gate; with memfds does conformance/mixed`,
        ] as const,
    ),
  [
    'conformance/c',
    'conformance/mixed has the driver over libwayland first of two in the gate, and alone where only it has the words',
  ],
  [
    'conformance/c.guest',
    'in the gate conformance/mixed has the driver with memfds, conformance/libdmabroker.guest dma_bufs in C, and this driver for what needs the protocol’s words and dma_bufs',
  ],
  [
    'server/kept/killed',
    'its grace of a second is too short for a busy machine, and a longer one is waited for; systemd/restart kills in the gate',
  ],
  [
    'python/library.guest',
    'conformance/python.guest has the library’s dma_bufs in the gate, python/library all its tests with memfds',
  ],
  [
    'server/http/spectral',
    'it computes for 20 s; in the gate Redocly looks at openapi.yaml (server/http/lint)',
  ],
  [
    'conformance/rust.guest',
    'rust/library plays the scenarios in the gate, with memfds; what is the library’s own of a dma_buf, a few lines of its mapping, seldom changes',
  ],
  ['systemd/flatpak', 'what it is about changes with Debian, hardly with what is changed here'],
  [
    'server/contiguous.guest',
    'it boots a guest of its own with a CMA heap; in the gate client/sources.guest has a second node of the system heap for one',
  ],
]);

/** Files of the host that boot guests themselves: not before these have been built. */
export const BOOTS: ReadonlySet<string> = new Set([
  'docs/host',
  'vm/guest',
  'systemd/containers',
  'systemd/deb',
  'systemd/flatpak',
  'systemd/pages',
  'systemd/restart',
  'systemd/service',
]);

/** Run a second time, in QEMU: that Debian's own kernel does as User-Mode Linux does. */
export const SMOKE: ReadonlySet<string> = new Set(['server/main-job.guest']);

/** Run in QEMU alone, in the one guest that the smoke run boots, under systemd. */
export const SMOKE_ONLY: ReadonlySet<string> = new Set(['systemd/smoke.guest']);

/**
 * Whether a guest's file runs under the validation layer in the gate: what calls Vulkan itself, and one
 * that has a daemon use every source. By night all do.
 */
export function isLayered(name: string): boolean {
  return name.startsWith('native/') || name === 'client/sources.guest';
}

/** Files of pure code in folders of src/server where others have a daemon or a thread. */
const PURE: Readonly<Record<string, string>> = {
  allocator: 'waiting',
  config: 'toml-lines',
  events: 'audit-line denials refusal-lines ring',
  kept: 'fd-store found keeping overflow records stored-files',
  lists: 'collection inventory-views shared',
  observe: 'heaps holders/processes leaks/growth',
  plane: 'all-memories holding journal operations quota-uses reporter shown subjects turn-clock',
  state: 'quotas',
  wayland:
    'batch buffer client-fds closing connection dmabuf flight layout-params lost manager objects order outbox output planes recall share text unclaimed-fds violations work',
  words: 'audit',
};

/** The same, of every folder. */
export const PURE_FILES: ReadonlySet<string> = new Set([
  ...['cli/keys', 'cli/output', 'client/deadline', 'client/gathered', 'folders'],
  ...['protocol/paths', 'protocol/rules', 'protocol/steps', 'protocol/wire'],
  ...Object.entries(PURE).flatMap(([folder, names]) =>
    names.split(' ').map((name) => `server/${folder}/${name}`),
  ),
]);

/**
 * Whether a file can run in one process with others: what tests pure code, and leaves nothing behind.
 * The others count the fds of their process, or what their own daemon holds and charges, and would see
 * each other's.
 */
export const sharesProcess = (name: string): boolean =>
  /^(broker|memory|pixels|unixfd\/codec)\//.test(name) || PURE_FILES.has(name);

/** Files of the guest that have one of their own: what they do to it, the next one would find. */
export const OWN_GUEST: ReadonlyMap<string, string> = new Map([
  ['server/o-path.guest', 'it lets everybody open /dev/udmabuf'],
  ['server/machine/nss.guest', 'it changes how users are looked up'],
]);

/** Files that want contiguous memory (CMA), in MiB: they have a guest of their own, too. */
export const CONTIGUOUS: ReadonlyMap<string, number> = new Map([['server/contiguous.guest', 64]]);

/** What a guest's file needs beside the image, which is put over it in a layer (test/vm/layer.ts): they have one of their own, too. */
export const LAYERS: ReadonlyMap<string, readonly string[]> = new Map([
  ['unixfd/gstreamer.guest', GSTREAMER_PACKAGES],
  ['examples/pipewire.guest', PIPEWIRE_PACKAGES],
  ['heaps/programs.guest', CAMERA_PACKAGES],
  ['gbm/compositors.guest', COMPOSITOR_PACKAGES],
  ['examples/ffmpeg.guest', FFMPEG_PACKAGES],
]);

/** Files that want a display whose driver maps imported memory: its module's file (test/vm/display.ts) lies beside the layer. */
export const MAPPING_DISPLAY: ReadonlySet<string> = new Set(['gbm/compositors.guest']);
