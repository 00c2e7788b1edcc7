/** The package as its users have it: packed, and installed from the registry into a folder of its own. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { temporaryFolder } from '../../support/folder.js';
import { made } from './made.js';

const QUIET = ['--no-audit', '--no-fund', '--loglevel=error'];
const npm = (cwd: string, ...args: string[]) =>
  execFileSync('npm', [...args, ...QUIET], { cwd, encoding: 'utf8', timeout: 240_000 });

export interface Packed {
  /** The tarball. */
  readonly file: string;
  /** Paths in it. */
  readonly paths: readonly string[];
}

/** What `npm pack` makes, with what it builds before. */
export function pack(): Packed {
  const folder = made('npm', 'npm pack --json --silent --pack-destination "$out" >"$out/said"');
  const said = readFileSync(join(folder, 'said'), 'utf8');
  const [{ filename, files }] = JSON.parse(said.slice(said.indexOf('['))) as [
    { filename: string; files: { path: string }[] },
  ];
  return { file: join(folder, filename), paths: files.map(({ path }) => path) };
}

/** As docs/install.md has it installed from source. */
export const FOR_THE_MACHINE = 'npm install --global --prefix /usr ./dmabroker-*.tgz';

/** The prefix into which that has been done once, for all. */
export function installedForAll(): string {
  const { file } = pack();
  const command = FOR_THE_MACHINE.replace('/usr', '"$out/usr"').replace(/\S+$/, `"${file}"`);
  return join(made('global', [command, '--prefer-offline', ...QUIET].join(' ')), 'usr');
}

/** A folder whose node_modules has what is in the package alone, without what it depends on. */
export function unpack(t: Test, { file }: Packed): string {
  const folder = temporaryFolder(t);
  const own = join(folder, 'node_modules/dmabroker');
  mkdirSync(own, { recursive: true });
  execFileSync('tar', ['-xzf', file, '-C', own, '--strip-components=1']);
  return folder;
}

/** A folder whose node_modules has the package; nothing is compiled, and every `engines` must hold. */
export function install(t: Test, { file }: Packed): string {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  npm(folder, 'install', '--engine-strict', '--ignore-scripts', '--prefer-offline', file);
  return folder;
}
