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
import { type CpuEnd, type DeviceEnd, type Memories, openOnCpu, openOnDevice } from './ends.js';
import type { Piece, Run } from './runs.js';

/** A buffer with its memories. */
export interface End {
  readonly reference: MemoryReference;
  readonly memories: Memories;
}

export class Transfers {
  /** Both are the caller's, and live longer; `opaque` is the source of opaque fds on that device. */
  constructor(
    private readonly device: Device | null,
    private readonly opaque: VulkanSource | null,
  ) {}

  /** PIECE_BYTES at most. The memories of the two ends do not overlap where the runs lie. */
  copy(source: End, destination: End, runs: readonly Run[]): WorkPath {
    return withEnds((keep) => {
      const { device } = this;
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
      const { device } = this;
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
      const { device } = this;
      const there = keep(this.#onDevice(source));
      if (device !== null && there !== null) {
        const runs = pieces.map(({ memory, offset, size }) => {
          const run = { source: memory, sourceOffset: offset, size };
          return { ...run, destination: 0, destinationOffset: 0 };
        });
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

  #onDevice({ reference, memories }: End): DeviceEnd | null {
    const { device, opaque } = this;
    return device === null ? null : openOnDevice(device, opaque, reference, memories);
  }
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
function upload(device: Device, runs: readonly Run[], from: CpuEnd, { buffers }: DeviceEnd): void {
  withEnds((keep) => {
    const staging = keep(Staging.create(device, bytesOf(runs)));
    let at = 0;
    const copies = runs.map((run) => {
      staging.put(at, sourceOf(from, run));
      const place = { source: bufferOf(staging), sourceOffset: at };
      at += run.size;
      return { ...run, ...place, destination: entry(buffers, run.destination) };
    });
    copyBuffers(device, copies);
  });
}
