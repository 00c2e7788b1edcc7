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
import { Staging } from '../vulkan/staging.js';
import { copyBuffers, fillBuffers, type TransferBuffer } from '../vulkan/transfer.js';
import type { CudaEnd, CudaReach } from './cuda-end.js';
import { type CpuEnd, type DeviceEnd, type Memories, openOnCpu, openOnDevice } from './ends.js';
import type { Piece, Run } from './runs.js';

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
        end.run((memories) => {
          for (const { memory, offset, size } of pieces)
            entry(memories, memory).fill(offset, size, value);
        });
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
        const staging = keep(Staging.create(device, bytesOf(runs)));
        toStaging(device, staging, runs, there);
        const bytes = Buffer.allocUnsafe(bytesOf(runs));
        staging.take(0, bytes);
        take(bytes);
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
      from.run((sources) =>
        to.run((destinations) => {
          for (const { source, sourceOffset, destination, destinationOffset, size } of runs) {
            const into = entry(destinations, destination);
            into.copy(destinationOffset, entry(sources, source), sourceOffset, size);
          }
        }),
      );
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
      const bytes = Buffer.allocUnsafe(bytesOf(runs));
      const there = keep(this.#onDevice(end));
      if (device !== null && there !== null) {
        const staging = keep(Staging.create(device, bytes.length));
        toStaging(device, staging, runs, there);
        staging.take(0, bytes);
        return bytes;
      }
      const here = keep(onCpu(end, 'read'));
      if (here === null) throw outOfReach();
      for (const [run, part] of parts(runs, bytes)) copyBytes(part, sourceOf(here, run));
      return bytes;
    });
  }

  /** The other way round. */
  #put(end: End, runs: readonly Run[], bytes: Buffer): void {
    withEnds((keep) => {
      const { device } = this;
      const there = keep(this.#onDevice(end));
      if (device !== null && there !== null) {
        const staging = keep(Staging.create(device, bytes.length));
        staging.put(0, bytes);
        fromStaging(device, staging, runs, there);
        return;
      }
      const here = keep(onCpu(end, 'write'));
      if (here === null) throw outOfReach();
      for (const [run, part] of parts(runs, bytes)) copyBytes(destinationOf(here, run), part);
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

/** Each run with its part of the bytes of all. */
function* parts(runs: readonly Run[], bytes: Buffer): Generator<[Run, Buffer]> {
  let at = 0;
  for (const run of runs) {
    yield [run, bytes.subarray(at, at + run.size)];
    at += run.size;
  }
}

/** The bytes of runs, one after the other: in memory that is this process's alone. */
function takenByCuda(end: CudaEnd, runs: readonly Run[]): Buffer {
  const bytes = Buffer.allocUnsafe(bytesOf(runs));
  end.run((memories) => {
    for (const [{ source, sourceOffset }, part] of parts(runs, bytes))
      entry(memories, source).take(sourceOffset, part);
  });
  return bytes;
}

function putByCuda(end: CudaEnd, runs: readonly Run[], bytes: Buffer): void {
  end.run((memories) => {
    for (const [{ destination, destinationOffset }, part] of parts(runs, bytes))
      entry(memories, destination).put(destinationOffset, part);
  });
}

const onCpu = ({ reference, memories }: End, access: 'read' | 'write') =>
  openOnCpu(reference, memories, access);

/** Runs `body` and closes what it has told to keep. */
function withEnds<T>(body: (keep: <E extends { close(): void } | null>(end: E) => E) => T): T {
  const open: { close(): void }[] = [];
  try {
    return body((end) => {
      if (end !== null) open.push(end);
      return end;
    });
  } finally {
    for (const end of open) end.close();
  }
}

function outOfReach(): BrokerError {
  const message = 'neither the device nor the CPU reaches this memory';
  return new BrokerError('unsupported_handle_type', message, { constraint: 'handle_type' });
}

function entry<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new Error(`there is no memory ${index}`);
  return found;
}

const sourceOf = (end: CpuEnd, { source, sourceOffset, size }: Run) =>
  end.at(source, sourceOffset, size);
const destinationOf = (end: CpuEnd, { destination, destinationOffset, size }: Run) =>
  end.at(destination, destinationOffset, size);

const bufferOf = ({ buffer }: Staging): TransferBuffer => ({ buffer, handleType: null });

/** Copies runs into the staging buffer, one after the other. */
function toStaging(
  device: Device,
  staging: Staging,
  runs: readonly Run[],
  { buffers }: DeviceEnd,
): void {
  let at = 0;
  const copies = runs.map((run) => {
    const place = { destination: bufferOf(staging), destinationOffset: at };
    at += run.size;
    return { ...run, ...place, source: entry(buffers, run.source) };
  });
  copyBuffers(device, copies);
}

const bytesOf = (runs: readonly Run[]) => runs.reduce((sum, { size }) => sum + size, 0);

/** From memory that only the device reaches to memory that only the CPU does. */
function download(device: Device, runs: readonly Run[], from: DeviceEnd, to: CpuEnd): void {
  withEnds((keep) => {
    const staging = keep(Staging.create(device, bytesOf(runs)));
    toStaging(device, staging, runs, from);
    let at = 0;
    for (const run of runs) {
      staging.take(at, destinationOf(to, run));
      at += run.size;
    }
  });
}

/** The other way round. */
function upload(device: Device, runs: readonly Run[], from: CpuEnd, to: DeviceEnd): void {
  withEnds((keep) => {
    const staging = keep(Staging.create(device, bytesOf(runs)));
    let at = 0;
    for (const run of runs) {
      staging.put(at, sourceOf(from, run));
      at += run.size;
    }
    fromStaging(device, staging, runs, to);
  });
}

/** Copies what lies in the staging buffer, one run after the other, to where the runs go. */
function fromStaging(
  device: Device,
  staging: Staging,
  runs: readonly Run[],
  { buffers }: DeviceEnd,
): void {
  let at = 0;
  const copies = runs.map((run) => {
    const place = { source: bufferOf(staging), sourceOffset: at };
    at += run.size;
    return { ...run, ...place, destination: entry(buffers, run.destination) };
  });
  copyBuffers(device, copies);
}
