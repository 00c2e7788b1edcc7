/**
 * Breaks requests: what they say, how long they say that they are, what comes with them, and how they are
 * cut when they are sent.
 */

import { MAX_FDS } from '../../src/memory/limits.js';
import { HEADER_SIZE } from '../../src/protocol/wire.js';
import type { Random } from '../support/random.js';
import type { Built, Place, Wish } from './message.js';
import type { Talk } from './talk.js';
import { EDGES, edge, bytes as randomBytes } from './values.js';

/** What one send carries. */
export interface Piece {
  readonly bytes: Buffer;
  readonly fds: readonly Wish[];
}

export interface Mutated {
  readonly pieces: readonly Piece[];
  /** The daemon may cut what follows elsewhere than it was meant. */
  readonly lost: boolean;
}

type Mutation = (random: Random, built: Built, talk: Talk) => Mutated;

/** The kernel's: more than a message can carry. */
const SCM_MAX_FD = 253;
const OPCODE = 4;
const SIZE = 6;

const whole = (bytes: Buffer, fds: readonly Wish[], lost = false): Mutated => ({
  pieces: [{ bytes, fds }],
  lost,
});

function changed({ bytes, fds }: Built, change: (copy: Buffer) => void, lost = false): Mutated {
  const copy = Buffer.from(bytes);
  change(copy);
  return whole(copy, fds, lost);
}

const placeOf = (random: Random, { places }: Built, ...types: string[]): Place | undefined =>
  random.one(places.filter(({ arg }) => types.includes(arg.type)));

/** An id that names nothing of ours, something that is gone, the daemon's own, or of another interface. */
function strangeId(random: Random, talk: Talk): number {
  const ids = [
    talk.freed[0] ?? 0,
    random.one(talk.objects.keys()) ?? 0,
    0xff00_0000,
    random.below(5000),
  ];
  return random.one([...ids, edge(random)]) ?? 0;
}

const wish = (random: Random): Wish => ({ choice: random.below(1 << 30), tame: false });

/** Puts other bytes in an argument's place; the header says the new size. */
function replaced({ bytes, fds }: Built, { at, length }: Place, content: Buffer): Mutated {
  const copy = Buffer.concat([bytes.subarray(0, at), content, bytes.subarray(at + length)]);
  copy.writeUInt16LE(copy.length & 0xffff, SIZE);
  return whole(copy, fds, copy.length > 0xffff);
}

/** A text or an array whose length, end or content is a lie. */
const block: Mutation = (random, built) => {
  const place = placeOf(random, built, 'string', 'array', 'new_id');
  if (place === undefined || place.length < 4) return whole(built.bytes, built.fds);
  const content = Buffer.from(built.bytes.subarray(place.at, place.at + place.length));
  const length = content.readUInt32LE(0);
  const lie = random.one([
    0,
    length - 1,
    length + 1,
    length + 4,
    0xffff_fffc,
    0xffff_ffff,
    edge(random),
  ]);
  switch (random.below(4)) {
    case 0:
      content.writeUInt32LE((lie ?? 0) >>> 0, 0);
      return replaced(built, place, content);
    case 1: // no NUL, or one in its midst
      content.fill(random.below(2) === 0 ? 0x41 : 0, 4 + random.below(content.length - 3));
      return replaced(built, place, content);
    case 2: // no UTF-8: a lone continuation, an overlong form, a surrogate
      content.write(random.one(['80', 'c080', 'eda080', 'f8']) ?? '', 4, 'hex');
      return replaced(built, place, content);
    default: {
      const long = randomBytes(random, random.one([1, 255, 3000, 4076, 5000]) ?? 1);
      const padded = Buffer.concat([Buffer.alloc(4), long, Buffer.alloc(-long.length & 3)]);
      padded.writeUInt32LE(long.length, 0);
      return replaced(built, place, padded);
    }
  }
};

const mutations: readonly Mutation[] = [
  (random, built, talk) => changed(built, (copy) => copy.writeUInt32LE(strangeId(random, talk), 0)),
  (random, built) =>
    changed(built, (copy) =>
      copy.writeUInt16LE(random.below(3) === 0 ? random.below(65_536) : random.below(24), OPCODE),
    ),
  // The size: shorter, longer, no multiple of 4, below a header, beyond what there is.
  (random, built) => {
    const { length } = built.bytes;
    const sizes = [0, 4, 7, 8, length - 4, length - 1, length + 1, length + 4, 4096, 4100, 0xffff];
    return changed(
      built,
      (copy) => copy.writeUInt16LE((random.one(sizes) ?? 0) & 0xffff, SIZE),
      true,
    );
  },
  // Less or more of it than its request has, and a header that says so.
  (random, built) => {
    const { bytes, fds } = built;
    const length = HEADER_SIZE + 4 * random.below(1 + (bytes.length >> 1));
    const copy = Buffer.alloc(length, random.below(2) * 0xff);
    bytes.copy(copy);
    copy.writeUInt16LE(length, SIZE);
    return whole(copy, fds);
  },
  // A word
  (random, built) => {
    const words = Math.floor((built.bytes.length - HEADER_SIZE) / 4);
    // One of them would be for how long it waits.
    const waits = built.places.some(({ arg }) => arg.name === 'milliseconds');
    if (words <= 0 || waits) return whole(built.bytes, built.fds);
    const at = HEADER_SIZE + 4 * random.below(words);
    return changed(built, (copy) => copy.writeUInt32LE(random.one(EDGES) ?? 0, at));
  },
  // Ids of new objects and of those that are named
  (random, built, talk) => {
    const place = placeOf(random, built, 'new_id', 'object');
    if (place === undefined) return whole(built.bytes, built.fds);
    const at = place.at + place.length - 4;
    return changed(built, (copy) => copy.writeUInt32LE(strangeId(random, talk), at));
  },
  // Bits
  (random, built) =>
    changed(
      built,
      (copy) => {
        for (let i = random.below(4); i >= 0; i--) {
          const at = random.below(copy.length);
          copy[at] = (copy[at] as number) ^ (1 << random.below(8));
        }
      },
      true,
    ),
  block,
  block,
  (_, { bytes, fds }) => whole(Buffer.concat([bytes, bytes]), fds),
  // Too few fds, too many, and so many that no message of the protocol has them
  (_, { bytes }) => whole(bytes, []),
  (random, { bytes, fds }) => {
    const more = Array.from({ length: 1 + random.below(4) }, () => wish(random));
    return whole(bytes, [...fds, ...more]);
  },
  (random, { bytes }) => whole(bytes, Array(random.below(SCM_MAX_FD) + 1).fill(wish(random))),
  (random, { bytes }) => {
    const count = random.one([MAX_FDS - 1, MAX_FDS]) ?? MAX_FDS;
    const fds = Array.from({ length: count }, () => ({ ...wish(random), tame: true }));
    const half = bytes.length >> 1;
    const rest = random.below(2) === 0 ? fds.slice(0, 2) : [];
    const pieces = [
      { bytes: bytes.subarray(0, half), fds },
      { bytes: bytes.subarray(half), fds: rest },
    ];
    return { pieces, lost: true };
  },
  (random) => whole(randomBytes(random, 1 + random.below(64)), [], true),
];

/** The request, broken in one way or two. */
export function mutate(random: Random, built: Built, talk: Talk): Mutated {
  const first = mutations[random.below(mutations.length)] as Mutation;
  const mutated = first(random, built, talk);
  if (random.below(4) > 0) return mutated;
  const [piece] = mutated.pieces;
  if (piece === undefined || piece.bytes.length < HEADER_SIZE) return mutated;
  const second = mutations[random.below(mutations.length)] as Mutation;
  const again = { ...built, ...piece };
  const fits = built.places.every(({ at, length }) => at + length <= piece.bytes.length);
  const { pieces, lost } = second(random, fits ? again : { ...again, places: [] }, talk);
  return { pieces, lost: lost || mutated.lost };
}

/** The same bytes in several sends; fds go with any of them up to the last byte of their request. */
export function cut(random: Random, { bytes, fds }: Piece): Piece[] {
  const pieces: Piece[] = [];
  let left = [...fds];
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + 1 + random.below(random.below(3) === 0 ? 3 : 40));
    const now = end === bytes.length ? left.length : random.below(left.length + 1);
    pieces.push({ bytes: bytes.subarray(at, end), fds: left.slice(0, now) });
    left = left.slice(now);
    at = end;
  }
  return pieces;
}
