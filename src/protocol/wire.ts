/**
 * The Wayland wire format (wayland-book, "Wire protocol basics"; libwayland's connection.c): a
 * header of object id, and size<<16|opcode, then arguments in 32-bit words of the host's byte
 * order; file descriptors travel beside the bytes as SCM_RIGHTS, in order.
 *
 * Here are the words in which the tables speak that are generated from the protocols' XML. Each message
 * has a function that writes it (writer.ts) and one that reads it (reader.ts): what is the same each time
 * is not found out each time. Pure; both the daemon and the client library use it.
 */
import type { UntypedNewId } from './format.js';
import type { Reader } from './reader.js';
import type { Writer } from './writer.js';

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
  /** Writes it for an object: the values are those of `args`. Throws as the writer does, which then has nothing of it. */
  readonly write: (writer: Writer, object: number, ...values: never) => void;
  /**
   * Reads the arguments, and calls the function of the message's name with them. Throws WireError, with every
   * fd where it was, and calls nothing where they are not the message's.
   */
  readonly read: (reader: Reader, to: never) => void;
}

/** An interface as the XML has it. */
export interface Tables {
  readonly name: string;
  readonly version: number;
  readonly requests: readonly Message[];
  readonly events: readonly Message[];
  readonly enums: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export type ByName<M extends readonly Message[]> = {
  readonly [N in M[number]['name']]: Extract<M[number], { readonly name: N }>;
};

/** The same messages, to be found by their names. */
export interface WithNames<T extends Tables> {
  readonly request: ByName<T['requests']>;
  readonly event: ByName<T['events']>;
}

export interface Interface extends Tables {
  readonly request: Readonly<Record<string, Message>>;
  readonly event: Readonly<Record<string, Message>>;
}

const byName = (messages: readonly Message[]) =>
  Object.fromEntries(messages.map((message) => [message.name, message]));

export { HEADER_SIZE, MAX_MESSAGE_SIZE, type UntypedNewId, WireError } from './format.js';

/** For the generated tables. */
export function named<const T extends Tables>(tables: T): T & WithNames<T> {
  const { requests, events } = tables;
  return { ...tables, request: byName(requests), event: byName(events) } as T & WithNames<T>;
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

/** The halves of a 64-bit value, as the protocol carries it. */
export const hi = (value: bigint | number): number =>
  typeof value === 'number'
    ? Math.floor(value / 2 ** 32) >>> 0
    : Number((value >> 32n) & 0xffffffffn);
export const lo = (value: bigint | number): number =>
  typeof value === 'number' ? value >>> 0 : Number(value & 0xffffffffn);
/** A 64-bit value that a double has room for: bytes of memory. */
export const size64 = (high: number, low: number): number => high * 2 ** 32 + low;
export const join64 = (high: number, low: number): bigint => (BigInt(high) << 32n) | BigInt(low);
