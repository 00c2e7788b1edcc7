/** Numbers on the command line. */
import { Usage } from './failure.js';

/** For an option's value. */
export function number(value: string): number {
  const count = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(count)) throw new Usage(`${value} is not a whole number below 2^53`);
  return count;
}

/** Bytes: `16M`. */
export function size(value: string): number {
  const [, digits, unit] = /^(\d+)([KMG]?)$/.exec(value) ?? [];
  const count = Number(digits) * 1024 ** ['', 'K', 'M', 'G'].indexOf(unit ?? '');
  if (!Number.isSafeInteger(count)) throw new Usage(`${value} is not a size, e.g. 4096 or 16M`);
  return count;
}

/** `1920x1080` */
export function dimensions(value: string): { width: number; height: number } {
  const [, width, height] = /^(\d{1,10})x(\d{1,10})$/.exec(value) ?? [];
  if (width === undefined) throw new Usage(`${value} is not of the form WxH, e.g. 1920x1080`);
  return { width: Number(width), height: Number(height) };
}
