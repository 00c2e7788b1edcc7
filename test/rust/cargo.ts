/**
 * cargo for clients/rust and the driver of conformance/, in the root of root.ts: the cache and the temporary folder are at their own
 * places there, and what was compiled is kept for the next time, in another clone, too. cargo goes by files' places and times, which a
 * clone has anew: so it has a copy of the sources in the cache, in which only what says something else is written.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { packageRoot } from '../../src/package-root.js';
import { ended, spawnBound, withLock } from '../vm/children.js';
import { systemPath } from '../vm/packages.js';
import { cacheFolder } from '../vm/paths.js';
import { say } from '../vm/say.js';
import { CARGO_HOME, rustRoot } from './root.js';

/** What is compiled, in the checkout and in the copy: cargo's own beside it stays. */
const SOURCES = ['clients/rust', 'conformance/drivers/rust'];
const OWN = new Set(['build', 'target', 'Cargo.lock']);
const target = () => join(cacheFolder(), 'rust-target');
const copied = () => join(cacheFolder(), 'rust-source');

/** Makes the copy of a file or a folder what that is, links followed, and touches nothing that is so already. */
export function mirror(from: string, to: string): void {
  if (!statSync(from).isDirectory()) {
    const text = readFileSync(from);
    if (!existsSync(to) || !readFileSync(to).equals(text)) writeFileSync(to, text);
    return;
  }
  mkdirSync(to, { recursive: true });
  const names = readdirSync(from).filter((name) => !OWN.has(name));
  for (const name of readdirSync(to)) {
    if (!names.includes(name) && !OWN.has(name)) rmSync(join(to, name), { recursive: true });
  }
  for (const name of names) mirror(join(from, name), join(to, name));
}

/** What is built, and where it lies in the checkout. */
const PROGRAMS = {
  'conformance-driver': 'conformance/drivers/rust/build/driver',
  'examples/moving': 'clients/rust/build/moving',
} as const;
export const MOVING = join(packageRoot, PROGRAMS['examples/moving']);

/**
 * $1 is the root, the words up to `--` are folders that are in it at their own places, the others a program and its arguments.
 * It replaces itself by that program.
 */
const ENTER = `root=$1; shift
for each in /dev /proc; do mount --rbind $each "$root$each"; done
while [ "$1" != -- ]; do mkdir -p "$root$1"; mount --rbind "$1" "$root$1"; shift; done
shift; chroot=$(command -v chroot); PATH=/usr/bin:/bin; export PATH; exec "$chroot" "$root" "$@"`;

export interface Said {
  readonly status: number | null;
  readonly said: string;
}

/** What another clone compiles meanwhile lies at the same place. */
async function alone<T>(body: () => Promise<T>): Promise<T> {
  mkdirSync(cacheFolder(), { recursive: true });
  const waiting = () => say('another process compiles in Rust; waiting for it');
  return withLock(join(cacheFolder(), 'rust-target.lock'), waiting, body);
}

/** Runs cargo with the words before `--`, about the crate and the driver; `env` is beside what it needs itself. */
export function cargo(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Said> {
  return alone(() => runCargo(words, env));
}

/** Called with the lock held. */
async function runCargo(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Said> {
  const root = await rustRoot();
  mkdirSync(target(), { recursive: true });
  for (const each of SOURCES) mirror(join(packageRoot, each), join(copied(), each));
  const at = words.indexOf('--');
  const own = at < 0 ? words : words.slice(0, at);
  const rest = at < 0 ? [] : words.slice(at);
  const settings = {
    HOME: CARGO_HOME,
    CARGO_HOME,
    CARGO_TARGET_DIR: target(),
    CARGO_PROFILE_DEV_DEBUG: 'false',
    ...env,
  };
  const argv = [
    ...['env', '-i', `PATH=${systemPath()}`],
    ...Object.entries(settings).map(([name, value]) => `${name}=${value}`),
    ...['unshare', '--mount', ...(process.getuid?.() === 0 ? [] : ['--map-root-user'])],
    ...['sh', '-ec', ENTER, 'sh', root, copied(), target(), tmpdir(), '--'],
    ...['cargo', ...own, '--manifest-path', join(copied(), 'clients/rust/Cargo.toml'), ...rest],
  ];
  const child = spawnBound(argv, ['ignore', 'pipe', 'pipe'], 'TERM');
  const all = [child.stdout, child.stderr].map((stream) => (stream === null ? '' : text(stream)));
  const { code } = await ended(child);
  return { status: code, said: (await Promise.all(all)).join('') };
}

/** Builds what others run, and puts it into the checkout. */
export async function build(): Promise<void> {
  await alone(async () => {
    const { status, said } = await runCargo(['build', '--workspace', '--bins', '--examples']);
    if (status !== 0) throw new Error(said);
    for (const [built, place] of Object.entries(PROGRAMS)) {
      const path = join(packageRoot, place);
      mkdirSync(dirname(path), { recursive: true });
      // One that runs may not be written to.
      const beside = join(dirname(path), `.${basename(path)}.${process.pid}`);
      copyFileSync(join(target(), 'debug', built), beside);
      renameSync(beside, path);
    }
  });
}
