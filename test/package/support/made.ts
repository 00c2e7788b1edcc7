/**
 * What several files install is made once, by the first that asks, and again when anything that it is made of has
 * changed: a package takes two CPU seconds.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../../src/package-root.js';

/** A folder is newer, too, when a file of it is gone. */
const PARTS =
  'dist/.built bin clients docs packaging protocol scripts systemd package.json openapi.yaml *.md';

const SCRIPT = `
  out=build/made/$1
  mkdir -p "$out"
  exec 9>"$out.lock"
  flock 9
  if [ ! -e "$out/made" ] || [ -n "$(find ${PARTS} -newer "$out/made" -print -quit)" ]; then
    rm -rf "$out"
    mkdir -p "$out"
    bash scripts/build.sh >&2
    touch "$out/making"
    out=$out bash -ec "$2" >&2
    mv "$out/making" "$out/made"
  fi`;

/** The folder in which the shell's command has made it, as $out. */
export function made(name: string, command: string): string {
  const stdio: ['ignore', 'pipe', 'inherit'] = ['ignore', 'pipe', 'inherit'];
  execFileSync('bash', ['-ec', SCRIPT, '', name, command], {
    ...{ cwd: packageRoot, stdio, timeout: 240_000 },
  });
  return join(packageRoot, 'build/made', name);
}
