/**
 * What containers.test.ts and flatpak.test.ts share: the guest with the layer that has podman and Flatpak, the Debian package
 * and the client in C, a script in it, and the commands of docs/containers.md, each of which one of the two must have run.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Test } from 'tap';
import { packageRoot } from '../../src/package-root.js';
import { sharedDeb } from '../package/support/deb.js';
import { putLayer } from '../vm/layer.js';
import { CONTAINER_PACKAGES } from '../vm/packages.js';
import { prepareGuest, runOn } from '../vm/vm.js';

export interface Seen {
  /** The last of the script's `name=value` lines. */
  readonly values: Readonly<Record<string, string | undefined>>;
  /** The commands of the page that it has run. */
  readonly recipes: readonly string[];
}

export async function seeSandboxed(t: Test, script: string, ...args: string[]): Promise<Seen> {
  // The guest sees the checkout alone.
  mkdirSync(join(packageRoot, 'build'), { recursive: true });
  const folder = mkdtempSync(join(packageRoot, 'build/sandboxes-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  sharedDeb(join(folder, 'dmabroker.deb'));
  execFileSync('make', ['--silent', '-C', 'examples/c'], { cwd: packageRoot });
  const host = await prepareGuest();
  await putLayer(host.image, CONTAINER_PACKAGES, folder);
  const { status, stdout, stderr } = await runOn(
    host,
    ['sh', `test/systemd/${script}`, relative(packageRoot, folder), ...args],
    { systemd: true, timeoutSeconds: 600 },
  );
  t.equal(status, 0, stderr);
  const lines = stdout.split('\n').map((line): [string, string] => {
    const at = line.indexOf('=');
    return [line.slice(0, at), line.slice(at + 1)];
  });
  return {
    values: Object.fromEntries(lines),
    recipes: lines.flatMap(([name, value]) => (name === 'recipe' ? value : [])),
  };
}

/** The commands of docs/containers.md. */
export function commands(): string[] {
  return readFileSync(join(packageRoot, 'docs/containers.md'), 'utf8')
    .split('\n')
    .flatMap((line) => (line.startsWith('    ') ? line.slice(4).replace(/ {2,}#.*/, '') : []));
}
