// Why: few tests need packages that are large and that nobody else needs (podman, Flatpak). They are no part
// of the image, which everybody builds, but a layer over its /usr: made on demand, kept beside the image, and
// mounted by guest/add-layer.sh. Packages are unpacked, and their scripts not run.
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { privateApt } from './apt.js';
import { ended, spawnBound, withLock } from './children.js';
import type { GuestImage } from './image.js';
import { DPKG_PATHS, LAYER_PROGRAMS, requirePrograms, SUITE } from './packages.js';
import { cacheFolder } from './paths.js';
import { say } from './say.js';

/** The layer with these packages over an image, as a file of its own in `folder`. */
export async function putLayer(
  image: GuestImage,
  packages: readonly string[],
  folder: string,
): Promise<string> {
  const layer = await ensureLayer(image, packages);
  const path = join(folder, 'layer.squashfs');
  try {
    linkSync(layer, path);
  } catch {
    copyFileSync(layer, path); // another file system, or one without links
  }
  return path;
}

async function ensureLayer(image: GuestImage, packages: readonly string[]): Promise<string> {
  const defining = JSON.stringify([basename(image.folder), packages, DPKG_PATHS]);
  const key = createHash('sha256').update(defining).digest('hex').slice(0, 12);
  const layer = join(cacheFolder(), `layer-${key}.squashfs`);
  if (existsSync(layer)) return layer;
  requirePrograms(LAYER_PROGRAMS);
  const waiting = () => say('another process is building this layer; waiting for it');
  await withLock(join(cacheFolder(), 'layer.lock'), waiting, async () => {
    if (!existsSync(layer)) await build(layer, image, packages);
  });
  return layer;
}

/** How often it is said how far it is. */
const PROGRESS_MS = 4000;

/** Says how far it is, of how much, until it is stopped. */
function progress(what: string, all: number, now: () => number): () => void {
  const timer = setInterval(() => say(`${what}: ${now()} of ${all}`), PROGRESS_MS);
  return () => clearInterval(timer);
}

/** Called with the lock held. */
async function build(layer: string, image: GuestImage, packages: readonly string[]): Promise<void> {
  say(`fetching ${packages.join(', ')} for the guest, with what they depend on: once`);
  const started = performance.now();
  const work = `${layer}.tmp`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work);
  try {
    await fetchPackages(work, image, packages);
    const root = join(work, 'root');
    mkdirSync(root);
    const debs = join(work, 'cache/archives');
    const names = readdirSync(debs).filter((name) => name.endsWith('.deb'));
    let unpacked = 0;
    const stop = progress('packages unpacked', names.length, () => unpacked);
    try {
      for (const deb of names) {
        await unpack(join(debs, deb), root);
        unpacked++;
      }
    } finally {
      stop();
    }
    const made = join(work, 'layer.squashfs');
    // As the image: not compressed. Everything is root's, whoever builds it.
    await run(
      ...['mksquashfs', root, made, '-noI', '-noD', '-noF', '-noX', '-all-root'],
      ...['-no-progress', '-quiet'],
    );
    renameSync(made, layer);
    const seconds = Math.round((performance.now() - started) / 1000);
    say(`it is there: ${Math.round(statSync(layer).size / 1e6)} MB in ${seconds} s`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Has apt find out what the image lacks, and fetch it. */
async function fetchPackages(
  work: string,
  image: GuestImage,
  packages: readonly string[],
): Promise<void> {
  const status = 'var/lib/dpkg/status';
  await run(
    'unsquashfs',
    '-quiet',
    '-no-progress',
    '-dest',
    join(work, 'image'),
    image.root,
    status,
  );
  const apt = [...privateApt(work, SUITE, join(work, 'image', status)), 'apt-get', '--quiet=2'];
  await run(...apt, 'update');
  const install = [...apt, 'install', '--yes', '--download-only'];
  const child = spawnBound(
    [...install, '--print-uris', ...packages],
    ['ignore', 'pipe', 2],
    'TERM',
  );
  const [listed, { code }] = await Promise.all([
    child.stdout ? text(child.stdout) : '',
    ended(child),
  ]);
  if (code !== 0) throw new Error(`apt-get does not know ${packages.join(', ')}; see above`);
  // 'URI' file size hash
  const sizes = [...listed.matchAll(/^'\S+' \S+ (\d+) /gm)].map(([, size]) => Number(size));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  say(`${sizes.length} packages, ${Math.round(bytes / 1e6)} MB`);
  const stop = progress('MB fetched', Math.round(bytes / 1e6), () => megabytesIn(work));
  try {
    await run(...install, ...packages);
  } finally {
    stop();
  }
}

/** What apt has fetched until now. */
function megabytesIn(work: string): number {
  const folders = ['cache/archives', 'cache/archives/partial'].map((name) => join(work, name));
  const files = folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
  const sizes = files.map((file) => statSync(file, { throwIfNoEntry: false }));
  const bytes = sizes.reduce((sum, found) => sum + (found?.isFile() ? found.size : 0), 0);
  return Math.round(bytes / 1e6);
}

/** Without what the image leaves out, too. */
async function unpack(deb: string, root: string): Promise<void> {
  const left = DPKG_PATHS.flatMap((option) => /^path-exclude=\/(.+)/.exec(option)?.[1] ?? []);
  const excludes = left.map((pattern) => `--exclude=./${pattern}`);
  const script = 'dpkg-deb --fsys-tarfile "$1" >"$1.tar" && shift && exec "$@"';
  const tar = ['tar', '--extract', `--file=${deb}.tar`, '--preserve-permissions', ...excludes];
  await run('sh', '-c', script, 'sh', deb, ...tar, '--no-same-owner', `--directory=${root}`);
  rmSync(`${deb}.tar`);
}

async function run(...argv: string[]): Promise<void> {
  const { code } = await ended(spawnBound(argv, ['ignore', 2, 2], 'TERM'));
  if (code !== 0) throw new Error(`${argv.join(' ')}: status ${code}; its output is above`);
}
