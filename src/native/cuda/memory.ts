/**
 * Memory of a GPU that leaves the process: made, given an address at which this process reaches it, cleared, exported.
 * All of it by CUDA's virtual memory management: what cuMemAlloc makes has no handle for others.
 *
 * Owns: the handle, the range of addresses and the mapping, until `destroy`. Exported fds are their receiver's, and
 * keep the memory when it is destroyed here.
 */
import { closeSync, openSync } from 'node:fs';
import { isOutOfFds, outOfFds, type Refusal } from '../../memory/errors.js';
import type { Steps } from '../../memory/steps.js';
import { monotonic } from '../clock.js';
import { addressOf } from '../ffi.js';
import { owning, setCloexec } from '../libc/fd.js';
import { write } from '../vulkan/struct.js';
import type { CudaDevice } from './device.js';
import {
  CU_MEM_ACCESS_FLAGS_PROT_READWRITE,
  CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR,
  CU_MEM_RANGE_HANDLE_TYPE_DMA_BUF_FD,
  CUmemAccessDesc,
} from './layout.js';

export class CudaMemory {
  #handle = 0n;
  /** CUdeviceptr of the range, once it is reserved. */
  #address = 0;
  #isMapped = false;

  private constructor(
    readonly device: CudaDevice,
    /** Bytes: a multiple of the device's granularity. */
    readonly size: number,
  ) {}

  /** Makes memory; the device's context is current. Its content is whatever was there before. */
  static create(device: CudaDevice, size: number): CudaMemory {
    const memory = new CudaMemory(device, size);
    const { cuda } = device;
    const refusal: Refusal = { constraint: 'size', requested: size };
    return memory.#reached(() =>
      cuda.arena.scoped(() =>
        cuda.out64('cuMemCreate', [size, device.writeProperties(), 0], refusal),
      ),
    );
  }

  /** Memory that an earlier daemon has made, by its POSIX file descriptor, which stays the caller's. */
  static import(device: CudaDevice, fd: number, size: number): CudaMemory {
    const args = [fd, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR];
    const memory = new CudaMemory(device, size);
    return memory.#reached(() => device.cuda.out64('cuMemImportFromShareableHandle', args));
  }

  #reached(handle: () => bigint): this {
    const { device, size } = this;
    const { cuda } = device;
    try {
      this.#handle = orOutOfFds(handle);
      this.#address = Number(cuda.out64('cuMemAddressReserve', [size, 0, 0, 0]));
      cuda.call('cuMemMap', [this.#address, size, 0, this.#handle, 0]);
      this.#isMapped = true;
      cuda.arena.scoped(() => {
        const { location } = device;
        const flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
        const access = write(cuda.arena, CUmemAccessDesc, { location, flags });
        cuda.call('cuMemSetAccess', [this.#address, size, access, 1]);
      });
      return this;
    } catch (error) {
      this.destroy();
      throw error;
    }
  }

  /** A real dma_buf of all of it, CLOEXEC, the caller's: a new one at each call. */
  exportDmaBuf(): number {
    const args = [this.#address, this.size, CU_MEM_RANGE_HANDLE_TYPE_DMA_BUF_FD, 0];
    return this.#exported('cuMemGetHandleForAddressRange', args);
  }

  /** An fd for CUDA and, as OPAQUE_FD, for Vulkan; CLOEXEC, the caller's: a new one at each call. */
  exportPosix(): number {
    const args = [this.#handle, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0];
    return this.#exported('cuMemExportToShareableHandle', args);
  }

  #exported(call: string, args: readonly (number | bigint)[]): number {
    const fd = orOutOfFds(() => this.device.cuda.out32(call, args));
    return owning(fd, () => {
      setCloexec(fd);
      return fd;
    });
  }

  /**
   * Clears all of it, in pieces; before each the device's context is made current, since others' may be. The last is only
   * begun: the GPU computes while the memory is exported, and nothing of it may leave before `device.synchronize()`.
   */
  *clear(): Steps<void> {
    const { device, size } = this;
    let offset = 0;
    for (;;) {
      const bytes = Math.min(device.pace.bytes, size - offset);
      const begun = monotonic.now();
      device.cuda.call('cuMemsetD8_v2', [this.#address + offset, 0, bytes]);
      offset += bytes;
      if (offset === size) return;
      device.synchronize();
      device.pace.took(bytes, monotonic.now() - begun);
      yield;
      device.enter();
    }
  }

  /** Fills whole words of 32 bits; `offset` and `size` are multiples of 4. */
  fill(offset: number, size: number, value: number): void {
    this.#within(offset, size);
    this.device.cuda.call('cuMemsetD32_v2', [this.#address + offset, value, size / 4]);
  }

  /** Copies into memory that is this process's alone: a page of a client's could be gone, which CUDA does not survive. */
  take(offset: number, into: Buffer): void {
    this.#within(offset, into.length);
    const { cuda } = this.device;
    cuda.call('cuMemcpyDtoH_v2', [addressOf(into), this.#address + offset, into.length]);
  }

  put(offset: number, from: Buffer): void {
    this.#within(offset, from.length);
    const { cuda } = this.device;
    cuda.call('cuMemcpyHtoD_v2', [this.#address + offset, addressOf(from), from.length]);
  }

  /** From memory of the same device; what overlaps is undefined. */
  copy(offset: number, from: CudaMemory, at: number, size: number): void {
    this.#within(offset, size);
    from.#within(at, size);
    const { cuda } = this.device;
    cuda.call('cuMemcpyDtoD_v2', [this.#address + offset, from.#address + at, size]);
  }

  #within(offset: number, size: number): void {
    if (offset >= 0 && size > 0 && offset + size <= this.size) return;
    throw new RangeError(`${size} bytes at ${offset} are not in memory of ${this.size}`);
  }

  /**
   * Lets go of it. What the calls answer is not asked: of a lost device everything fails, and what is left then goes
   * with its context.
   */
  destroy(): void {
    const { cuda } = this.device;
    if (this.#isMapped) cuda.result('cuMemUnmap', [this.#address, this.size]);
    if (this.#address !== 0) cuda.result('cuMemAddressFree', [this.#address, this.size]);
    if (this.#handle !== 0n) cuda.result('cuMemRelease', [this.#handle]);
    this.#isMapped = false;
    this.#address = 0;
    this.#handle = 0n;
  }
}

/** What the driver may want at once, for itself and for the one that it makes. */
const FDS_OF_A_CALL = 4;

/** CUDA has no word for it. */
function orOutOfFds<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (hasFewFds()) throw outOfFds();
    throw error;
  }
}

/** Whether the process or the machine has not as many file descriptors left as a call may take. */
function hasFewFds(): boolean {
  const fds: number[] = [];
  try {
    while (fds.length < FDS_OF_A_CALL) fds.push(openSync('/dev/null', 'r'));
    return false;
  } catch (error) {
    return isOutOfFds(error);
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}
