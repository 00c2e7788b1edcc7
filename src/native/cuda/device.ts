/**
 * A GPU as CUDA has it: what it can do, which is known without a context, and its primary context, which is made when
 * somebody first wants memory of it: a context takes hundreds of megabytes of the GPU, and 0.15 s where it is quick.
 *
 * A context is current in a thread. All of this runs in the allocator's, which makes the right one current before
 * it does something.
 *
 * Owns: a reference to the primary context, until `leave`.
 */
import { PIECE_BYTES } from '../../memory/limits.js';
import { Arena } from '../arena.js';
import { addressOf } from '../ffi.js';
import { write } from '../vulkan/struct.js';
import type { Cuda } from './driver.js';
import {
  Attribute,
  CU_MEM_ALLOC_GRANULARITY_MINIMUM,
  CU_MEM_ALLOCATION_TYPE_PINNED,
  CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR,
  CU_MEM_LOCATION_TYPE_DEVICE,
  CUmemAllocationProp,
} from './layout.js';
import { CUDA_SUCCESS } from './result.js';

/** What of a GPU's memory is left, in bytes. */
export interface Left {
  readonly free: number;
  readonly total: number;
}

/** Others wait for a piece: so long at most, in milliseconds. */
const PIECE_MS = 1;

/**
 * How much of a GPU's memory is cleared at once: some do 300 gigabytes a second, an H200 4,000, and any of them less while
 * others compute on it.
 */
export class Pace {
  #bytes = 16 * PIECE_BYTES;

  /** Of the next piece. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What a piece took: with half of the time left the next one is twice as large, and after twice the time half as large. */
  took(bytes: number, ms: number): void {
    if (bytes !== this.#bytes) return;
    if (ms < PIECE_MS / 2) this.#bytes *= 2;
    else if (ms > 2 * PIECE_MS) this.#bytes = Math.max(PIECE_BYTES, this.#bytes / 2);
  }
}

export class CudaDevice {
  readonly pace = new Pace();
  /** 32 hexadecimal digits: VkPhysicalDeviceIDProperties::deviceUUID of the same GPU. */
  readonly uuid: string;
  readonly name: string;
  /** Bytes. */
  readonly total: number;
  readonly #attributes = new Map<string, number>();
  #context = 0;
  #granularity = 0;

  private constructor(
    readonly cuda: Cuda,
    /** CUdevice */
    private readonly device: number,
  ) {
    // What `_v2` adds is the UUID of a part of a GPU (MIG), which no Vulkan device has.
    const getUuid = cuda.has('cuDeviceGetUuid') ? 'cuDeviceGetUuid' : 'cuDeviceGetUuid_v2';
    const uuid = Buffer.alloc(16);
    cuda.call(getUuid, [addressOf(uuid), device]);
    this.uuid = uuid.toString('hex');
    const name = Buffer.alloc(256);
    cuda.call('cuDeviceGetName', [addressOf(name), name.length, device]);
    this.name = name.toString('utf8', 0, name.indexOf(0));
    this.total = Number(cuda.out64('cuDeviceTotalMem_v2', [device]));
  }

  /** All of them, in CUDA's order. */
  static list(cuda: Cuda): CudaDevice[] {
    const count = cuda.out32('cuDeviceGetCount', []);
    return Array.from(
      { length: count },
      (_, ordinal) => new CudaDevice(cuda, cuda.out32('cuDeviceGet', [ordinal])),
    );
  }

  /** An older driver does not know every attribute: then it does not have it. */
  has(attribute: keyof typeof Attribute): boolean {
    let value = this.#attributes.get(attribute);
    if (value === undefined) {
      const arena = new Arena(16);
      const at = arena.reserve(4);
      const args = [arena.address + at, Attribute[attribute], this.device];
      const known = this.cuda.result('cuDeviceGetAttribute', args) === CUDA_SUCCESS;
      value = known ? arena.view.getInt32(at, true) : 0;
      this.#attributes.set(attribute, value);
    }
    return value !== 0;
  }

  /** CUmemAllocationProp of all memory that is made here. */
  writeProperties(): number {
    return write(this.cuda.arena, CUmemAllocationProp, {
      type: CU_MEM_ALLOCATION_TYPE_PINNED,
      requestedHandleTypes: CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR,
      location: this.location,
      // What a network card is to reach; where it cannot be had, asking for it would be refused.
      gpuDirectRDMACapable: this.has('GPU_DIRECT_RDMA_WITH_CUDA_VMM_SUPPORTED') ? 1 : 0,
    });
  }

  get location(): { readonly type: number; readonly id: number } {
    return { type: CU_MEM_LOCATION_TYPE_DEVICE, id: this.device };
  }

  /** Memory has a multiple of so many bytes. Needs no context. */
  get granularity(): number {
    if (this.#granularity === 0) {
      const { cuda } = this;
      this.#granularity = cuda.arena.scoped(() => {
        const args = [this.writeProperties(), CU_MEM_ALLOC_GRANULARITY_MINIMUM];
        return Number(cuda.out64('cuMemGetAllocationGranularity', args));
      });
    }
    return this.#granularity;
  }

  /** Makes the GPU's context current in this thread; the first time it is made. */
  enter(): void {
    if (this.#context === 0) {
      this.#context = Number(this.cuda.out64('cuDevicePrimaryCtxRetain', [this.device]));
    }
    this.cuda.call('cuCtxSetCurrent', [this.#context]);
  }

  /** Waits for all that was begun: what is made by a memset may not have ended when that returns. */
  synchronize(): void {
    this.cuda.call('cuCtxSynchronize', []);
  }

  /** The same where it does not matter what has come of it: of a device that is lost, nothing. */
  wait(): void {
    this.cuda.result('cuCtxSynchronize', []);
  }

  /** As of now, of all processes; null while nobody has wanted memory of it, since only a context can say. */
  left(): Left | null {
    if (this.#context === 0) return null;
    const { cuda } = this;
    this.enter();
    return cuda.arena.scoped(() => {
      const [free, total] = [cuda.arena.reserve(8), cuda.arena.reserve(8)];
      const { address, view } = cuda.arena;
      cuda.call('cuMemGetInfo_v2', [address + free, address + total]);
      const value = (at: number) => Number(view.getBigUint64(at, true));
      return { free: value(free), total: value(total) };
    });
  }

  /**
   * Lets go of the context; all of its memory must have been destroyed. A lost one is destroyed whoever else has it,
   * since nothing can be done with it any more; nobody else in this process has one.
   */
  leave(lost: boolean): void {
    if (this.#context === 0) return;
    this.#context = 0;
    // Whatever they answer: there is nothing else to be done.
    this.cuda.result('cuCtxSetCurrent', [0]);
    if (lost) this.cuda.result('cuDevicePrimaryCtxReset_v2', [this.device]);
    this.cuda.result('cuDevicePrimaryCtxRelease_v2', [this.device]);
  }
}
