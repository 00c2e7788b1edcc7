/**
 * Programs of a Debian package that a test runs itself and that nobody wants installed: installing it would
 * start a service. It is downloaded and unpacked, no script of it is run, and it needs no root.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { missingPrograms } from '../vm/packages.js';
import { cached, runQuietly } from './cached.js';

/** What is unpacked, and what of it must be found. They need no library but libc. */
const PACKAGES = { prometheus: ['prometheus', 'promtool'] } as const;

/** What to start each program by: those of the machine, where it has them, or Debian's. */
export async function debianPrograms<Name extends keyof typeof PACKAGES>(
  name: Name,
): Promise<(program: (typeof PACKAGES)[Name][number]) => string> {
  if (missingPrograms(PACKAGES[name]).length === 0) return (program) => program;
  const folder = await cached(name, release(), (folder) => unpack(name, folder));
  return (program) => join(folder, 'usr/bin', program);
}

/** One of a release has all that another of it has: `debian12`. */
function release(text = readFileSync('/etc/os-release', 'utf8')): string {
  const value = (key: string) => new RegExp(`^${key}="?([a-z0-9.]+)"?$`, 'm').exec(text)?.[1] ?? '';
  return `${value('ID')}${value('VERSION_ID')}`;
}

async function unpack(name: string, folder: string): Promise<void> {
  const options = ['-qq', '-o', 'DPkg::Lock::Timeout=300', '-o', 'APT::Sandbox::User=root'];
  const download = () =>
    runQuietly('sh', '-c', 'cd "$1"; shift; exec "$@"', 'sh', folder, ...apt('download', name));
  const apt = (...words: string[]) => ['apt-get', ...options, ...words];
  // Of a version that is in the lists and no longer on the mirror, or without lists.
  const mayUpdate = process.getuid?.() === 0;
  if (
    !(await download()) &&
    !(mayUpdate && (await runQuietly(...apt('update'))) && (await download()))
  )
    throw new Error(`${name} cannot be downloaded: as root, run apt-get update, or install it`);
  const file = readdirSync(folder).find((each) => each.endsWith('.deb')) ?? '';
  const unpacked = await runQuietly('dpkg-deb', '--extract', join(folder, file), folder);
  if (!unpacked) throw new Error(`${file} cannot be unpacked`);
  rmSync(join(folder, file));
}
