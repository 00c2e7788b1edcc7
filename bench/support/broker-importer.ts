/** The daemon as what reaches a buffer's memory: for a dma_buf that no driver of this machine imports. */
import type { ClientBuffer } from '../../src/client/index.js';
import { WINDOW } from './importer.js';

/** Where the memory has another value than `value` at its two ends or in its middle; null where not. */
export async function mismatchByBroker(buffer: ClientBuffer, value: number) {
  const { size } = buffer;
  const middle = Math.floor(size / 8) * 4;
  for (const offset of new Set([0, middle, Math.max(0, size - WINDOW)])) {
    const { bytes } = await buffer.read({ offset, size: Math.min(WINDOW, size - offset) });
    for (let at = 0; at + 4 <= bytes.length; at += 4) {
      const found = bytes.readUInt32LE(at);
      if (found === value) continue;
      return `at ${offset + at}: 0x${found.toString(16)}, not 0x${value.toString(16)}`;
    }
  }
  return null;
}
