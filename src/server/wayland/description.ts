/**
 * What everybody who has a buffer is told of its memory: the same messages each time, but for the object that they
 * are of. They are written once.
 */
import type { BrokerBuffer } from '../../broker/buffer.js';
import type { Allocation } from '../../memory/source.js';
import { unverified } from '../../memory/usage.js';
import { dmabroker_buffer_v1, dmabroker_manager_v1 } from '../../protocol/dmabroker-v1.gen.js';
import { hi, lo } from '../../protocol/wire.js';
import { Writer } from '../../protocol/writer.js';
import { cut, MAX_TEXT } from './text.js';

interface Description {
  readonly generation: number;
  /** Whole messages, as words; their objects are 0. */
  readonly words: Uint32Array;
}

const known = new WeakMap<Allocation, Description>();

/** info, its memories and planes, and what else there is to say before `done`. */
export function descriptionOf(buffer: BrokerBuffer): Uint32Array {
  const { allocation, generation } = buffer;
  const before = known.get(allocation);
  if (before?.generation === generation) return before.words;
  const words = describe(buffer);
  known.set(allocation, { generation, words });
  return words;
}

function describe({ id, generation, spec, allocation }: BrokerBuffer): Uint32Array {
  const { event } = dmabroker_buffer_v1;
  const { handleType, source, size, memories, planes, check, device, vulkan } = allocation;
  const image = spec.kind === 'image' ? spec : { format: 0, width: 0, height: 0 };
  const modifier = allocation.modifier ?? 0n;
  const type = dmabroker_manager_v1.enums.handle_type[handleType];
  const w = new Writer();
  event.info.write(
    ...([w, 0, id, generation, type, source, hi(size), lo(size)] as const),
    ...([image.format, hi(modifier), lo(modifier), image.width, image.height] as const),
  );
  for (const [index, bytes] of memories.entries()) {
    event.memory.write(w, 0, index, hi(bytes), lo(bytes));
  }
  for (const [index, { fd, memory, offset, stride }] of planes.entries()) {
    event.plane.write(w, 0, fd, type, index, memory, offset, stride);
  }
  if (device !== undefined) event.device.write(w, 0, device);
  if (vulkan !== undefined) {
    event.vulkan_memory.write(w, 0, vulkan.memoryType, vulkan.dedicated ? 1 : 0);
  }
  if (check !== undefined) {
    const { import_check } = dmabroker_buffer_v1.enums;
    event.checked.write(w, 0, import_check[check.how], cut(check.reason, MAX_TEXT.reason));
  }
  const trusted = unverified(spec.usage);
  if (trusted !== 0) event.unverified.write(w, 0, trusted);
  const bytes = w.pending();
  const words = new Uint32Array(bytes.length / 4);
  new Uint8Array(words.buffer).set(bytes);
  w.clear();
  return words;
}
