/**
 * The commands' words (those of openapi.yaml) and the TypeScript library's: field names, modifiers as text,
 * one source.
 */
import type { ImageRequest, LinearRequest } from '../../src/client/index.js';
import type { Json } from '../pattern.js';

export type Fields = { readonly [name: string]: Json };

const camelCase = (name: string): string =>
  name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
const snakeCase = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const renamed = (value: unknown, rename: (name: string) => string): unknown => {
  if (typeof value === 'bigint') return `0x${value.toString(16).padStart(16, '0')}`;
  if (Array.isArray(value)) return value.map((each) => renamed(each, rename));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [rename(name), renamed(each, rename)]),
  );
};

/** What the library says, in the commands' words. */
export const told = (value: object): Json => renamed(value, snakeCase) as Json;

/** What a command says, in the library's field names. */
export const argument = (value: Fields): Record<string, unknown> =>
  renamed(value, camelCase) as Record<string, unknown>;

/** A request in the words of CreateBuffer. */
export function requestOf(words: Fields): LinearRequest | ImageRequest {
  const { sources, modifiers, modifier, lifetime, ...rest } = words;
  const request = argument(rest);
  if (Array.isArray(sources)) request.source = sources[0];
  if (Array.isArray(modifiers)) request.modifiers = modifiers.map((each) => BigInt(String(each)));
  if (modifier !== undefined) request.modifier = BigInt(String(modifier));
  if (lifetime !== undefined) {
    const { type, seconds } = lifetime as { type: string; seconds?: number };
    request.lifetime = type === 'lease' ? { lease: seconds } : type;
  }
  return request as unknown as LinearRequest;
}
