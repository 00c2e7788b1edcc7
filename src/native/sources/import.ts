/**
 * Memory that a client brings: is it really a dma_buf, is it as large as its layout says, and does
 * the Vulkan device take it?
 *
 * Owns: the Vulkan objects of each import, under its key, until `free` or until the device is left.
 * The fds are the caller's.
 */
import { BrokerError, outOfFds } from '../../memory/errors.js';
import { checkImport, noDmaBuf } from '../../memory/import.js';
import type { BroughtPlane } from '../../memory/plane.js';
import type { Allocation, CheckedSpec, ImportCheck } from '../../memory/source.js';
import { dmaBufSize, info } from '../dmabuf.js';
import { kindOf } from '../kind.js';
import { SystemError } from '../libc/errno.js';
import { close, duplicate, identity } from '../libc/fd.js';
import type { Device } from '../vulkan/device.js';
import { destroyImported, type Imported, importBuffer, importProblem } from '../vulkan/import.js';
import { imageProblem } from '../vulkan/import-image.js';

/** One dma_buf of an import. */
interface Memory {
  /** The caller's, who may have closed it when `free` is on its way: see `#again`. */
  readonly fd: number;
  readonly size: number;
  readonly identity: string;
}

interface Kept {
  readonly memories: readonly Memory[];
  /** The first device took it, so that the next one is asked, too. */
  readonly byDevice: boolean;
  imported: readonly Imported[];
}

/** Keys are never given twice, whatever device: each importer knows its own by them. */
let lastKey = 0;

export class Importer {
  readonly #kept = new Map<number, Kept>();
  #device: Device | null = null;

  /** Shares the device, if there is one. */
  constructor(device: Device | null) {
    if (device !== null) this.enter(device);
  }

  /**
   * Takes a device in place of one that was left: what that one had taken is imported again. The
   * memory itself was made elsewhere and is what it was. Throws `device_lost`.
   */
  enter(device: Device): void {
    device.retain();
    this.#device = device;
    for (const kept of this.#kept.values()) if (kept.byDevice) kept.imported = again(device, kept);
  }

  /** Destroys what was made on the device and lets go of it; the imports stay known. */
  leave(): void {
    const device = this.#device;
    this.#device = null;
    if (device === null) return;
    for (const kept of this.#kept.values()) {
      for (const objects of kept.imported) destroyImported(device, objects);
      kept.imported = [];
    }
    device.release();
  }

  /**
   * Checks and imports; planes in one memory get one fd, the others are the caller's to close.
   * Throws BrokerErrors that name the plane; nothing is kept then.
   */
  import(spec: CheckedSpec, planes: readonly BroughtPlane[]): Allocation {
    for (const [index, { fd }] of planes.entries()) {
      const kind = kindOf(fd);
      if (kind === 'unasked') throw outOfFds();
      if (kind !== 'dma_buf') throw noDmaBuf(index, kind);
    }
    const sizes = planes.map(({ fd }) => Number(dmaBufSize(fd)));
    // Several planes may lie in one dma_buf, each with an fd of its own.
    const identities = planes.map(({ fd }) => identity(fd));
    checkImport(spec, planes, sizes, identities);
    const memories: Memory[] = [];
    const placed = planes.map((plane, i) => {
      const file = { fd: plane.fd, size: sizes[i] ?? 0, identity: identities[i] ?? '' };
      const known = memories.findIndex((each) => each.identity === file.identity);
      const memory = known >= 0 ? known : memories.push(file) - 1;
      return { ...plane, memory, fd: memories[memory]?.fd ?? plane.fd };
    });
    const { check, imported } = this.#intoDevice(spec, planes, memories);
    const device = check.how === 'device' ? (this.#device?.physical.deviceUuid ?? null) : null;
    const key = ++lastKey;
    this.#kept.set(key, { memories, byDevice: check.how === 'device', imported });
    return {
      source: 'import',
      handleType: 'dma_buf',
      key,
      ...(device !== null && { device }),
      memories: memories.map(({ size }) => size),
      size: memories.reduce((sum, { size }) => sum + size, 0),
      modifier: spec.kind === 'image' ? (spec.modifiers[0] ?? null) : null,
      placement: [],
      planes: placed,
      exporter: info(planes[0]?.fd ?? -1)?.exporter ?? null,
      check,
    };
  }

  /** A device that does not take it is no reason to refuse: others may. The answer says so. */
  #intoDevice(
    spec: CheckedSpec,
    planes: readonly BroughtPlane[],
    memories: readonly Memory[],
  ): {
    check: ImportCheck;
    imported: Imported[];
  } {
    const device = this.#device;
    const layoutOnly = (reason: string) => ({
      check: { how: 'layout', reason } as const,
      imported: [],
    });
    if (device === null) return layoutOnly('there is no Vulkan device');
    const problem = importProblem(device);
    if (problem !== null) return layoutOnly(problem);
    try {
      const image = imageProblemOf(device, spec, planes, memories);
      if (image !== null) return layoutOnly(`${device.physical.name}: ${image}`);
      const imported = importAll(device, memories);
      return { check: { how: 'device', reason: device.physical.name }, imported };
    } catch (error) {
      if (!(error instanceof BrokerError) || error.code === 'device_lost') throw error;
      return layoutOnly(error.message);
    }
  }

  /** Returns false where the import is not this importer's. */
  free(key: number): boolean {
    const kept = this.#kept.get(key);
    if (kept === undefined) return false;
    this.#kept.delete(key);
    const device = this.#device;
    if (device !== null) for (const objects of kept.imported) destroyImported(device, objects);
    return true;
  }

  close(): void {
    this.leave();
    this.#kept.clear();
  }
}

/** An image whose planes lie in several memories is not asked about: it would be a disjoint one. */
function imageProblemOf(
  device: Device,
  spec: CheckedSpec,
  planes: readonly BroughtPlane[],
  [memory, ...others]: readonly Memory[],
): string | null {
  if (spec.kind !== 'image' || memory === undefined || others.length > 0) return null;
  return imageProblem(device, spec, planes, BigInt(memory.size));
}

/** All or none. */
function importAll(device: Device, memories: readonly Memory[]): Imported[] {
  const imported: Imported[] = [];
  try {
    for (const { fd, size } of memories) imported.push(importBuffer(device, fd, BigInt(size)));
    return imported;
  } catch (error) {
    for (const objects of imported) destroyImported(device, objects);
    throw error;
  }
}

/**
 * Another thread owns the fds and may have closed them, so that a number may stand for another file
 * by now: each is duplicated first and then compared. What cannot be imported again is left out; its
 * buffer stays what it is to its clients.
 */
function again(device: Device, { memories }: Kept): Imported[] {
  const copies: Memory[] = [];
  try {
    for (const memory of memories) {
      const copy = { ...memory, fd: duplicate(memory.fd) };
      copies.push(copy);
      if (identity(copy.fd) !== memory.identity) return [];
    }
    return importAll(device, copies);
  } catch (error) {
    if (error instanceof SystemError) return [];
    if (!(error instanceof BrokerError) || error.code === 'device_lost') throw error;
    return [];
  } finally {
    for (const { fd } of copies) close(fd);
  }
}
