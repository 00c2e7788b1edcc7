/**
 * Debian 13's Rust with the crates that clients/rust is over, as a folder that programs are started in (chroot): a host of another
 * release builds with the same compiler as everybody. Fetched once, into the folder where the guest is kept; packages are unpacked,
 * and their scripts not run.
 *
 * Owns: that folder.
 */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { privateApt } from '../vm/apt.js';
import { ended, spawnBound, withLock } from '../vm/children.js';
import {
  RUST_PACKAGES,
  RUST_PROGRAMS,
  RUST_UNNEEDED,
  requirePrograms,
  SUITE,
} from '../vm/packages.js';
import { cacheFolder } from '../vm/paths.js';
import { say } from '../vm/say.js';

/** crates.io is not asked: the crates are those of Debian's librust-… packages. */
const CONFIG = `[source.crates-io]
replace-with = "debian"
[source.debian]
directory = "/usr/share/cargo/registry"
[net]
offline = true
`;

/** Where cargo looks for its settings, in the root. */
export const CARGO_HOME = '/cargo';

/** The root's folder, made if it is missing: a minute, once. */
export async function rustRoot(): Promise<string> {
  const defining = JSON.stringify([SUITE, RUST_PACKAGES, RUST_UNNEEDED, CONFIG]);
  const key = createHash('sha256').update(defining).digest('hex').slice(0, 12);
  const folder = join(cacheFolder(), `rust-${key}`);
  if (existsSync(folder)) return folder;
  requirePrograms(RUST_PROGRAMS);
  mkdirSync(cacheFolder(), { recursive: true });
  const waiting = () => say('another process is fetching Rust; waiting for it');
  await withLock(join(cacheFolder(), 'rust.lock'), waiting, async () => {
    if (!existsSync(folder)) await make(folder);
  });
  return folder;
}

/** Called with the lock held. */
async function make(folder: string): Promise<void> {
  say(`fetching Debian ${SUITE}'s Rust into ${folder}: once, 210 MB, and 0.8 GB there`);
  const work = `${folder}.tmp`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work);
  try {
    const apt = [...privateApt(work, SUITE), 'apt-get', '--quiet=2'];
    await run(...apt, 'update');
    await run(...apt, 'install', '--yes', '--download-only', ...RUST_PACKAGES);
    const root = join(work, 'root');
    mkdirSync(root);
    const debs = join(work, 'cache/archives');
    for (const deb of readdirSync(debs).filter((name) => name.endsWith('.deb'))) {
      const tar = ['tar', '--extract', '--no-same-owner', `--directory=${root}`];
      const excludes = RUST_UNNEEDED.map((pattern) => `--exclude=.${pattern}`);
      const script = 'dpkg-deb --fsys-tarfile "$1" | { shift; exec "$@"; }';
      await run('sh', '-c', script, 'sh', join(debs, deb), ...tar, ...excludes);
    }
    // What the alternatives of its package would be.
    symlinkSync('gcc', join(root, 'usr/bin/cc'));
    mkdirSync(join(root, CARGO_HOME));
    writeFileSync(join(root, CARGO_HOME, 'config.toml'), CONFIG);
    renameSync(root, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function run(...argv: string[]): Promise<void> {
  const { code } = await ended(spawnBound(argv, ['ignore', 2, 2], 'TERM'));
  if (code !== 0) throw new Error(`${argv.join(' ')}: status ${code}; its output is above`);
}
