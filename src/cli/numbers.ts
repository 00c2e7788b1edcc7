/** Numbers on the command line. */
import { Usage } from './failure.js';

/** For an option's value. */
export function number(value: string): number {
  const count = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(count)) throw new Usage(`${value} is not a whole number below 2^53`);
  return count;
}
