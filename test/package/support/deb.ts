/** The Debian package, as `npm run package:deb` makes it, and a second version of it. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { packageRoot, packageVersion } from '../../../src/package-root.js';
import { made } from './made.js';

const run = (program: string, ...args: string[]) =>
  execFileSync(program, args, { cwd: packageRoot, encoding: 'utf8', timeout: 240_000 });

/** Makes it at this path. */
export function packageDeb(path: string): void {
  renameSync(run('bash', 'scripts/package-deb.sh', dirname(path)).trim(), path);
}

/** Makes those of what is in C in a folder; their names and paths, in the order in which they are installed. */
export function packageClients(folder: string): ReadonlyMap<string, string> {
  const paths = run('bash', 'scripts/package-clients.sh', folder).trim().split('\n');
  return new Map(paths.map((path) => [basename(path).split('_')[0] ?? '', path]));
}

/** Puts one there that was made for all. */
export function sharedDeb(path: string): void {
  const folder = made('deb', 'mv "$(bash scripts/package-deb.sh "$out")" "$out/dmabroker.deb"');
  copyFileSync(join(folder, 'dmabroker.deb'), path);
}

/** The same package as another version. */
export function nextVersion(deb: string, path: string, version: string): void {
  const folder = `${path}.d`;
  run('dpkg-deb', '--raw-extract', deb, folder);
  for (const file of ['DEBIAN/control', 'usr/lib/dmabroker/package.json']) {
    const text = readFileSync(join(folder, file), 'utf8');
    const own = new RegExp(`(^Version: |"version": ")${packageVersion()}`, 'm');
    writeFileSync(join(folder, file), text.replace(own, `$1${version}`));
  }
  run('dpkg-deb', '--root-owner-group', '-Znone', '--build', folder, path);
}
