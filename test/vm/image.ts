// Why: every guest boots the same Debian 13. This file builds it once (root, kernel, initramfs)
// into the cache, under a name that is a hash of all that defines it.
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { ended, spawnBound, withLock } from './children.js';
import { quoted } from './command.js';
import {
  BUILD_PROGRAMS,
  DPKG_PATHS,
  GUEST_PACKAGES,
  NODE_PACKAGE,
  requirePrograms,
  SUITE,
} from './packages.js';
import { cacheFolder, guestScript } from './paths.js';
import { say } from './say.js';

export interface GuestImage {
  folder: string;
  root: string;
  kernel: string;
  initramfs: string;
}

export const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const DEFAULT_MIRROR = 'http://deb.debian.org/debian';

/** The image's files, built if they are missing: minutes the first time, then nothing. */
export async function ensureImage(): Promise<GuestImage> {
  if (process.arch !== 'x64') throw new Error('The guest is amd64 and so must the host be.');
  const folder = join(cacheFolder(), `guest-${imageKey()}`);
  if (!existsSync(folder)) {
    requirePrograms(BUILD_PROGRAMS);
    mkdirSync(cacheFolder(), { recursive: true });
    const waiting = () => say('another process is building the guest; waiting for it');
    await withLock(join(cacheFolder(), 'build.lock'), waiting, async () => {
      if (!existsSync(folder)) await build(folder);
    });
  }
  return imageIn(folder);
}

function imageIn(folder: string): GuestImage {
  return {
    folder,
    root: join(folder, 'root.squashfs'),
    kernel: join(folder, 'vmlinux'),
    initramfs: join(folder, 'initrd.img'),
  };
}

function imageKey(): string {
  const scripts = ['finish-root.sh', 'initramfs-init.sh'].map((name) =>
    readFileSync(guestScript(name), 'utf8'),
  );
  const defining = JSON.stringify([SUITE, GUEST_PACKAGES, NODE_PACKAGE, DPKG_PATHS, scripts]);
  return createHash('sha256').update(defining).digest('hex').slice(0, 12);
}

/** Called with the build lock held. */
async function build(folder: string): Promise<void> {
  const started = Date.now();
  const temporary = `${folder}.tmp`;
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary);
  const image = imageIn(temporary);
  const mirror = debianMirror();
  say(`building the guest (Debian ${SUITE}, ${mirror}) in ${folder}: once, some minutes`);
  try {
    const node = await fetchNode(temporary);
    await bootstrap(mirror, node, image);
    rmSync(node);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    throw error;
  }
  const seconds = Math.round((Date.now() - started) / 1000);
  const megabytes = Math.round((statSync(image.root).blocks * 512) / 1e6);
  const facts = { mirror, suite: SUITE, built: new Date().toISOString(), seconds, megabytes };
  writeFileSync(join(temporary, 'build.json'), `${JSON.stringify(facts, null, 2)}\n`);
  renameSync(temporary, folder);
  say(`the guest is built: ${megabytes} MB in ${seconds} s`);
}

/** Has npm fetch (and verify) the package that Node's program is in; returns its file. */
async function fetchNode(folder: string): Promise<string> {
  const child = spawnBound(
    ['npm', 'pack', NODE_PACKAGE, '--silent', '--pack-destination', folder],
    ['ignore', 2, 2],
    'TERM',
  );
  const { code } = await ended(child);
  const packed = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  if (code !== 0 || packed === undefined) throw new Error(`npm could not fetch ${NODE_PACKAGE}`);
  return join(folder, packed);
}

async function bootstrap(mirror: string, node: string, image: GuestImage): Promise<void> {
  const finish = guestScript('finish-root.sh');
  const init = guestScript('initramfs-init.sh');
  const argv = [
    'mmdebstrap',
    `--mode=${process.getuid?.() === 0 ? 'root' : 'unshare'}`,
    '--variant=minbase',
    '--format=null',
    `--keyring=${KEYRING}`,
    '--aptopt=Acquire::Languages "none"',
    '--dpkgopt=force-unsafe-io',
    ...DPKG_PATHS.map((option) => `--dpkgopt=${option}`),
    `--include=${GUEST_PACKAGES.join(',')}`,
    `--customize-hook=upload ${quoted(node)} /node.tgz`,
    `--customize-hook=sh ${quoted(finish)} "$1" ${quoted(init)}`,
    ...[image.root, image.kernel, image.initramfs].map(
      (path) => `--customize-hook=download /guest/${basename(path)} ${quoted(path)}`,
    ),
    SUITE,
    '-',
    mirror,
  ];
  const child = spawnBound(argv, ['ignore', 2, 2], 'TERM');
  const { code } = await ended(child);
  if (code !== 0) throw new Error(`mmdebstrap ended with status ${code}; its output is above`);
}

/** The mirror that this machine itself uses, if it is a Debian machine that says so plainly. */
export function debianMirror(): string {
  const sources = ['/etc/apt/sources.list', ...listed('/etc/apt/sources.list.d')];
  for (const source of sources) {
    const text = existsSync(source) ? readFileSync(source, 'utf8') : '';
    const found = /^(?:URIs:|deb (?:\[[^\]]*\] )?)\s*(https?:\/\/\S+\/debian\/?)(?=\s|$)/m.exec(
      text,
    );
    if (found?.[1] !== undefined) return found[1];
  }
  return DEFAULT_MIRROR;
}

function listed(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
}
