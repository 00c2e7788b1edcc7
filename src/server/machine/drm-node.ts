/** Which DRM node is advertised as the main device (zwp_linux_dmabuf_feedback_v1 demands one). */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { DrmNode, DrmNodes } from '../../memory/device.js';
import { makedev } from '../../native/libc/fd.js';

/** A dev_t as the protocol carries it: its 8 bytes in native order. */
export function devBytes(device: bigint): Buffer {
  return Buffer.from(BigUint64Array.of(device).buffer);
}

/** A device's own render node, else its primary one, else null. */
export function ownNode(drm: DrmNodes | null): Buffer | null {
  return bytesOf(drm?.render ?? drm?.primary ?? null);
}

/**
 * The device's own render node (VK_EXT_physical_device_drm), else the machine's first render node
 * (lavapipe has no node of its own), else its primary node, else null.
 */
export function mainDevice(
  device: { readonly drm: DrmNodes | null } | null,
  folder = '/dev/dri',
): Buffer | null {
  const { render = null, primary = null } = device?.drm ?? {};
  const first = render === null ? firstRenderNode(folder) : null;
  return first === null ? bytesOf(render ?? primary) : devBytes(first);
}

function bytesOf(node: DrmNode | null): Buffer | null {
  return node && devBytes(makedev(node.major, node.minor));
}

function firstRenderNode(folder: string): bigint | null {
  try {
    const [name] = readdirSync(folder)
      .filter((entry) => entry.startsWith('renderD'))
      .sort();
    if (name === undefined) return null;
    return statSync(join(folder, name), { bigint: true }).rdev;
  } catch {
    return null;
  }
}
