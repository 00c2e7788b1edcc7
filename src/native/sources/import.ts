/**
 * Memory that a client brings: is it really a dma_buf, is it as large as its layout says, and does
 * the Vulkan device take it?
 *
 * Owns: the Vulkan objects of each import, under its key, until `free`. The fds are the caller's.
 */
import { BrokerError } from '../../broker/errors.js';
import { checkImport, type ImportCheck } from '../../broker/import.js';
import type { Allocation, MemorySpec, Plane } from '../../broker/source.js';
import { info, isDmaBuf } from '../dmabuf.js';
import { identity } from '../libc/fd.js';
import type { Device } from '../vulkan/device.js';
import { dmaBufSize } from '../vulkan/exporter.js';
import { destroyImported, type Imported, importBuffer, importProblem } from '../vulkan/import.js';

export class Importer {
  readonly #kept = new Map<number, readonly Imported[]>();
  #nextKey = 1;

  /** Shares the device, if there is one. */
  constructor(private readonly device: Device | null) {
    device?.retain();
  }

  /** Checks and imports. Throws BrokerErrors that name the plane; nothing is kept then. */
  import(spec: MemorySpec, planes: readonly Plane[]): Allocation {
    for (const [index, { fd }] of planes.entries()) {
      if (isDmaBuf(fd)) continue;
      throw new BrokerError('invalid_argument', `plane ${index} is no dma_buf`, {
        constraint: `planes.${index}.fd`,
        possible: 'dma_buf',
      });
    }
    const sizes = planes.map(({ fd }) => Number(dmaBufSize(fd)));
    checkImport(spec, planes, sizes);
    // Several planes may lie in one dma_buf, each with an fd of its own.
    const memories = new Map(
      planes.map(({ fd }, i) => [identity(fd), { fd, size: sizes[i] ?? 0 }]),
    );
    const { check, imported } = this.#intoDevice([...memories.values()]);
    const key = this.#nextKey++;
    this.#kept.set(key, imported);
    return {
      source: 'import',
      handleType: 'dma_buf',
      key,
      size: [...memories.values()].reduce((sum, { size }) => sum + size, 0),
      modifier: spec.kind === 'image' ? (spec.modifiers[0] ?? null) : null,
      planes,
      exporter: info(planes[0]?.fd ?? -1)?.exporter ?? null,
      check,
    };
  }

  /** A device that does not take it is no reason to refuse: others may. The answer says so. */
  #intoDevice(memories: readonly { fd: number; size: number }[]): {
    check: ImportCheck;
    imported: Imported[];
  } {
    const { device } = this;
    const layoutOnly = (reason: string) => ({
      check: { how: 'layout', reason } as const,
      imported: [],
    });
    if (device === null) return layoutOnly('there is no Vulkan device');
    const problem = importProblem(device);
    if (problem !== null) return layoutOnly(problem);
    const imported: Imported[] = [];
    try {
      for (const { fd, size } of memories) imported.push(importBuffer(device, fd, BigInt(size)));
      return { check: { how: 'device', reason: device.physical.name }, imported };
    } catch (error) {
      for (const objects of imported) destroyImported(device, objects);
      if (!(error instanceof BrokerError) || error.code === 'device_lost') throw error;
      return layoutOnly(error.message);
    }
  }

  free(key: number): void {
    const imported = this.#kept.get(key);
    if (imported === undefined) throw new BrokerError('internal', `there is no import ${key}`);
    this.#kept.delete(key);
    if (this.device !== null) for (const objects of imported) destroyImported(this.device, objects);
  }

  close(): void {
    for (const key of [...this.#kept.keys()]) this.free(key);
    this.device?.release();
  }
}
