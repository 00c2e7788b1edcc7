/**
 * vgem: a DRM driver without hardware, whose buffers take fences that a program signals
 * (drm/vgem_drm.h, drivers/gpu/drm/vgem/vgem_fence.c). For tests of implicit synchronisation.
 *
 * Owns: the open device and its buffers.
 */
import { closeSync, openSync } from 'node:fs';
import { ioctl } from '../../src/native/libc/ioctl.js';

/** `_IOWR('d', 0xb2, struct drm_mode_create_dumb)`: u32 height, width, bpp, flags, handle, pitch, u64 size. */
const DRM_IOCTL_MODE_CREATE_DUMB = 0xc020_64b2;
/** `_IOWR('d', 0x2d, struct drm_prime_handle)`: u32 handle, u32 flags, s32 fd. */
const DRM_IOCTL_PRIME_HANDLE_TO_FD = 0xc00c_642d;
const DRM_RDWR_CLOEXEC = 2 | 0o2000000;
/** `_IOWR('d', 0x41, struct drm_vgem_fence_attach)`: u32 handle, flags, out_fence, pad. */
const DRM_IOCTL_VGEM_FENCE_ATTACH = 0xc010_6441;
const VGEM_FENCE_WRITE = 1;
/** `_IOW('d', 0x42, struct drm_vgem_fence_signal)`: u32 fence, flags. */
const DRM_IOCTL_VGEM_FENCE_SIGNAL = 0x4008_6442;

const words = (...values: number[]) => {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [i, value] of values.entries()) bytes.writeUInt32LE(value, i * 4);
  return bytes;
};

export interface VgemBuffer {
  /** The dma_buf, the caller's to close. */
  readonly fd: number;
  readonly handle: number;
  /** Bytes. */
  readonly size: number;
}

export class Vgem {
  /** Of the guest: the only card. Making a buffer without a render target is the primary node's. */
  readonly #device = openSync('/dev/dri/card0', 'r+');

  #call(name: string, request: number, struct: Buffer): Buffer {
    ioctl(this.#device, name, request, struct);
    return struct;
  }

  /** `pages` pages. */
  create(pages: number): VgemBuffer {
    const dumb = words(pages, 1024, 32, 0, 0, 0, 0, 0);
    this.#call('DRM_IOCTL_MODE_CREATE_DUMB', DRM_IOCTL_MODE_CREATE_DUMB, dumb);
    const handle = dumb.readUInt32LE(16);
    const prime = words(handle, DRM_RDWR_CLOEXEC, 0);
    this.#call('DRM_IOCTL_PRIME_HANDLE_TO_FD', DRM_IOCTL_PRIME_HANDLE_TO_FD, prime);
    return { fd: prime.readInt32LE(8), handle, size: Number(dumb.readBigUInt64LE(24)) };
  }

  /** Somebody begins to read or write; returns the fence's number. It signals itself after 10 s. */
  attach({ handle }: VgemBuffer, what: 'read' | 'write'): number {
    const fence = words(handle, what === 'write' ? VGEM_FENCE_WRITE : 0, 0, 0);
    this.#call('DRM_IOCTL_VGEM_FENCE_ATTACH', DRM_IOCTL_VGEM_FENCE_ATTACH, fence);
    return fence.readUInt32LE(8);
  }

  signal(fence: number): void {
    this.#call('DRM_IOCTL_VGEM_FENCE_SIGNAL', DRM_IOCTL_VGEM_FENCE_SIGNAL, words(fence, 0));
  }

  close(): void {
    closeSync(this.#device);
  }
}
