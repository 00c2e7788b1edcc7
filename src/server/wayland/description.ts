/**
 * What everybody who has a buffer is told of its memory: the same messages each time, but for the object that they
 * are of. Once somebody else is told of it, they are kept.
 */
import type { BrokerBuffer } from '../../broker/buffer.js';
import { fdsOf, typesOf } from '../../memory/faces.js';
import type { Allocation, HandleType } from '../../memory/source.js';
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

/** Writes info, its memories and planes, and what else there is to say before `done`. */
export function describe(
  buffer: BrokerBuffer,
  to: Writer,
  object: number,
  /** These of its handle types alone; null: all. */
  only: readonly HandleType[] | null,
): void {
  // Most are told to nobody but who has asked for them.
  if (only !== null) write(buffer, to, object, only);
  else if (buffer.wasHandedOut) to.append(descriptionOf(buffer), object);
  else write(buffer, to, object);
}

function descriptionOf(buffer: BrokerBuffer): Uint32Array {
  const { allocation, generation } = buffer;
  const before = known.get(allocation);
  if (before?.generation === generation) return before.words;
  const w = new Writer();
  write(buffer, w, 0);
  const bytes = w.pending();
  const words = new Uint32Array(bytes.length / 4);
  new Uint8Array(words.buffer).set(bytes);
  w.clear();
  known.set(allocation, { generation, words });
  return words;
}

function write(
  { id, generation, spec, allocation }: BrokerBuffer,
  w: Writer,
  to: number,
  only: readonly HandleType[] = typesOf(allocation),
): void {
  const { event } = dmabroker_buffer_v1;
  const { source, size, memories, planes, check, device, vulkan, fellBack, scanout } = allocation;
  const image = spec.kind === 'image' ? spec : { format: 0, width: 0, height: 0 };
  const modifier = allocation.modifier ?? 0;
  const bits = dmabroker_manager_v1.enums.handle_type;
  const types = typesOf(allocation)
    .filter((each) => only.includes(each))
    .map((each) => bits[each]);
  const fds = fdsOf(allocation, only);
  const type = types.reduce((all, each) => all | each, 0);
  event.info.write(
    ...([w, to, id, generation, type, source, hi(size), lo(size)] as const),
    ...([image.format, hi(modifier), lo(modifier), image.width, image.height] as const),
  );
  for (const [index, bytes] of memories.entries()) {
    event.memory.write(w, to, index, hi(bytes), lo(bytes));
  }
  for (const [at, each] of types.entries()) {
    for (const [index, { memory, offset, stride }] of planes.entries()) {
      const fd = fds[at * planes.length + index] as number;
      event.plane.write(w, to, fd, each, index, memory, offset, stride);
    }
  }
  if (device !== undefined) event.device.write(w, to, device);
  if (vulkan !== undefined) {
    event.vulkan_memory.write(w, to, vulkan.memoryType, vulkan.dedicated ? 1 : 0);
  }
  if (check !== undefined) {
    const { import_check } = dmabroker_buffer_v1.enums;
    event.checked.write(w, to, import_check[check.how], cut(check.reason, MAX_TEXT.reason));
  }
  if (fellBack !== undefined) {
    const { reason, source, message } = fellBack;
    const { fall_back } = dmabroker_buffer_v1.enums;
    event.fell_back.write(w, to, fall_back[reason], source ?? '', cut(message, MAX_TEXT.reason));
  }
  const trusted = unverified(spec.usage, scanout);
  if (trusted !== 0) event.unverified.write(w, to, trusted);
}
