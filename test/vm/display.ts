// Why: no driver of a display that a guest has lets programs map memory that they have imported (neither vkms nor those that QEMU
// has devices for: virtio-gpu, bochs, cirrus, qxl), which Mesa's software rendering takes. guest/mapping-display is a module
// that has vkms allow it. It is no part of the kernel that every guest boots, but built on demand, for the kernel that there is,
// and kept beside it.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { withLock } from './children.js';
import { type FastKernel, fetchSource, runScript, SOURCE } from './kernel.js';
import { KERNEL_SUITES } from './packages.js';
import { cacheFolder, guestScript } from './paths.js';
import { say } from './say.js';

const MODULE = 'mapping-display';

/** The module's file, built if it is missing: a minute of one CPU, once. Throws with what is missing. */
export async function ensureDisplay(kernel: FastKernel): Promise<string> {
  const parts = [`${MODULE}/mapping_display.c`, 'build-display.sh'];
  const hash = createHash('sha256').update(basename(kernel.folder)).update(builtFrom(kernel));
  for (const part of parts) hash.update(readFileSync(guestScript(part)));
  const module = join(cacheFolder(), `display-${hash.digest('hex').slice(0, 12)}.ko`);
  if (existsSync(module)) return module;
  const waiting = () => say('another process is building the mapping display; waiting for it');
  await withLock(join(cacheFolder(), 'display.lock'), waiting, async () => {
    if (!existsSync(module)) await build(module, kernel);
  });
  return module;
}

/** Debian's package and its version, of which the kernel is. */
function builtFrom(kernel: FastKernel): string {
  return JSON.parse(readFileSync(join(kernel.folder, 'build.json'), 'utf8')).source;
}

/** Called with the lock held. */
async function build(module: string, kernel: FastKernel): Promise<void> {
  say('building the mapping display for the fast kernel: once, a minute, 2 GB');
  const work = `${module}.tmp`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work);
  try {
    const made = join(work, 'made.ko');
    const [version = ''] = readdirSync(kernel.modules);
    await runScript('the mapping display could not be built', [
      ...['nice', 'sh', guestScript('build-display.sh'), await source(kernel, work)],
      ...[guestScript('uml.config'), guestScript(MODULE), join(work, 'build'), made, version],
    ]);
    renameSync(made, module);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The kernel's own source: kept since it was built, or what Debian still has of that version. */
async function source(kernel: FastKernel, work: string): Promise<string> {
  const kept = join(kernel.folder, SOURCE);
  if (existsSync(kept)) return kept;
  const wanted = builtFrom(kernel);
  for (const suite of KERNEL_SUITES) {
    try {
      return await fetchSource(suite, join(work, suite), wanted);
    } catch (error) {
      if (suite !== KERNEL_SUITES.at(-1)) continue;
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(
        `Debian has ${wanted} no more, of which the fast kernel is: remove ${kernel.folder}, ` +
          `and the next run builds a newer one, with its source. ${reason}`,
      );
    }
  }
  throw new Error('there is no suite');
}
