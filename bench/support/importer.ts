/** What the second process of bench/hardware.ts does with memory that it has imported. */
import type { ClientBuffer } from '../../src/client/index.js';

/** Bytes of the memory's two ends that are looked at, its middle too; whole where it is smaller. */
export const WINDOW = 64 * 1024;

export interface ImportedMemory {
  /** Writes one 32-bit value all over the memory, on the device. */
  fill(value: number): void;
  /** Copies `WINDOW` bytes (or what there is) from an offset, a multiple of 4, to the CPU. */
  read(offset: number): Buffer;
  close(): void;
}

/** Imports the memory of a redeemed buffer. Throws, with the reason, where the device does not take it. */
export type Importer = (buffer: ClientBuffer, deviceUuid: string) => ImportedMemory;

/** Where the memory has another value than `value` at its two ends or in its middle; null where not. */
export function mismatch(memory: ImportedMemory, size: number, value: number): string | null {
  const middle = Math.floor(size / 8) * 4;
  const last = Math.max(0, size - WINDOW);
  for (const offset of new Set([0, middle, last])) {
    const bytes = memory.read(offset);
    for (let at = 0; at + 4 <= bytes.length; at += 4) {
      const found = bytes.readUInt32LE(at);
      if (found === value) continue;
      return `at ${offset + at}: 0x${found.toString(16)}, not 0x${value.toString(16)}`;
    }
  }
  return null;
}
