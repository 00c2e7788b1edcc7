/**
 * Copies by way of a staging buffer: between memory that only the device reaches and what the CPU does.
 *
 * Owns nothing but the staging buffer, for the length of a copy.
 */
import type { Device } from '../vulkan/device.js';
import { Staging } from '../vulkan/staging.js';
import { copyBuffers, type TransferBuffer } from '../vulkan/transfer.js';
import { type CpuEnd, type DeviceEnd, withEnds } from './ends.js';
import { bytesOf, entry, type Run } from './runs.js';

export const sourceOf = (end: CpuEnd, { source, sourceOffset, size }: Run) =>
  end.at(source, sourceOffset, size);
export const destinationOf = (end: CpuEnd, { destination, destinationOffset, size }: Run) =>
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

/** From memory that only the device reaches to memory that only the CPU does. */
export function download(device: Device, runs: readonly Run[], from: DeviceEnd, to: CpuEnd): void {
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
export function upload(device: Device, runs: readonly Run[], from: CpuEnd, to: DeviceEnd): void {
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

/** The bytes of runs, one after the other, into memory of this process. */
export function takenByDevice(device: Device, runs: readonly Run[], from: DeviceEnd): Buffer {
  return withEnds((keep) => {
    const bytes = Buffer.allocUnsafe(bytesOf(runs));
    const staging = keep(Staging.create(device, bytes.length));
    toStaging(device, staging, runs, from);
    staging.take(0, bytes);
    return bytes;
  });
}

/** The other way round. */
export function putByDevice(
  device: Device,
  runs: readonly Run[],
  bytes: Buffer,
  to: DeviceEnd,
): void {
  withEnds((keep) => {
    const staging = keep(Staging.create(device, bytes.length));
    staging.put(0, bytes);
    fromStaging(device, staging, runs, to);
  });
}
