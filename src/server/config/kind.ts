/**
 * What kinds of value a setting may have: how the file writes it (JSON Schema for the daemon, words for
 * people), what the daemon makes of it, and how that is shown. The table (settings.ts) is made of these.
 */
import { SOURCE_NAME, type SourceName } from '../../memory/source.js';
import type { ConfigSetting } from '../../rest/contract.js';
import type { Machine } from './machine.js';

/** More heaps than a machine has. */
const MAX_SOURCES = 64;
const MAX_CARDS = 16;

/** A value as `GET /v1/config` has it. */
export type Shown = ConfigSetting['value'];

export interface Kind<Written, Value> {
  /** JSON Schema. */
  readonly schema: object;
  /** What may be written, for documents. */
  readonly words: string;
  /** Throws an Error whose sentence goes on behind the setting's name. */
  read(written: Written, machine: Machine): Value;
  /** As the file would say it, sizes in bytes, users and groups as numbers. */
  show(value: Value): Shown;
  /** How documents have the file say it, if not as JSON would. */
  write?(written: Written): string;
}

/** What is written is the value. */
function plain<V extends string | number | boolean>(schema: object, words: string): Kind<V, V> {
  const described = { ...schema, description: words };
  return { schema: described, words, read: (written) => written, show: (value) => value };
}

interface Range {
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum: number;
}

const rangeWords = ({ minimum, exclusiveMinimum, maximum }: Range) =>
  exclusiveMinimum === undefined
    ? `from ${minimum ?? -maximum} to ${maximum}`
    : `above ${exclusiveMinimum}, up to ${maximum}`;

/** `unit` is what is counted: `seconds`. */
export const integer = (range: Range, unit = 'a number') =>
  plain<number>({ type: 'integer', ...range }, `${unit} ${rangeWords(range)}`);

/** One that may have a fraction. */
export const number = (range: Range, unit = 'a number') =>
  plain<number>({ type: 'number', ...range }, `${unit} ${rangeWords(range)}, also a fraction`);

export const boolean = plain<boolean>({ type: 'boolean' }, '`true` or `false`');

export const text = (words: string, rules: object = { minLength: 1 }) =>
  plain<string>({ type: 'string', ...rules }, words);

/** One of some words. */
export const oneOf = <const W extends string>(list: readonly W[]) =>
  plain<W>({ enum: list }, list.map((each) => `\`"${each}"\``).join(', '));

export type Quantity = number | string;

const UNITS = ['', 'K', 'M', 'G', 'T'];

/** null: no limit. */
export function quantity(value: Quantity): number | null {
  if (typeof value === 'number') return value;
  if (value === 'none') return null;
  const [, digits = '', unit = ''] = /^(\d+)([KMGT]?)$/.exec(value) ?? [];
  return Math.min(Number(digits) * 1024 ** UNITS.indexOf(unit), Number.MAX_SAFE_INTEGER);
}

const sizeSchema = {
  type: ['integer', 'string'],
  minimum: 0,
  pattern: '^[0-9]{1,15}[KMGT]?$',
  description: 'bytes, or a string with K, M, G or T',
} as const;

/** With the largest unit that divides it. */
function writeSize(written: Quantity): string {
  if (typeof written === 'string' || written === 0) return JSON.stringify(written);
  const power = UNITS.findLastIndex((_, index) => written % 1024 ** index === 0);
  return power === 0 ? String(written) : `"${written / 1024 ** power}${UNITS[power]}"`;
}

/** Bytes, with a unit or without. */
export const size = {
  schema: sizeSchema,
  words: sizeSchema.description,
  read: (written: Quantity) => quantity(written) ?? 0,
  show: (value: number) => value,
  write: writeSize,
} satisfies Kind<Quantity, number>;

/** A size, or that there is no limit. */
export const limit: Kind<Quantity, number | null> = {
  schema: {
    ...sizeSchema,
    pattern: '^(none|[0-9]{1,15}[KMGT]?)$',
    description: `${size.words}, or "none"`,
  },
  words: `${size.words}, or \`"none"\``,
  read: quantity,
  show: (value) => value ?? 'none',
  write: writeSize,
};

/** A file's mode, in the octal digits that chmod(1) takes. */
export const fileMode: Kind<string, number> = {
  schema: { type: 'string', pattern: '^0[0-7]{3}$', description: 'octal digits, as "0660"' },
  words: 'octal digits, as `"0660"`',
  read: (written) => Number.parseInt(written, 8),
  show: (mode) => `0${mode.toString(8).padStart(3, '0')}`,
};

/** A group of this machine. */
export const groupName: Kind<string, string> = {
  ...text("a group's name"),
  read(written, { names }) {
    if (names.group(written) !== null) return written;
    throw new Error(
      `names the group ${written}, which this machine has not (getent group ${written})`,
    );
  },
};

/** Names of memory sources, in an order. */
export const sourceList: Kind<readonly string[], readonly SourceName[]> = {
  schema: {
    type: 'array',
    items: { type: 'string', pattern: SOURCE_NAME },
    uniqueItems: true,
    maxItems: MAX_SOURCES,
    description: 'names of sources',
  },
  words: 'names of sources, as `["dma-heap:system", "udmabuf"]`',
  read: (written) => written as readonly SourceName[],
  show: (names) => [...names],
};

/** Displays' cards, by their nodes. */
export const cardList: Kind<readonly string[], readonly string[]> = {
  schema: {
    type: 'array',
    items: { type: 'string', pattern: '^/dev/dri/', maxLength: 255 },
    uniqueItems: true,
    maxItems: MAX_CARDS,
    description: 'paths of cards, which begin with `/dev/dri/`',
  },
  words: 'paths of cards, as `["/dev/dri/card0"]` or `["/dev/dri/by-path/pci-0000:00:02.0-card"]`',
  read: (written) => written,
  show: (paths) => [...paths],
};

export interface TcpAddress {
  readonly host: '127.0.0.1' | '::1';
  /** 0: any that is free. */
  readonly port: number;
}

/** Over TCP everybody could ask; beyond this machine, everybody could listen. */
export const loopback: Kind<string, TcpAddress> = {
  schema: { type: 'string' },
  words: '`"127.0.0.1:PORT"` or `"[::1]:PORT"`; port 0: any that is free',
  read(written) {
    const [, host, digits] = /^(127\.0\.0\.1|\[::1\]):(\d{1,5})$/.exec(written) ?? [];
    const port = Number(digits);
    if (host === undefined || port > 65_535) {
      const wanted = '127.0.0.1:PORT or [::1]:PORT, a loopback address';
      throw new Error(`must be ${wanted}, not ${written}`);
    }
    return { host: host === '127.0.0.1' ? host : '::1', port };
  },
  show: ({ host, port }) => `${host === '::1' ? '[::1]' : host}:${port}`,
};
