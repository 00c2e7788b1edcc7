/**
 * Pieces of copies, fills and reads of any of the broker's buffers. The device does them where it can take
 * the memory, through a staging buffer where only one side is its own; the CPU does the rest.
 *
 * Owns nothing between two calls; all calls are made in the allocator's thread. The fds of buffers are
 * the caller's.
 */
import { BrokerError } from '../../memory/errors.js';
import type { MemoryReference, WorkPath } from '../../memory/work.js';
import { copyBytes, fillWords } from '../guarded.js';
import type { VulkanSource } from '../sources/vulkan.js';
import type { Device } from '../vulkan/device.js';
import { copyBuffers, fillBuffers } from '../vulkan/transfer.js';
import {
  type CudaEnd,
  type CudaReach,
  copyByCuda,
  fillByCuda,
  putByCuda,
  takenByCuda,
} from './cuda-end.js';
import { type DeviceEnd, type Memories, openOnCpu, openOnDevice, withEnds } from './ends.js';
import { bytesOf, entry, type Piece, partsOf, type Run } from './runs.js';
import { destinationOf, download, putByDevice, sourceOf, takenByDevice, upload } from './staged.js';

/** A buffer with its memories. */
export interface End {
  readonly reference: MemoryReference;
  readonly memories: Memories;
}

export class Transfers {
  /**
   * All are the caller's, and live longer; `opaque` is the source of opaque fds on that device, `cuda` reaches what
   * CUDA has made on whatever device.
   */
  constructor(
    private readonly device: Device | null,
    private readonly opaque: VulkanSource | null,
    private readonly cuda: CudaReach | null = null,
  ) {}

  /** PIECE_BYTES at most. The memories of the two ends do not overlap where the runs lie. */
  copy(source: End, destination: End, runs: readonly Run[]): WorkPath {
    return withEnds((keep) => {
      const { device, cuda } = this;
      const from = keep(cuda?.open(source.reference) ?? null);
      const to = keep(cuda?.open(destination.reference) ?? null);
      if (from !== null || to !== null) {
        this.#copyByCuda({ end: source, cuda: from }, { end: destination, cuda: to }, runs);
        return 'device';
      }
      const a = keep(this.#onDevice(source));
      const b = keep(this.#onDevice(destination));
      if (device !== null && a !== null && b !== null) {
        copyBuffers(
          device,
          runs.map((run) => ({
            ...run,
            source: entry(a.buffers, run.source),
            destination: entry(b.buffers, run.destination),
          })),
        );
        return 'device';
      }
      const c = keep(onCpu(source, 'read'));
      const d = keep(onCpu(destination, 'write'));
      if (c !== null && d !== null) {
        for (const run of runs) copyBytes(destinationOf(d, run), sourceOf(c, run));
        return 'cpu';
      }
      if (device !== null && a !== null && d !== null) download(device, runs, a, d);
      else if (device !== null && c !== null && b !== null) upload(device, runs, c, b);
      else throw outOfReach();
      return 'device';
    });
  }

  /** PIECE_BYTES at most. */
  fill(destination: End, pieces: readonly Piece[], value: number): WorkPath {
    return withEnds((keep) => {
      const { device, cuda } = this;
      const end = keep(cuda?.open(destination.reference) ?? null);
      if (end !== null) {
        fillByCuda(end, pieces, value);
        return 'device';
      }
      const there = keep(this.#onDevice(destination));
      if (device !== null && there !== null) {
        const fills = pieces.map((piece) => ({
          ...piece,
          destination: entry(there.buffers, piece.memory),
        }));
        fillBuffers(device, fills, value);
        return 'device';
      }
      const here = keep(onCpu(destination, 'write'));
      if (here === null) throw outOfReach();
      for (const { memory, offset, size } of pieces)
        fillWords(here.at(memory, offset, size), value);
      return 'cpu';
    });
  }

  /** Gives the bytes to `take`, in their order; each is good until it returns. PIECE_BYTES at most. */
  read(source: End, pieces: readonly Piece[], take: (bytes: Buffer) => void): WorkPath {
    return withEnds((keep) => {
      const { device, cuda } = this;
      const runs = pieces.map(({ memory, offset, size }) => {
        const run = { source: memory, sourceOffset: offset, size };
        return { ...run, destination: 0, destinationOffset: 0 };
      });
      const end = keep(cuda?.open(source.reference) ?? null);
      if (end !== null) {
        take(takenByCuda(end, runs));
        return 'device';
      }
      const there = keep(this.#onDevice(source));
      if (device !== null && there !== null) {
        take(takenByDevice(device, runs, there));
        return 'device';
      }
      const here = keep(onCpu(source, 'read'));
      if (here === null) throw outOfReach();
      for (const { memory, offset, size } of pieces) take(here.at(memory, offset, size));
      return 'cpu';
    });
  }

  /** At least one of the ends is CUDA's. Memory of one GPU is copied there, all else by way of this process. */
  #copyByCuda(source: MaybeCuda, destination: MaybeCuda, runs: readonly Run[]): void {
    const [from, to] = [source.cuda, destination.cuda];
    if (from !== null && from.uuid === to?.uuid) {
      copyByCuda(from, to, runs);
      return;
    }
    const bytes = from !== null ? takenByCuda(from, runs) : this.#taken(source.end, runs);
    if (to !== null) putByCuda(to, runs, bytes);
    else this.#put(destination.end, runs, bytes);
  }

  /** The bytes of runs, one after the other, from memory that is not CUDA's. */
  #taken(end: End, runs: readonly Run[]): Buffer {
    return withEnds((keep) => {
      const { device } = this;
      const there = keep(this.#onDevice(end));
      if (device !== null && there !== null) return takenByDevice(device, runs, there);
      const here = keep(onCpu(end, 'read'));
      if (here === null) throw outOfReach();
      const bytes = Buffer.allocUnsafe(bytesOf(runs));
      for (const [run, part] of partsOf(runs, bytes)) copyBytes(part, sourceOf(here, run));
      return bytes;
    });
  }

  /** The other way round. */
  #put(end: End, runs: readonly Run[], bytes: Buffer): void {
    withEnds((keep) => {
      const { device } = this;
      const there = keep(this.#onDevice(end));
      if (device !== null && there !== null) {
        putByDevice(device, runs, bytes, there);
        return;
      }
      const here = keep(onCpu(end, 'write'));
      if (here === null) throw outOfReach();
      for (const [run, part] of partsOf(runs, bytes)) copyBytes(destinationOf(here, run), part);
    });
  }

  #onDevice({ reference, memories }: End): DeviceEnd | null {
    const { device, opaque } = this;
    return device === null ? null : openOnDevice(device, opaque, reference, memories);
  }
}

/** A buffer, and how CUDA reaches it if it does. */
interface MaybeCuda {
  readonly end: End;
  readonly cuda: CudaEnd | null;
}

const onCpu = ({ reference, memories }: End, access: 'read' | 'write') =>
  openOnCpu(reference, memories, access);

function outOfReach(): BrokerError {
  const message = 'neither the device nor the CPU reaches this memory';
  return new BrokerError('unsupported_handle_type', message, { constraint: 'handle_type' });
}
