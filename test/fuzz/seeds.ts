/**
 * Seeds: those that have found something (seeds.json, played first in every run), and those of a run, one
 * after the other, so that each can be played alone.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.js';
import { Fault } from './session.js';
import type { Tally } from './tally.js';

export const TARGETS = ['wire', 'daemon', 'rest'] as const;
export type TargetName = (typeof TARGETS)[number];

interface Kept {
  readonly seed: number;
  /** What it found. */
  readonly found: string;
}

export function keptSeeds(target: TargetName): number[] {
  const path = join(packageRoot, 'test/fuzz/seeds.json');
  const all = JSON.parse(readFileSync(path, 'utf8')) as Record<TargetName, Kept[]>;
  return all[target].map(({ seed }) => seed);
}

/** From `first` on, until so many messages were sent. */
export function* seedsUntil(first: number, messages: number, tally: Tally): Iterable<number> {
  const wanted = tally.messages + messages;
  for (let seed = first; tally.messages < wanted; seed++) yield seed;
}

/** Names the seed of what a round finds. */
export async function inRound(seed: number, round: () => Promise<void>): Promise<void> {
  try {
    await round();
  } catch (error) {
    const text = error instanceof Fault ? error.message : errorText(error);
    throw new Fault(`seed ${seed}: ${text}`, { cause: error });
  }
}

const errorText = (error: unknown) =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);
