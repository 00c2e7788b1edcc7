/**
 * How text, sizes and times are put for people. Text from other processes (names, paths) never reaches the
 * terminal with its control characters.
 */
import { stripVTControlCharacters } from 'node:util';

/** Text without anything that a terminal would take for more than text. */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replace(
    // Control characters, and those that turn the direction of writing.
    /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}

/** Bytes for people, e.g. `7.9 MiB`. */
export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const power = Math.min(Math.floor(Math.log2(Math.max(count, 1)) / 10), units.length - 1);
  const value = count / 1024 ** power;
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${units[power]}`;
}

/** With how many they are exactly, e.g. `1.5 KiB (1536 bytes)`. */
export const exactBytes = (count: number): string =>
  count < 1024 ? bytes(count) : `${bytes(count)} (${count} bytes)`;

/** How long ago a moment is, e.g. `3 min`. */
export const age = (time: string, now: number = Date.now()): string =>
  span(Math.max(0, Math.round((now - Date.parse(time)) / 1000)));

export function span(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 120 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** https://no-color.org */
export function hasColours(): boolean {
  return process.stdout.isTTY === true && !process.env.NO_COLOR;
}
