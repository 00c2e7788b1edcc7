/**
 * What is known of single test files: which run by night only, which may take long, which share a
 * process, and which are watched by the Khronos validation layer. Each with its reason.
 */

import { CAMERA_PACKAGES } from '../vm/packages.js';

/** A file of the gate that takes more than this on an idle machine, alone, must be in SLOW. */
export const LIMIT_SECONDS = 45;

export const SLOW: ReadonlyMap<string, string> = new Map([
  ['systemd/service', 'systemd starts in QEMU: every instruction is emulated'],
  ['systemd/deb', 'systemd starts, and the daemon ten times, each with what it is installed by'],
  [
    'systemd/pages',
    'systemd starts, and all that the documents show is typed; the first time it fetches Node',
  ],
  ['server/main-job.guest (QEMU)', 'every instruction is emulated'],
  [
    'server/o-path.guest',
    'it waits for looks, of which the next is ten times as far as the last one took',
  ],
  ['systemd/restart', 'systemd starts, and the daemon 26 times, beside 20 clients'],
  ['heaps/programs.guest', 'the first time it fetches libcamera and GStreamer into the cache'],
  ['systemd/containers', 'the first time it fetches podman and Flatpak into the cache'],
  ['server/http/proxy', 'the first time it installs Prism and Spectral into the cache'],
  ['server/http/alerts', 'the first time it downloads Prometheus into the cache'],
  ['server/http/prometheus', 'the same, whichever comes first'],
  ['package/runtimes', 'the first time it installs Bun and Deno into the cache'],
  ['bindings/rust', 'the first time it compiles the crates'],
]);

/** Left to `npm run test:nightly`. */
export const NIGHTLY: ReadonlyMap<string, string> = new Map([
  ...['server/killed', 'server/schedule', 'server/http/owners'].map(
    (name) => [name, `${name}.guest does the same in the gate, with dma_bufs`] as const,
  ),
  ...['typescript', 'c', 'python', 'libdmabroker']
    .map((name) => `conformance/${name}`)
    .map(
      (name) =>
        [
          name,
          `${name}.guest does the same in the gate; with memfds does conformance/mixed`,
        ] as const,
    ),
  [
    'server/kept/killed',
    'its grace of a second is too short for a busy machine, and a longer one is waited for; systemd/restart kills in the gate',
  ],
  [
    'python/library.guest',
    'conformance/python.guest has the library’s dma_bufs in the gate, python/library all its tests with memfds',
  ],
  ['systemd/flatpak', 'what it is about changes with Debian, hardly with what is changed here'],
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

/**
 * Whether a guest's file runs under the validation layer in the gate: what calls Vulkan itself, and one
 * that has a daemon use every source. By night all do.
 */
export function isLayered(name: string): boolean {
  return name.startsWith('native/') || name === 'client/sources.guest';
}

/**
 * Whether a file can run in one process with others: what tests pure code, and leaves nothing behind.
 * The others count the fds of their process, or what their own daemon holds and charges, and would see
 * each other's.
 */
export const sharesProcess = (name: string): boolean => /^(broker|memory|pixels)\//.test(name);

/** What a guest's file needs beside the image, which is put over it in a layer (test/vm/layer.ts). */
export const LAYERS: ReadonlyMap<string, readonly string[]> = new Map([
  ['heaps/programs.guest', CAMERA_PACKAGES],
]);
