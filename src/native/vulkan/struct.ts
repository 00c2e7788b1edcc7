/**
 * Writes and reads Vulkan's structs in an arena, by the layouts of layout.gen.ts. Names and kinds of
 * members are checked by the compiler; sType is filled in here.
 *
 * Owns nothing: what is written lives as long as the arena's block.
 */
import type { Arena } from '../arena.js';
import type { Address } from '../ffi.js';

/** An entry of layout.gen.ts. */
export interface Struct {
  readonly name: string;
  readonly size: number;
  readonly align: number;
  readonly sType?: number;
  readonly members: Readonly<Record<string, Member>>;
}

interface Member {
  readonly offset: number;
  readonly kind: Kind;
  readonly count?: number;
  readonly type?: Struct;
}

type Kind = Scalar | 'char' | 'u8' | 'struct';
type Scalar = 'bool' | 'u16' | 'i32' | 'u32' | 'f32' | 'i64' | 'u64' | 'size' | 'ptr' | 'handle';

type ReadScalar<K> = K extends 'bool'
  ? boolean
  : K extends 'i64' | 'u64' | 'handle'
    ? bigint
    : number;
type WriteScalar<K> = K extends 'bool'
  ? boolean
  : K extends 'handle'
    ? bigint
    : K extends 'i64' | 'u64' | 'size' | 'ptr'
      ? number | bigint
      : number;

type ReadOne<M> = M extends { kind: 'struct'; type: infer S extends Struct }
  ? Read<S>
  : M extends { kind: infer K }
    ? ReadScalar<K>
    : never;
type WriteOne<M> = M extends { kind: 'struct'; type: infer S extends Struct }
  ? Write<S>
  : M extends { kind: infer K }
    ? WriteScalar<K>
    : never;

type ReadMember<M> = M extends { kind: 'char'; count: number }
  ? string
  : M extends { kind: 'u8'; count: number }
    ? Buffer
    : M extends { count: number }
      ? ReadOne<M>[]
      : ReadOne<M>;
type WriteMember<M> = M extends { kind: 'char'; count: number }
  ? string
  : M extends { kind: 'u8'; count: number }
    ? Uint8Array
    : M extends { count: number }
      ? readonly WriteOne<M>[]
      : WriteOne<M>;

/** A struct as it is read: u64 and handles as bigint, char arrays as strings. */
export type Read<S extends Struct> = {
  -readonly [K in keyof S['members']]: ReadMember<S['members'][K]>;
};
/** What may be written; a member that is left out is zero, and sType is never given. */
export type Write<S extends Struct> = {
  readonly [K in keyof S['members'] as K extends 'sType' ? never : K]?: WriteMember<
    S['members'][K]
  >;
};

/** Writes one struct; returns its address, valid as long as the arena's reservation. */
export function write<const S extends Struct>(
  arena: Arena,
  struct: S,
  values: Write<S> = {},
): Address {
  return writeArray(arena, struct, [values]);
}

/** Writes structs one after the other, as C's arrays are; returns the first one's address. */
export function writeArray<const S extends Struct>(
  arena: Arena,
  struct: S,
  values: readonly Write<S>[],
): Address {
  const start = arena.reserve(struct.size * values.length);
  values.forEach((value, i) => {
    put(arena, struct, start + i * struct.size, value);
  });
  return arena.address + start;
}

/** Reads a struct that stands in the arena. */
export function read<const S extends Struct>(arena: Arena, struct: S, address: Address): Read<S> {
  const offset = address - arena.address;
  if (!(offset >= 0 && offset + struct.size <= arena.bytes.length)) {
    throw new RangeError(`${struct.name} is not in the arena`);
  }
  return get(arena, struct, offset) as Read<S>;
}

/** Reads `count` structs that stand one after the other in the arena. */
export function readArray<const S extends Struct>(
  arena: Arena,
  struct: S,
  address: Address,
  count: number,
): Read<S>[] {
  return Array.from({ length: count }, (_, i) => read(arena, struct, address + i * struct.size));
}

function put(arena: Arena, struct: Struct, start: number, values: object): void {
  if (struct.sType !== undefined) arena.view.setInt32(start, struct.sType, true);
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue;
    const member = struct.members[name];
    if (!member) throw new TypeError(`${struct.name} has no member ${name}`);
    const offset = start + member.offset;
    if (member.count === undefined) {
      putOne(arena, member, offset, value);
    } else if (typeof value === 'string' || value instanceof Uint8Array) {
      const bytes = typeof value === 'string' ? Buffer.from(`${value}\0`) : value;
      if (bytes.length > member.count) throw new RangeError(`${struct.name}.${name} is too long`);
      arena.bytes.set(bytes, offset);
    } else {
      const list = value as readonly unknown[];
      if (list.length > member.count) throw new RangeError(`${struct.name}.${name} is too long`);
      for (const [i, element] of list.entries()) {
        putOne(arena, member, offset + i * sizeOf(member), element);
      }
    }
  }
}

function putOne(arena: Arena, member: Member, offset: number, value: unknown): void {
  const { view } = arena;
  switch (member.kind) {
    case 'struct':
      put(arena, member.type as Struct, offset, value as object);
      break;
    case 'bool':
      view.setUint32(offset, value ? 1 : 0, true);
      break;
    case 'f32':
      view.setFloat32(offset, value as number, true);
      break;
    case 'u8':
    case 'char':
      view.setUint8(offset, integer(value, 0, 2 ** 8));
      break;
    case 'u16':
      view.setUint16(offset, integer(value, 0, 2 ** 16), true);
      break;
    case 'i32':
      view.setInt32(offset, integer(value, -(2 ** 31), 2 ** 31), true);
      break;
    case 'u32':
      view.setUint32(offset, integer(value, 0, 2 ** 32), true);
      break;
    default:
      // BigInt() throws on a fraction or NaN.
      view.setBigUint64(offset, BigInt(value as number | bigint), true);
  }
}

/** A DataView would wrap what does not fit. */
function integer(value: unknown, from: number, to: number): number {
  if (Number.isInteger(value) && (value as number) >= from && (value as number) < to) {
    return value as number;
  }
  throw new RangeError(`${value} does not fit into the member`);
}

function get(arena: Arena, struct: Struct, start: number): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(struct.members)) {
    values[name] = getMember(arena, member, start + member.offset);
  }
  return values;
}

function getMember(arena: Arena, member: Member, offset: number): unknown {
  if (member.count === undefined) return getOne(arena, member, offset);
  if (member.kind === 'char' || member.kind === 'u8') {
    const bytes = Buffer.from(arena.bytes.subarray(offset, offset + member.count));
    if (member.kind === 'u8') return bytes;
    const end = bytes.indexOf(0);
    return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
  }
  return Array.from({ length: member.count }, (_, i) =>
    getOne(arena, member, offset + i * sizeOf(member)),
  );
}

function getOne(arena: Arena, member: Member, offset: number): unknown {
  const { view } = arena;
  switch (member.kind) {
    case 'struct':
      return get(arena, member.type as Struct, offset);
    case 'bool':
      return view.getUint32(offset, true) !== 0;
    case 'u8':
    case 'char':
      return view.getUint8(offset);
    case 'u16':
      return view.getUint16(offset, true);
    case 'i32':
      return view.getInt32(offset, true);
    case 'u32':
      return view.getUint32(offset, true);
    case 'f32':
      return view.getFloat32(offset, true);
    case 'i64':
      return view.getBigInt64(offset, true);
    case 'size':
    case 'ptr':
      return Number(view.getBigUint64(offset, true));
    default:
      return view.getBigUint64(offset, true);
  }
}

const SIZES: Readonly<Partial<Record<Kind, number>>> = { char: 1, u8: 1, u16: 2 };
const WORDS: readonly Kind[] = ['bool', 'i32', 'u32', 'f32'];

/** The size of one element. */
function sizeOf(member: Member): number {
  if (member.kind === 'struct') return (member.type as Struct).size;
  return SIZES[member.kind] ?? (WORDS.includes(member.kind) ? 4 : 8);
}
