/**
 * Checks of what a caller gives the library, made before anything is sent: a value that wraps on its way
 * to 32 bits, or that the daemon must take for a violation, would cost the connection and its buffers.
 * What only the daemon can judge (a size that it has no room for) is its to refuse.
 *
 * A check throws TypeError (a value of the wrong kind, an unknown field) or RangeError (a number or a
 * length outside of what there is); the argument's name comes first.
 */
import { readlinkSync } from 'node:fs';

export type Check = (value: unknown, name: string) => void;

/** A check for each field of a type, so that the compiler finds one that has none. */
export type Fields<T> = { readonly [K in keyof Required<T>]: Check };

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'object' && value !== null) {
    return Array.isArray(value) ? 'an array' : 'an object';
  }
  return typeof value === 'function' ? 'a function' : String(value);
}

const wrongType = (name: string, wanted: string, value: unknown): TypeError =>
  new TypeError(`${name} must be ${wanted}, and is ${shown(value)}`);

const outOfRange = (name: string, wanted: string, value: unknown): RangeError =>
  new RangeError(`${name} must be ${wanted}, and is ${shown(value)}`);

export function whole(min: number, max: number): Check {
  const wanted = `a whole number from ${min} to ${max}`;
  return (value, name) => {
    if (typeof value !== 'number') throw wrongType(name, wanted, value);
    if (!Number.isInteger(value) || value < min || value > max) {
      throw outOfRange(name, wanted, value);
    }
  };
}

export const U32 = 0xffff_ffff;
export const u32 = whole(0, U32);
/** Bytes that a double tells exactly. */
export const bytes = whole(0, Number.MAX_SAFE_INTEGER);
export const someBytes = whole(1, Number.MAX_SAFE_INTEGER);

export const u64: Check = (value, name) => {
  const wanted = 'a bigint from 0 to 2^64-1';
  if (typeof value !== 'bigint') throw wrongType(name, wanted, value);
  if (value < 0n || value > 0xffff_ffff_ffff_ffffn) throw outOfRange(name, wanted, value);
};

export const flag: Check = (value, name) => {
  if (typeof value !== 'boolean') throw wrongType(name, 'true or false', value);
};

/** A lone surrogate would arrive as another character than it left. */
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/** A string of so many bytes in UTF-8; the wire ends it with a NUL. */
export function text(minBytes: number, maxBytes: number): Check {
  const wanted = `a string of ${minBytes} to ${maxBytes} bytes`;
  return (value, name) => {
    if (typeof value !== 'string') throw wrongType(name, wanted, value);
    if (value.includes('\0')) throw new TypeError(`${name} must have no NUL in it`);
    if (LONE_SURROGATE.test(value)) throw new TypeError(`${name} must be well-formed Unicode`);
    const length = Buffer.byteLength(value);
    if (length < minBytes || length > maxBytes) {
      throw new RangeError(`${name} must be ${wanted}, and has ${length}`);
    }
  };
}

export function pattern(expression: RegExp, wanted: string): Check {
  return (value, name) => {
    if (typeof value !== 'string') throw wrongType(name, wanted, value);
    if (!expression.test(value)) throw outOfRange(name, wanted, value);
  };
}

export function oneOf(values: readonly string[]): Check {
  const wanted = `one of ${values.join(', ')}`;
  return (value, name) => {
    if (typeof value !== 'string') throw wrongType(name, wanted, value);
    if (!values.includes(value)) throw outOfRange(name, wanted, value);
  };
}

export function listOf(check: Check, min: number, max: number): Check {
  return (value, name) => {
    if (!Array.isArray(value)) throw wrongType(name, 'an array', value);
    if (value.length < min || value.length > max) {
      throw new RangeError(`${name} must have ${min} to ${max} entries, and has ${value.length}`);
    }
    // A hole is an entry without a value: `forEach` would not see it.
    for (const [index, entry] of value.entries()) check(entry, `${name}[${index}]`);
  };
}

/** An object with these fields and no others; those that are not required may be undefined. */
export function record<T>(fields: Fields<T>, required: readonly (keyof T & string)[] = []): Check {
  const all = Object.entries<Check>(fields).map(
    ([field, check]) => [field, check, required.includes(field as keyof T & string)] as const,
  );
  return (value, name) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw wrongType(name, 'an object', value);
    }
    const given = value as Record<string, unknown>;
    const at = (field: string) => (name === '' ? field : `${name}.${field}`);
    for (const field of Object.keys(given)) {
      if (!Object.hasOwn(fields, field)) {
        const known = Object.keys(fields).join(', ');
        throw new TypeError(`${at(field)} is no field here; there are: ${known}`);
      }
    }
    for (const [field, check, isRequired] of all) {
      const each = given[field];
      if (each !== undefined) check(each, at(field));
      else if (isRequired) throw new TypeError(`${at(field)} is missing`);
    }
  };
}

/**
 * An fd that is open in this process and can be sent to the daemon; asked of /proc, which does not touch its
 * file. A socket is none: the daemon takes it for a violation.
 */
export const openFd: Check = (value, name) => {
  whole(0, 0x7fff_ffff)(value, name);
  let file: string;
  try {
    file = readlinkSync(`/proc/self/fd/${value}`);
  } catch {
    throw new RangeError(`${name} must be an open file descriptor, and ${value} is none`);
  }
  if (file.startsWith('socket:')) {
    throw new RangeError(`${name} must be memory, and ${value} is a socket`);
  }
};

export const checkListener: Check = (value, name) => {
  if (typeof value !== 'function') throw wrongType(name, 'a function', value);
};

export const signal: Check = (value, name) => {
  if (!(value instanceof AbortSignal)) throw wrongType(name, 'an AbortSignal', value);
};
