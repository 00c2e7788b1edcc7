/**
 * Options whose values are words of openapi.yaml, and those that several commands share. Which words
 * there are is said there alone: this program refuses what the daemon would, and the shells complete it.
 */
import { InvalidArgumentError, Option } from 'commander';
import { Usage } from './failure.js';
import { dimensions, duration, number, size, user } from './numbers.js';

/** One of some words. */
export const oneOf = (flags: string, description: string, words: readonly string[]): Option =>
  new Option(flags, description).choices(words);

/** Some of them: the option may be repeated, and its value may have commas. */
export function someOf(flags: string, description: string, words: readonly string[]): Option {
  // Commander's own parser of choices knows neither.
  return oneOf(flags, description, words).argParser((value: string, before: string[] = []) => {
    const given = value.split(',');
    if (given.every((word) => words.includes(word))) return [...before, ...given];
    throw new InvalidArgumentError(`Allowed choices are ${words.join(', ')}.`);
  });
}

/** Values that are not known beforehand: the option may be repeated, and its value may have commas. */
export const several = (flags: string, description: string): Option =>
  new Option(flags, description).argParser((value: string, before: string[] = []) => [
    ...before,
    ...value.split(','),
  ]);

/** A DRM format; codes of fewer letters end in spaces (drm_fourcc.h). */
export const format = (description: string): Option =>
  new Option('--format <fourcc>', description).argParser((value: string) => value.padEnd(4));

/** How long a token is good, and for whom. */
export interface TokenTerms {
  readonly uses?: number;
  readonly seconds?: number;
  readonly uid?: number;
}

export const tokenOptions = (): Option[] => [
  new Option('--uses <n>', 'how often the token can be redeemed').argParser(number),
  new Option('--seconds <duration>', 'how long the token is good for, e.g. 1h').argParser(duration),
  new Option('--uid <user>', 'the only user who may redeem the token').argParser(user),
];

/** What memory is: linear, or an image. */
export interface MemoryOptions {
  readonly size?: number;
  readonly image?: { readonly width: number; readonly height: number };
  readonly format?: string;
}

/** `--size`, `--image` and `--format`. */
export const memoryOptions = (): Option[] => [
  new Option('--size <size>', 'linear memory, e.g. 4096, 16M or 1GiB')
    .argParser(size)
    .conflicts('image'),
  new Option('--image <WxH>', 'an image; also give --format').argParser(dimensions),
  format("the image's DRM format, e.g. XR24"),
];

/**
 * What those options ask for, as requests have it. `forImages`: further options that are for images
 * alone, with the values that were given. Throws Usage.
 */
export function memoryOf(
  { size, image, format }: MemoryOptions,
  forImages: Readonly<Record<string, unknown>>,
) {
  if (image !== undefined) {
    if (format === undefined) throw new Usage('--image needs --format, e.g. XR24');
    return { kind: 'image', ...image, format } as const;
  }
  if (size === undefined) throw new Usage('one of --size and --image must be given');
  const given = Object.entries({ '--format': format, ...forImages }).find(
    ([, value]) => value !== undefined,
  );
  if (given !== undefined) throw new Usage(`${given[0]} is for --image`);
  return { kind: 'buffer', size } as const;
}
