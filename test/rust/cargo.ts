/**
 * cargo for clients/rust and the driver of conformance/, in the root of root.ts: the checkout, the cache and the temporary folder are
 * at their own places there, and what was compiled is kept for the next time, in another clone, too.
 */
import { copyFileSync, mkdirSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { packageRoot } from '../../src/package-root.js';
import { ended, spawnBound, withLock } from '../vm/children.js';
import { systemPath } from '../vm/packages.js';
import { cacheFolder } from '../vm/paths.js';
import { say } from '../vm/say.js';
import { CARGO_HOME, rustRoot } from './root.js';

const MANIFEST = join(packageRoot, 'clients/rust/Cargo.toml');
const target = () => join(cacheFolder(), 'rust-target');

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

/** Runs cargo with the words before `--`, about the crate and the driver; `env` is beside what it needs itself. */
export async function cargo(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Said> {
  const root = await rustRoot();
  mkdirSync(target(), { recursive: true });
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
    ...['sh', '-ec', ENTER, 'sh', root, packageRoot, target(), tmpdir(), '--'],
    ...['cargo', ...own, '--manifest-path', MANIFEST, ...rest],
  ];
  const child = spawnBound(argv, ['ignore', 'pipe', 'pipe'], 'TERM');
  const all = [child.stdout, child.stderr].map((stream) => (stream === null ? '' : text(stream)));
  const { code } = await ended(child);
  return { status: code, said: (await Promise.all(all)).join('') };
}

/** Builds what others run, and puts it into the checkout. What another clone builds meanwhile lies at the same place. */
export async function build(): Promise<void> {
  mkdirSync(cacheFolder(), { recursive: true });
  const waiting = () => say('another process compiles in Rust; waiting for it');
  await withLock(join(cacheFolder(), 'rust-target.lock'), waiting, async () => {
    const { status, said } = await cargo(['build', '--workspace', '--bins', '--examples']);
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
