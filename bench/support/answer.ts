/** The daemon's answer to redeem and create, as bytes for reference.c: with 0 for the object's id. */
import type { ClientBuffer } from '../../src/client/index.js';
import { dmabroker_buffer_v1, dmabroker_manager_v1 } from '../../src/protocol/dmabroker-v1.gen.js';
import { hi, lo, type Message, type MessageOf, type Values } from '../../src/protocol/wire.js';
import { encode } from '../../test/support/wire.js';

type Buffers = typeof dmabroker_buffer_v1;

function event<N extends Buffers['events'][number]['name']>(
  name: N,
  values: Values<MessageOf<Buffers, 'events', N>>,
): Buffer {
  const message = dmabroker_buffer_v1.events.find((each) => each.name === name) as Message;
  return encode(message, 0, values as Values<Message>).bytes;
}

/** That of linear memory. One of a device is told which. */
export function answerOf(buffer: ClientBuffer): Buffer {
  const { id, generation, source, size, device, handleType } = buffer;
  if (handleType === 'unknown') throw new Error('a handle type that is not known');
  const type = dmabroker_manager_v1.enums.handle_type[handleType];
  return Buffer.concat([
    event('info', [id, generation, type, source, hi(size), lo(size), 0, 0, 0, 0, 0]),
    event('memory', [0, hi(size), lo(size)]),
    event('plane', [-1, type, 0, 0, 0, 0]),
    ...(device === null ? [] : [event('device', [device])]),
    event('done', []),
  ]);
}
