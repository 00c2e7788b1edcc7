/** Values on the command line that are counted, and what is named by a number. Commander names the option. */
import { InvalidArgumentError } from 'commander';
import { account } from './accounts.js';

export function number(value: string): number {
  const count = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isSafeInteger(count)) return count;
  throw new InvalidArgumentError('It is no whole number below 2^53.');
}

/** Bytes: `4096`, `16M`, `1.5 GiB`; units are powers of 1024. */
export function size(value: string): number {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?) ?(?:([KMGT])(?:iB)?|B)?$/i.exec(value) ?? [];
  const count = Number(digits) * 1024 ** ' KMGT'.indexOf(unit.toUpperCase() || ' ');
  if (Number.isSafeInteger(count)) return count;
  throw new InvalidArgumentError('It is no size, e.g. 4096, 16M or 1.5GiB.');
}

const SECONDS = { '': 1, s: 1, min: 60, m: 60, h: 3600, d: 86_400 } as const;

/** Seconds: `90`, `90s`, `5min`, `1h`, `2d`. */
export function duration(value: string): number {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?) ?(s|min|m|h|d)?$/.exec(value) ?? [];
  const count = Number(digits) * SECONDS[unit as keyof typeof SECONDS];
  if (Number.isSafeInteger(count)) return count;
  throw new InvalidArgumentError('It is no duration in whole seconds, e.g. 90s, 5min, 1h or 2d.');
}

/** A user of this machine, by name or number. */
export function user(value: string): number {
  if (/^\d+$/.test(value)) return number(value);
  const found = account('passwd', value);
  if (found === null) throw new InvalidArgumentError('This machine has no such user.');
  return found.id;
}

/** A group of this machine, by name or number. */
export function group(value: string): number {
  if (/^\d+$/.test(value)) return number(value);
  const found = account('group', value);
  if (found === null) throw new InvalidArgumentError('This machine has no such group.');
  return found.id;
}

/** `1920x1080` */
export function dimensions(value: string): { width: number; height: number } {
  const [, width, height] = /^(\d{1,10})x(\d{1,10})$/.exec(value) ?? [];
  if (width !== undefined) return { width: Number(width), height: Number(height) };
  throw new InvalidArgumentError('It is not of the form WxH, e.g. 1920x1080.');
}
