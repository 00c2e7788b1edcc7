/**
 * Which test files there are, and which of them a run takes. A file's name is its path under test/
 * without its ending: broker/tokens, native/dmabuf.guest. The last word tells that it needs the guest.
 */
import { readdirSync } from 'node:fs';
import { NIGHTLY, SMOKE } from './lists.js';

/** What it runs on: the guest where it needs real dma_bufs, Debian's own kernel in QEMU for a smoke run. */
export type Where = 'host' | 'guest' | 'qemu';

export interface TestFile {
  readonly name: string;
  readonly where: Where;
}

/** For people: which file, and where if that is not said by its name. */
export const label = ({ name, where }: TestFile): string =>
  where === 'qemu' ? `${name} (QEMU)` : name;

const ENDING = '.test.js';

/** Every compiled test file under the folder. */
export function allFiles(folder: string): TestFile[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(ENDING))
    .map((path) => path.slice(0, -ENDING.length))
    .sort()
    .map((name) => ({ name, where: name.endsWith('.guest') ? 'guest' : 'host' }));
}

/**
 * Those that the words ask for: each file whose path has one of them in it, as it is written under
 * test/ or dist/test/. Without words: all, but for what belongs to the night, and the smoke run.
 */
export function chosen(
  files: readonly TestFile[],
  words: readonly string[],
  nightly: boolean,
): TestFile[] {
  if (words.length === 0) {
    const smoke = files.filter(({ name }) => SMOKE.has(name));
    return [
      ...files.filter(({ name }) => nightly || !NIGHTLY.has(name)),
      ...smoke.map(({ name }) => ({ name, where: 'qemu' as const })),
    ];
  }
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
  const of = (file: TestFile) => seconds.get(label(file)) ?? (file.where === 'host' ? 10 : 60);
  return [...files].sort((a, b) => of(b) - of(a));
}
