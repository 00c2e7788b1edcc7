/**
 * Requests as bytes, with a note of where each argument lies, so that it can be broken on purpose. Unlike
 * protocol/wire.ts's `encode` it takes whatever it is given.
 */
import type { Argument, Interface, Message, UntypedNewId } from '../../src/protocol/wire.js';
import { HEADER_SIZE } from '../../src/protocol/wire.js';

/** Which fd goes along: a number that whoever sends it makes a choice of (fds.ts). */
export interface Wish {
  readonly choice: number;
  /** None that ends the connection wherever it comes. */
  readonly tame: boolean;
}

/** Where an argument lies in the bytes, its length word included. */
export interface Place {
  readonly arg: Argument;
  readonly at: number;
  readonly length: number;
}

export interface Built {
  readonly bytes: Buffer;
  readonly fds: readonly Wish[];
  readonly places: readonly Place[];
  /** `dmabroker_params_v1.create` */
  readonly name: string;
}

export type Value = number | string | Uint8Array | UntypedNewId | Wish;

const word = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
};

/** A length, the bytes, and zeroes up to a whole word. */
const block = (content: Uint8Array): Buffer =>
  Buffer.concat([word(content.length), content, Buffer.alloc(-content.length & 3)]);

const text = (value: string): Buffer => block(Buffer.from(`${value}\0`));

function bytesOf(type: Argument['type'], value: Value): Buffer {
  if (typeof value === 'string') return text(value);
  if (value instanceof Uint8Array) return block(value);
  if (typeof value === 'number') return word(value);
  if (type === 'fd' || 'choice' in value) return Buffer.alloc(0);
  return Buffer.concat([text(value.interface), word(value.version), word(value.id)]);
}

export function header(object: number, opcode: number, size: number): Buffer {
  return Buffer.concat([word(object), word(((size << 16) | (opcode & 0xffff)) >>> 0)]);
}

export function build(
  definition: Interface,
  message: Message,
  object: number,
  values: readonly Value[],
): Built {
  const pieces: Buffer[] = [];
  const places: Place[] = [];
  const fds: Wish[] = [];
  let at = HEADER_SIZE;
  for (const [i, arg] of message.args.entries()) {
    const value = values[i] as Value;
    if (typeof value === 'object' && 'choice' in value) fds.push(value);
    const bytes = bytesOf(arg.type, value);
    places.push({ arg, at, length: bytes.length });
    pieces.push(bytes);
    at += bytes.length;
  }
  const bytes = Buffer.concat([header(object, message.opcode, at), ...pieces]);
  return { bytes, fds, places, name: `${definition.name}.${message.name}` };
}
