/** One message as bytes and back, with what is generated for it: for tests that have messages one by one. */
import { Reader } from '../../src/protocol/reader.js';
import type { Message, Values } from '../../src/protocol/wire.js';
import { Writer } from '../../src/protocol/writer.js';

export interface Encoded {
  readonly bytes: Buffer;
  readonly fds: readonly number[];
}

export interface Header {
  readonly object: number;
  readonly opcode: number;
  /** Bytes of the message, header included. */
  readonly size: number;
}

export function encode<M extends Message>(message: M, object: number, values: Values<M>): Encoded {
  const writer = new Writer();
  (message.write as (...message: unknown[]) => void)(writer, object, ...values);
  const bytes = Buffer.from(writer.pending());
  const fds = writer.takeFds();
  writer.clear();
  return { bytes, fds };
}

/** Throws WireError for a size that no message can have. */
export function decodeHeader(bytes: Buffer, at: number): Header {
  const reader = new Reader();
  reader.header(bytes, at, bytes.length);
  const { object, opcode, size } = reader;
  return { object, opcode, size };
}

/** The values in a message's body; fds are taken from the front of the list. */
export function decode<M extends Message>(message: M, body: Buffer, fds: number[]): Values<M> {
  let taken: unknown[] = [];
  const to = { [message.name]: (...values: unknown[]) => (taken = values) };
  message.read(new Reader().begin(body, 0, body.length, fds), to as never);
  return taken as Values<M>;
}
