/**
 * Which test files there are, and which of them a run takes. A file's name is its path under test/
 * without its ending: broker/tokens, native/dmabuf.guest. The last word tells that it needs the guest.
 */
import { readdirSync } from 'node:fs';
import {
  CONTIGUOUS,
  LAYERS,
  NIGHTLY,
  OWN_GUEST,
  SLOW,
  SMOKE,
  SMOKE_ONLY,
  sharesProcess,
} from './lists.js';

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

function whereOf(name: string): Where {
  if (SMOKE_ONLY.has(name)) return 'qemu';
  return name.endsWith('.guest') ? 'guest' : 'host';
}

/** Every compiled test file under the folder. */
export function allFiles(folder: string): TestFile[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(ENDING))
    .map((path) => path.slice(0, -ENDING.length))
    .sort()
    .map((name) => ({ name, where: whereOf(name) }));
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

/** Files that run one after the other in one process, or in one guest; many are alone. */
export type Group = readonly TestFile[];

/** What one guest does, seconds: a boot is as dear as a short file, and who does too much is the last. */
const GUEST_SECONDS = 40;

/**
 * The groups of a run, longest first, by what their files took the last time; one that is not known yet takes a
 * while, and a minute if it is one of the slow ones. What can share a process is dealt to two of them, so that two
 * lanes have work; what can share a guest, to as many as have work enough for one; the smoke run has one of QEMU's.
 */
export function groups(
  files: readonly TestFile[],
  seconds: ReadonlyMap<string, number>,
  lanes = 2,
): Group[] {
  const of = (file: TestFile) => {
    const unknown = SLOW.has(label(file)) ? 60 : sharesProcess(file.name) ? 1 : 10;
    return seconds.get(label(file)) ?? unknown;
  };
  const sum = (group: Group) => group.reduce((total, file) => total + of(file), 0);
  const longestFirst = [...files].sort((a, b) => of(b) - of(a));
  const deal = (those: (file: TestFile) => boolean, count: number): Group[] => {
    const dealt: TestFile[][] = Array.from({ length: count }, () => []);
    for (const file of longestFirst.filter(those))
      dealt.reduce((least, group) => (sum(group) < sum(least) ? group : least)).push(file);
    return dealt.filter(({ length }) => length > 0);
  };
  const inProcess = ({ name }: TestFile) => sharesProcess(name);
  const inGuest = ({ where, name }: TestFile) =>
    where === 'guest' && !OWN_GUEST.has(name) && !LAYERS.has(name) && !CONTIGUOUS.has(name);
  const guests = Math.ceil(sum(files.filter(inGuest)) / GUEST_SECONDS);
  const inQemu = ({ where }: TestFile) => where === 'qemu';
  const alone = files
    .filter((file) => !inProcess(file) && !inGuest(file) && !inQemu(file))
    .map((file) => [file]);
  return [
    ...alone,
    ...deal(inProcess, lanes),
    ...deal(inQemu, 1),
    ...deal(inGuest, Math.max(1, guests)),
  ].sort((a, b) => sum(b) - sum(a));
}
