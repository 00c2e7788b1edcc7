/**
 * What the tests of the Vulkan source share: one probe a process, with the validation layer on, requests,
 * and looks at what was exported.
 */
import { readdirSync } from 'node:fs';
import t from 'tap';
import { BrokerError } from '../../../src/memory/errors.js';
import { fourcc, MOD_LINEAR } from '../../../src/memory/fourcc.js';
import {
  type Allocation,
  type BufferSpec,
  type Checked,
  type CheckedSpec,
  type ImageSpec,
  Usage,
} from '../../../src/memory/source.js';
import { sync } from '../../../src/native/dmabuf.js';
import { callInt, callLong, symbol, viewOf } from '../../../src/native/ffi.js';
import { probeVulkan } from '../../../src/native/sources/probe-vulkan.js';
import type { VulkanSource } from '../../../src/native/sources/vulkan.js';
import { enableValidation, inGuest } from './validation.js';

export const MIB = 1024 * 1024;
export const AR24 = fourcc('AR24');

// Under TCG, with validation, everything takes ten times as long.
if (inGuest) t.setTimeout(300_000);

export const validation = enableValidation();
export const probe = probeVulkan();
export const dmaBuf = sourceOf('dma_buf');
export const opaque = sourceOf('opaque_fd');
export const needs = (type: 'dma_buf' | 'opaque_fd') => ({
  skip: !inGuest && !sourceOf(type) && reasonOf(type),
});

export function sourceOf(type: string): VulkanSource | undefined {
  return probe.sources.find((source) => source.handleType === type);
}

export function reasonOf(type: string): string {
  return probe.states.find((state) => state.handleType === type)?.reason ?? '';
}

export function must(source: VulkanSource | undefined): VulkanSource {
  if (!source) throw new Error(probe.states.map((state) => state.reason).join('; '));
  return source;
}

export function openFds(): number {
  return readdirSync('/proc/self/fd').length;
}

/** Not checked, so that a source shows what it judges by itself. */
export const image = (width: number, height: number, more: object = {}) =>
  ({
    kind: 'image',
    width,
    height,
    format: AR24,
    modifiers: [MOD_LINEAR],
    usage: Usage.sample | Usage.render | Usage.transfer,
    ...more,
  }) as ImageSpec as Checked<ImageSpec>;
export const buffer = (size: number, usage: number = Usage.transfer) =>
  ({
    kind: 'buffer',
    size,
    usage,
  }) as Checked<BufferSpec>;

export function fdOf(allocation: Allocation): number {
  const fd = allocation.planes[0]?.fd ?? -1;
  if (allocation.planes.some((plane) => plane.fd !== fd)) throw new Error('several fds');
  return fd;
}

export function refusal(source: VulkanSource, spec: CheckedSpec): BrokerError {
  try {
    source.allocate(spec, 'refused');
  } catch (error) {
    if (error instanceof BrokerError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;

/** Runs `body` over the memory of a dma_buf. */
export function mapped<T>(fd: number, size: number, body: (bytes: Buffer) => T): T {
  const at = callLong(symbol('mmap'), 0, size, PROT_READ_WRITE, MAP_SHARED, fd, 0);
  if (at <= 0) throw new Error(`mmap: ${at}`);
  sync(fd, 'start', { read: true, write: true });
  try {
    return body(viewOf(at, size));
  } finally {
    sync(fd, 'end', { read: true, write: true });
    callInt(symbol('munmap'), at, size);
  }
}

export function isZero(bytes: Buffer): boolean {
  return bytes.equals(Buffer.alloc(bytes.length));
}
