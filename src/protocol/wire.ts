/**
 * The Wayland wire format (wayland-book, "Wire protocol basics"; libwayland's connection.c): a
 * header of object id, and size<<16|opcode, then arguments in 32-bit words of the host's byte
 * order; file descriptors travel beside the bytes as SCM_RIGHTS, in order.
 *
 * Pure: it turns values into bytes and back and owns no file descriptor. Both the daemon and the
 * client library use it, with the tables that are generated from the protocols' XML.
 */
import { endianness } from 'node:os';

export type ArgumentType =
  | 'int'
  | 'uint'
  | 'fixed'
  | 'string'
  | 'object'
  | 'new_id'
  | 'array'
  | 'fd';

export interface Argument {
  readonly name: string;
  readonly type: ArgumentType;
  readonly interface?: string;
  readonly allowNull?: true;
}

export interface Message {
  readonly name: string;
  readonly opcode: number;
  readonly since: number;
  readonly destructor: boolean;
  readonly args: readonly Argument[];
}

export interface Interface {
  readonly name: string;
  readonly version: number;
  readonly requests: readonly Message[];
  readonly events: readonly Message[];
  readonly enums: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** A new_id whose interface the XML leaves open (wl_registry.bind). */
export interface UntypedNewId {
  readonly interface: string;
  readonly version: number;
  readonly id: number;
}

type ValueOf<A extends Argument> = A['type'] extends 'string'
  ? A extends { allowNull: true }
    ? string | null
    : string
  : A['type'] extends 'array'
    ? Uint8Array
    : A['type'] extends 'new_id'
      ? A extends { interface: string }
        ? number
        : UntypedNewId
      : number;

/** The values of a message, as a tuple in the order of the XML. */
export type Values<M extends Message> = TupleValues<M['args']>;

type TupleValues<A extends readonly Argument[]> = { -readonly [K in keyof A]: ValueOf<A[K]> };

type Side = 'requests' | 'events';
type Named<I extends Interface, S extends Side> = I[S][number];

/** The message called `N` of an interface. */
export type MessageOf<I extends Interface, S extends Side, N extends string> = Extract<
  Named<I, S>,
  { name: N }
>;

/** One function for each message of one side of an interface. */
export type Handlers<I extends Interface, S extends Side> = {
  [N in Named<I, S>['name']]: (...values: Values<MessageOf<I, S, N>>) => void;
};

export const HEADER_SIZE = 8;
/** libwayland's buffer: no message is longer (libwayland 1.21 drops a longer event). */
export const MAX_MESSAGE_SIZE = 4096;

const LITTLE = endianness() === 'LE';

/** Bytes that are no message of the protocol. */
export class WireError extends Error {
  override readonly name = 'WireError';
}

export interface Encoded {
  readonly bytes: Buffer;
  readonly fds: readonly number[];
}

const padded = (length: number) => (length + 3) & ~3;

const writer = Buffer.alloc(MAX_MESSAGE_SIZE);
const view = new DataView(writer.buffer, writer.byteOffset, writer.length);
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Writes one message. Throws RangeError where it would be longer than 4096 bytes, TypeError for a
 * text with a NUL, which would end it on the other side.
 */
export function encode<M extends Message>(message: M, object: number, values: Values<M>): Encoded {
  let at = HEADER_SIZE;
  const fds: number[] = [];
  const uint = (value: number) => {
    view.setUint32(at, value >>> 0, LITTLE);
    at += 4;
  };
  const block = (length: number, write: () => void) => {
    if (at + 4 + padded(length) > MAX_MESSAGE_SIZE) {
      throw new RangeError(`${message.name}: longer than ${MAX_MESSAGE_SIZE} bytes`);
    }
    uint(length);
    writer.fill(0, at, at + padded(length));
    write();
    at += padded(length);
  };
  const text = (value: string) => {
    if (value.includes('\0')) throw new TypeError(`${message.name}: a text with a NUL`);
    block(Buffer.byteLength(value) + 1, () => writer.write(value, at, 'utf8'));
  };

  for (const [i, arg] of message.args.entries()) {
    const value: unknown = (values as unknown[])[i];
    if (arg.type === 'fd') fds.push(value as number);
    else if (arg.type === 'string') value === null ? uint(0) : text(value as string);
    else if (arg.type === 'array') {
      const bytes = value as Uint8Array;
      block(bytes.length, () => writer.set(bytes, at));
    } else if (arg.type === 'new_id' && arg.interface === undefined) {
      const untyped = value as UntypedNewId;
      text(untyped.interface);
      uint(untyped.version);
      uint(untyped.id);
    } else uint(value as number);
  }
  view.setUint32(0, object, LITTLE);
  view.setUint32(4, ((at << 16) | message.opcode) >>> 0, LITTLE);
  return { bytes: Buffer.from(writer.subarray(0, at)), fds };
}

export interface Header {
  readonly object: number;
  readonly opcode: number;
  /** Bytes of the message, header included. */
  readonly size: number;
}

/** Reads a header at `at`. Throws WireError for a size that no message can have. */
export function decodeHeader(bytes: Buffer, at: number): Header {
  const object = LITTLE ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
  const word = LITTLE ? bytes.readUInt32LE(at + 4) : bytes.readUInt32BE(at + 4);
  const size = word >>> 16;
  if (size < HEADER_SIZE || size > MAX_MESSAGE_SIZE || size % 4 !== 0) {
    throw new WireError(`message of ${size} bytes`);
  }
  return { object, opcode: word & 0xffff, size };
}

/**
 * Reads the arguments of a message from its body (the bytes after the header); file descriptors come
 * from the front of `fds` and are the caller's. Throws WireError, and `fds` is as it was.
 */
export function decode<M extends Message>(message: M, body: Buffer, fds: number[]): Values<M> {
  let at = 0;
  let taken = 0;
  const fail = (why: string): never => {
    throw new WireError(`${message.name}: ${why}`);
  };
  const uint = (): number => {
    if (at + 4 > body.length) fail('arguments are cut short');
    const value = LITTLE ? body.readUInt32LE(at) : body.readUInt32BE(at);
    at += 4;
    return value;
  };
  const block = (length: number): Buffer => {
    if (length > body.length - at || padded(length) > body.length - at)
      fail('a length is too large');
    const bytes = body.subarray(at, at + length);
    at += padded(length);
    return bytes;
  };
  const text = (length: number): string => {
    if (length === 0) fail('a string is null');
    const bytes = block(length);
    if (bytes.indexOf(0) !== length - 1) fail('a string does not end with its only NUL');
    try {
      return utf8.decode(bytes.subarray(0, length - 1));
    } catch {
      return fail('a string is not UTF-8');
    }
  };
  const string = (arg: Argument): string | null => {
    const length = uint();
    return length === 0 && arg.allowNull ? null : text(length);
  };
  const value = (arg: Argument): unknown => {
    switch (arg.type) {
      case 'int':
      case 'fixed':
        return uint() | 0;
      case 'string':
        return string(arg);
      case 'array':
        return Buffer.from(block(uint()));
      case 'fd':
        return fds[taken++] ?? fail('a file descriptor is missing');
      case 'new_id':
        if (arg.interface === undefined) {
          const name = text(uint());
          return { interface: name, version: uint(), id: uint() } satisfies UntypedNewId;
        }
        return uint() || fail(`${arg.name} is 0`);
      case 'object':
        return uint() || (arg.allowNull ? 0 : fail(`${arg.name} is null`));
      case 'uint':
        return uint();
    }
  };
  const values = message.args.map(value);
  if (at !== body.length) fail('bytes are left over');
  if (taken > 0) fds.splice(0, taken);
  return values as Values<M>;
}

/** The halves of a 64-bit value, as the protocol carries it. */
export const hi = (value: bigint | number): number => Number((BigInt(value) >> 32n) & 0xffffffffn);
export const lo = (value: bigint | number): number => Number(BigInt(value) & 0xffffffffn);
export const join64 = (high: number, low: number): bigint => (BigInt(high) << 32n) | BigInt(low);
