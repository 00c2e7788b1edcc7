/**
 * What is in a frame, as GStreamer lays it out, wherever its planes lie.
 *
 * Owns: mappings, which go with their buffers.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Usage } from '../cli/failure.js';
import type { ClientBuffer, MappedMemory } from '../client/index.js';
import { isReady, POLLIN } from '../native/libc/poll.js';
import type { FrameLayout } from './codec/layout.js';
import { repack } from './codec/planes.js';
import type { Frame } from './frame.js';

type Content = Pick<Frame, 'buffer' | 'memories' | 'planes'>;

export class Contents {
  readonly #mapped = new WeakMap<ClientBuffer, MappedMemory[]>();

  /** Reads it into bytes of a frame's size. */
  async read(frame: Content, layout: FrameLayout, to: Buffer): Promise<void> {
    const asItIs = frame.memories.length === 1 && frame.planes === null;
    const pieces: Buffer[] = [];
    for (const [index, { fd, size, offset }] of frame.memories.entries()) {
      if (frame.buffer.handleType === 'dma_buf') await written(fd);
      this.#map(frame, index).read((bytes) => {
        const piece = bytes.subarray(offset, offset + size);
        if (asItIs) piece.copy(to);
        else pieces.push(Buffer.from(piece));
      });
    }
    if (!asItIs) repack(Buffer.concat(pieces), frame.planes ?? layout.planes, layout, to);
  }

  #map({ buffer, memories }: Content, index: number): MappedMemory {
    const known = this.#mapped.get(buffer) ?? [];
    this.#mapped.set(buffer, known);
    const plane = buffer.planes.findIndex(({ fd }) => fd === memories[index]?.fd);
    known[index] ??= buffer.map({ plane: Math.max(0, plane), write: false });
    return known[index];
  }
}

const LOOK_MS = [1, 2, 4, 8, 16, 32, 64, 128];
const FENCE_MS = 8000;

/**
 * Until what writes to a dma_buf is done (its fences, dma-buf.rst): DMA_BUF_IOCTL_SYNC would wait in the kernel, and whoever
 * has attached a fence that never signals would have stopped this program.
 */
async function written(fd: number): Promise<void> {
  let waited = 0;
  for (let look = 0; !isReady(fd, POLLIN); look++) {
    const pause = LOOK_MS[Math.min(look, LOOK_MS.length - 1)] ?? 1;
    await sleep(pause);
    waited += pause;
    if (waited > FENCE_MS) throw new Usage('a dma_buf has been written to for 8 s: it is given up');
  }
}
