/**
 * Values for the arguments of requests: by the argument's type and name, so that most requests mean
 * something, and by its type alone where the name is not known. A request that is added to the XML is
 * fuzzed without a word here.
 */
import { fourcc } from '../../src/memory/fourcc.js';
import type { Argument, Interface } from '../../src/protocol/wire.js';
import type { Random } from '../support/random.js';
import { interfaces } from '../support/wire-peer.js';
import type { Value } from './message.js';

/** Where 32-bit arithmetic goes wrong, object ids of the server, signs and sizes. */
export const EDGES: readonly number[] = [
  0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 27, 28, 29, 63, 64, 65, 255, 256, 4095, 4096, 4097, 65_535,
  65_536, 0x7fff_ffff, 0x8000_0000, 0x8000_0001, 0xfeff_ffff, 0xff00_0000, 0xffff_fffe, 0xffff_ffff,
];

const ANYBODY = 0xffff_ffff;
const FORMATS = ['XR24', 'AR24', 'NV12', 'YU12', 'R8  ', 'AB4H', 'P010', 'YUYV', 'QQQQ'].map(
  fourcc,
);
/** One MiB at most: thousands of buffers are made. */
const SIZES = [1, 3, 64, 4095, 4096, 4097, 65_536, 1 << 20];
const UUID_BYTES = 16;

/** What is likely to be taken, by the argument's name. */
const USUAL: Readonly<Record<string, readonly number[]>> = {
  size_lo: SIZES,
  offset_lo: [0, 0, 0, 1, 64, 4095],
  width: [1, 2, 3, 16, 64, 641],
  height: [1, 2, 3, 16, 64, 479],
  format: FORMATS,
  stride: [0, 1, 4, 64, 256, 2564],
  offset: [0, 0, 1, 64, 4096],
  size: [0, 1, 4096],
  planes: [0, 1],
  plane_idx: [0, 0, 0, 1, 2, 3],
  uses: [1, 1, 2, 3, 1000],
  uid: [ANYBODY, ANYBODY, 0, 61_001, 61_002],
  seconds: [0, 1, 60, 3600],
  // What waits longer would keep its connection from being read.
  milliseconds: [0, 0, 1, 20, 86_400_001],
  rights: [0, 1],
  how: [0, 0, 1, 2, 3],
  flags: [0],
};

/** The values of the enum that has the argument's name; for several in one word its plural. */
function enumOf(
  definition: Interface,
  { name }: Argument,
): { readonly values: readonly number[]; readonly areBits: boolean } | undefined {
  const owners = [definition, ...interfaces.values()];
  for (const each of [name, name.replace(/s$/, '')]) {
    const found = owners.map(({ enums }) => enums[each]).find(Boolean);
    const areBits = each !== name || name === 'usage';
    if (found !== undefined) return { values: Object.values(found), areBits };
  }
  return undefined;
}

function uint(random: Random, definition: Interface, arg: Argument): number {
  const usual = USUAL[arg.name];
  if (usual !== undefined) return random.one(usual) ?? 0;
  if (arg.name.endsWith('_hi') || arg.name.startsWith('modifier')) return 0;
  const found = enumOf(definition, arg);
  if (found === undefined) return random.below(8) === 0 ? edge(random) : random.below(1000);
  const one = () => random.one(found.values) ?? 0;
  return found.areBits && random.below(3) === 0 ? one() | one() : one();
}

export const edge = (random: Random): number => random.one(EDGES) ?? 0;

const TEXTS = [
  '',
  'a',
  'frame',
  'memfd',
  'vulkan',
  'dma-heap',
  'äöü €',
  '\u{10ffff}',
  '../../etc/passwd',
];

export function text(random: Random): string {
  const long = random.below(20);
  if (long === 0) return 'x'.repeat(random.below(4000));
  return random.one(TEXTS) ?? '';
}

export function bytes(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.below(256)));
}

/** A value for anything but an id, which depends on what there is (talk.ts). */
export function plausible(
  random: Random,
  definition: Interface,
  arg: Argument,
  tame: boolean,
): Value {
  switch (arg.type) {
    case 'string':
      if (!arg.name.endsWith('uuid') || (!tame && random.below(8) === 0)) return text(random);
      return bytes(random, UUID_BYTES).toString('hex');
    case 'array':
      return bytes(random, random.below(300));
    case 'fd':
      return { choice: random.below(1 << 30), tame };
    default:
      return uint(random, definition, arg);
  }
}
