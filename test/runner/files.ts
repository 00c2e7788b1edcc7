/**
 * Which test files there are, and which of them a run takes. A file's name is its path under test/
 * without its ending: broker/tokens, native/dmabuf.guest. The last word tells that it needs the guest.
 */
import { readdirSync } from 'node:fs';
import { NIGHTLY } from './lists.js';

export interface TestFile {
  readonly name: string;
  /** It needs real dma_bufs, and so runs in the guest. */
  readonly guest: boolean;
}

const ENDING = '.test.js';

/** Every compiled test file under the folder. */
export function allFiles(folder: string): TestFile[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(ENDING))
    .map((path) => path.slice(0, -ENDING.length))
    .sort()
    .map((name) => ({ name, guest: name.endsWith('.guest') }));
}

/**
 * Those that the words ask for: each file whose path has one of them in it, as it is written under
 * test/ or dist/test/. Without words: all, but for what belongs to the night.
 */
export function chosen(
  files: readonly TestFile[],
  words: readonly string[],
  nightly: boolean,
): TestFile[] {
  if (words.length === 0) return files.filter(({ name }) => nightly || !NIGHTLY.has(name));
  const wanted = words.map((word) =>
    word.replace(/^(\.\/)?(dist\/)?test\//, '').replace(/\.[tj]s$/, ''),
  );
  return files.filter(({ name }) => wanted.some((word) => `${name}.test`.includes(word)));
}

/** Longest first, by what they took the last time; one that is not known yet may be the longest. */
export function longestFirst(
  files: readonly TestFile[],
  seconds: ReadonlyMap<string, number>,
): TestFile[] {
  const of = ({ name, guest }: TestFile) => seconds.get(name) ?? (guest ? 60 : 10);
  return [...files].sort((a, b) => of(b) - of(a));
}
