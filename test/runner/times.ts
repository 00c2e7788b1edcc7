/**
 * How long each test file took the last time it passed here, so that the longest can start first. It
 * lies in the cache: a fresh clone knows it, too.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../vm/paths.js';

const FILE = 'test-times.json';

export function readTimes(): Map<string, number> {
  try {
    const entries = Object.entries(JSON.parse(readFileSync(join(cacheFolder(), FILE), 'utf8')));
    return new Map(
      entries.filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
    );
  } catch {
    return new Map();
  }
}

export function writeTimes(times: ReadonlyMap<string, number>): void {
  const path = join(cacheFolder(), FILE);
  try {
    mkdirSync(cacheFolder(), { recursive: true });
    writeFileSync(
      `${path}.${process.pid}`,
      `${JSON.stringify(Object.fromEntries(times), null, 1)}\n`,
    );
    renameSync(`${path}.${process.pid}`, path);
  } catch {
    // A cache that cannot be written: the order is a guess the next time, too.
  }
}
