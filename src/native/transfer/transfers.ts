/**
 * Copies, fills and reads of any of the broker's buffers. The device does it where it can take the
 * memory, through a staging buffer where only one side is its own; the CPU does the rest.
 *
 * Owns nothing between two calls; all calls are made in the allocator's thread. The fds of buffers are
 * the caller's.
 */
import { ftruncateSync, writeSync } from 'node:fs';
import { overlaps } from '../../broker/copy.js';
import { BrokerError } from '../../broker/errors.js';
import type { MemoryReference, Work, WorkDone, WorkPath } from '../../broker/work.js';
import { copyBytes, fillWords, takenBack } from '../guarded.js';
import { sealedContent } from '../libc/memory.js';
import type { VulkanSource } from '../sources/vulkan.js';
import type { Device } from '../vulkan/device.js';
import { Staging } from '../vulkan/staging.js';
import { copyBuffers, fillBuffers, type TransferBuffer } from '../vulkan/transfer.js';
import {
  type CpuEnd,
  type DeviceEnd,
  type Memories,
  memoriesOf,
  openOnCpu,
  openOnDevice,
} from './ends.js';
import { batches, piecesOf, type Run, runsOf } from './runs.js';
import { cut, MOST_AT_ONCE } from './windows.js';

/** Bytes of staging memory: enough for a submission not to count beside the copying. */
const STAGING_BYTES = 16 * 1024 * 1024;
/** Runs in one submission: the rows of an image, mostly. */
const RUNS = 4096;

type Copy = Extract<Work, { kind: 'copy' }>;
type Fill = Extract<Work, { kind: 'fill' }>;
type Read = Extract<Work, { kind: 'read' }>;

export class Transfers {
  /** Both are the caller's, and live longer; `opaque` is the source of opaque fds on that device. */
  constructor(
    private readonly device: Device | null,
    private readonly opaque: VulkanSource | null,
  ) {}

  /** Throws BrokerErrors; the content of a read is the caller's to close. */
  run(work: Work): WorkDone {
    if (work.kind === 'read') return this.#read(work);
    return { path: work.kind === 'copy' ? this.#copy(work) : this.#fill(work), content: null };
  }

  #copy({ source, destination, plan }: Copy): WorkPath {
    const [from, to] = [memoriesOf(source), memoriesOf(destination)];
    const same = (a: number, b: number) => from.all[a]?.name === to.all[b]?.name;
    const touch =
      plan === 'memories'
        ? from.all.some((_, a) => to.all.some((_, b) => same(a, b)))
        : overlaps(plan, (a, b) => same(from.ofPlane[a] ?? -1, to.ofPlane[b] ?? -1));
    if (touch) {
      const message = 'source and destination overlap: both lie in the same memory';
      throw new BrokerError('invalid_argument', message, { constraint: 'source' });
    }
    const runs = [...runsOf(plan, from, to)];
    const room = stagingSize(runs.reduce((sum, { size }) => sum + size, 0));
    return withEnds((keep) => {
      const { device } = this;
      const a = keep(this.#onDevice(source, from));
      const b = keep(this.#onDevice(destination, to));
      if (device !== null && a !== null && b !== null) {
        for (const batch of batches(runs, Number.MAX_SAFE_INTEGER, RUNS)) {
          copyBuffers(
            device,
            batch.map((run) => ({
              ...run,
              source: entry(a.buffers, run.source),
              destination: entry(b.buffers, run.destination),
            })),
          );
        }
        return 'device';
      }
      const c = keep(openOnCpu(source, from, 'read'));
      const d = keep(openOnCpu(destination, to, 'write'));
      if (c !== null && d !== null) {
        for (const run of pieces(runs)) copyBytes(destinationOf(d, run), sourceOf(c, run));
        return 'cpu';
      }
      if (device !== null && a !== null && d !== null) download(device, room, runs, a, d);
      else if (device !== null && c !== null && b !== null) upload(device, room, runs, c, b);
      else throw outOfReach();
      return 'device';
    });
  }

  #fill({ destination, extent, value }: Fill): WorkPath {
    const memories = memoriesOf(destination);
    const pieces = [...piecesOf(extent, memories)];
    return withEnds((keep) => {
      const { device } = this;
      const there = keep(this.#onDevice(destination, memories));
      if (device !== null && there !== null) {
        for (const batch of chunks(pieces, RUNS)) {
          const fills = batch.map((piece) => ({
            ...piece,
            destination: entry(there.buffers, piece.memory),
          }));
          fillBuffers(device, fills, value);
        }
        return 'device';
      }
      const here = keep(openOnCpu(destination, memories, 'write'));
      if (here === null) throw outOfReach();
      for (const piece of pieces) {
        for (const { offset, size } of cut(piece.offset, piece.size, MOST_AT_ONCE)) {
          fillWords(here.at(piece.memory, offset, size), value);
        }
      }
      return 'cpu';
    });
  }

  #read({ source, extent, size }: Read): WorkDone {
    let path: WorkPath = 'cpu';
    const fd = sealedContent('dmabroker-content', (fd) => {
      ftruncateSync(fd, size);
      let at = 0;
      path = this.readInto(source, { extent, size }, (chunk) => {
        for (let done = 0; done < chunk.length; ) {
          const count = writeOut(fd, chunk, done, at);
          done += count;
          at += count;
        }
      });
    });
    return { path, content: { fd, size } };
  }

  /** Gives the bytes to `take`, piece by piece; each is good until it returns. */
  readInto(
    source: MemoryReference,
    { extent, size: bytes }: Pick<Read, 'extent' | 'size'>,
    take: (chunk: Buffer) => void,
  ): WorkPath {
    const memories = memoriesOf(source);
    const pieces = [...piecesOf(extent, memories)];
    return withEnds((keep) => {
      const { device } = this;
      const there = keep(this.#onDevice(source, memories));
      if (device !== null && there !== null) {
        const room = stagingSize(bytes);
        const staging = keep(Staging.create(device, room));
        const chunk = Buffer.allocUnsafe(room);
        const runs = pieces.map(({ memory, offset, size }) => {
          const run = { source: memory, sourceOffset: offset, size };
          return { ...run, destination: 0, destinationOffset: 0 };
        });
        for (const batch of batches(runs, room, RUNS)) {
          const size = toStaging(device, staging, batch, there);
          staging.take(0, chunk.subarray(0, size));
          take(chunk.subarray(0, size));
        }
        return 'device';
      }
      const here = keep(openOnCpu(source, memories, 'read'));
      if (here === null) throw outOfReach();
      for (const piece of pieces) {
        for (const { offset, size } of cut(piece.offset, piece.size, MOST_AT_ONCE)) {
          take(here.at(piece.memory, offset, size));
        }
      }
      return 'cpu';
    });
  }

  #onDevice(reference: MemoryReference, memories: Memories): DeviceEnd | null {
    const { device, opaque } = this;
    return device === null ? null : openOnDevice(device, opaque, reference, memories);
  }
}

function* chunks<T>(list: readonly T[], most: number): Generator<T[]> {
  for (let at = 0; at < list.length; at += most) yield list.slice(at, at + most);
}

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

/** write(2) at `at`; the kernel meets pages that are gone with EFAULT, where the CPU would with SIGBUS. */
function writeOut(fd: number, chunk: Buffer, from: number, at: number): number {
  try {
    return writeSync(fd, chunk, from, chunk.length - from, at);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EFAULT') throw takenBack();
    throw error;
  }
}

/** Runs that the CPU reaches at once. */
function* pieces(runs: Iterable<Run>): Generator<Run> {
  for (const batch of batches(runs, MOST_AT_ONCE, 1)) yield* batch;
}

const stagingSize = (bytes: number) => Math.max(1, Math.min(bytes, STAGING_BYTES));

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

/** Copies a batch into the staging buffer, one run after the other; returns how many bytes. */
function toStaging(
  device: Device,
  staging: Staging,
  batch: readonly Run[],
  { buffers }: DeviceEnd,
): number {
  let at = 0;
  const runs = batch.map((run) => {
    const place = { destination: bufferOf(staging), destinationOffset: at };
    at += run.size;
    return { ...run, ...place, source: entry(buffers, run.source) };
  });
  copyBuffers(device, runs);
  return at;
}

/** From memory that only the device reaches to memory that only the CPU does. */
function download(
  device: Device,
  room: number,
  runs: readonly Run[],
  from: DeviceEnd,
  to: CpuEnd,
): void {
  withEnds((keep) => {
    const staging = keep(Staging.create(device, room));
    for (const batch of batches(runs, room, RUNS)) {
      toStaging(device, staging, batch, from);
      let at = 0;
      for (const run of batch) {
        staging.take(at, destinationOf(to, run));
        at += run.size;
      }
    }
  });
}

/** The other way round. */
function upload(
  device: Device,
  room: number,
  runs: readonly Run[],
  from: CpuEnd,
  { buffers }: DeviceEnd,
): void {
  withEnds((keep) => {
    const staging = keep(Staging.create(device, room));
    for (const batch of batches(runs, room, RUNS)) {
      let at = 0;
      const copies = batch.map((run) => {
        staging.put(at, sourceOf(from, run));
        const place = { source: bufferOf(staging), sourceOffset: at };
        at += run.size;
        return { ...run, ...place, destination: entry(buffers, run.destination) };
      });
      copyBuffers(device, copies);
    }
  });
}
