/**
 * The lines of JSON in which frames go from one program to another by tokens: what `take --tokens` prints and `serve --tokens`
 * reads. Caps come first, then frames; the number of each comes back when it may be written again.
 */
import { MAX_PLANES, type PlanePlace } from '../../memory/plane.js';
import { NONE } from './wire.js';

/** It is no such line, or a frame that cannot be served; the sentence says which. */
export class LineFault extends Error {
  override readonly name = 'LineFault';
}

export interface FrameLine {
  readonly type: 'frame';
  readonly number: number;
  /** Null: the buffer has come before, and is kept. */
  readonly token: string | null;
  /** The buffer's id; null where a token tells. */
  readonly buffer: string | null;
  /** Where they lie in the buffer's memories; null: as its image has them. */
  readonly planes: readonly PlanePlace[] | null;
  readonly pts: bigint;
  readonly duration: bigint;
  /** GstBufferFlags. */
  readonly flags: number;
}

export type TokenLine =
  | { readonly type: 'caps'; readonly caps: string }
  | FrameLine
  | { readonly type: 'end' };

/** A token has 1024 at most, caps a few hundred. */
export const MAX_LINE = 16 * 1024;
/** What a number may be: that it can be told back exactly. */
const MAX_NUMBER = 999_999_999_999_999;
const U32 = 0xffff_ffff;

type Fields = Readonly<Record<string, unknown>>;

/** Throws LineFault. Fields that are not known are passed over. */
export function parseLine(text: string): TokenLine {
  const fields = fieldsOf(text);
  if (fields.end === true) return { type: 'end' };
  if (fields.caps !== undefined) return { type: 'caps', caps: textIn(fields, 'caps') };
  if (fields.frame === undefined) {
    throw new LineFault(`${shown(text)} has none of "caps", "frame" and "end": true`);
  }
  const token = fields.token == null ? null : textIn(fields, 'token');
  const buffer = fields.buffer == null ? null : textIn(fields, 'buffer');
  if (token === null && buffer === null) {
    throw new LineFault('a frame has a token; or the buffer of one that has come, by its id');
  }
  return {
    type: 'frame',
    number: whole(fields, 'frame', MAX_NUMBER),
    ...{ token, buffer, planes: planesOf(fields.planes) },
    pts: time(fields, 'pts'),
    duration: time(fields, 'duration'),
    flags: fields.flags === undefined ? 0 : whole(fields, 'flags', U32),
  };
}

function fieldsOf(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new LineFault(`${shown(text)} is no JSON`);
  }
  if (isFields(value)) return value;
  throw new LineFault(`${shown(text)} is no JSON object`);
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const shown = (value: unknown): string => {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
};

function textIn(fields: Fields, key: string): string {
  const value = fields[key];
  if (typeof value === 'string' && value !== '' && value.length <= MAX_LINE) return value;
  throw new LineFault(`"${key}" is a text, and not ${shown(value)}`);
}

function whole(fields: Fields, key: string, most: number, least = 0): number {
  const value = fields[key];
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) {
    return value;
  }
  throw new LineFault(`"${key}" is a number from ${least} to ${most}, and not ${shown(value)}`);
}

/** Nanoseconds; as text, since they have more digits than a number of JSON keeps. */
function time(fields: Fields, key: string): bigint {
  const value = fields[key] ?? null;
  if (value === null) return NONE;
  const text = Number.isSafeInteger(value) ? String(value) : value;
  if (typeof text === 'string' && /^\d{1,20}$/.test(text) && BigInt(text) <= NONE) {
    return BigInt(text);
  }
  throw new LineFault(`"${key}" is nanoseconds as digits, and not ${shown(value)}`);
}

function planesOf(value: unknown): readonly PlanePlace[] | null {
  if (value == null) return null;
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_PLANES) {
    throw new LineFault(`"planes" are 1 to ${MAX_PLANES} of {"offset", "stride"}`);
  }
  return value.map((plane: unknown) => {
    if (!isFields(plane)) throw new LineFault(`${shown(plane)} is no plane`);
    const memory = plane.memory === undefined ? 0 : whole(plane, 'memory', MAX_PLANES - 1);
    return { memory, offset: whole(plane, 'offset', U32), stride: whole(plane, 'stride', U32, 1) };
  });
}
