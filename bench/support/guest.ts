/**
 * Runs benchmarks in one guest (test/vm), with the field's brokers in a layer that no test has: this program's
 * own main.ts there, whose figures come back over standard output.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { packageRoot } from '../../src/package-root.js';
import { putLayer } from '../../test/vm/layer.js';
import { prepareGuest, runOn } from '../../test/vm/vm.js';
import { FIELD_PACKAGES } from '../cases/field.js';
import { Skipped } from './bench.js';
import type { Results } from './results.js';

const TIMEOUT_SECONDS = 3600;
/** A user's share of it has room for two of the 1 GiB that bench/cases/beside.ts takes: one goes while the next comes. */
const MEMORY_MEGABYTES = 10_240;

export async function runInside(
  names: readonly string[],
  options: readonly string[],
): Promise<Results['runs']> {
  const host = await prepareGuest().catch((error: unknown) => {
    throw new Skipped(`there is no guest: ${error instanceof Error ? error.message : error}`);
  });
  // The guest takes these as they are; the field's it compiles with what is in the layer.
  await import('./compile.js');
  // It sees the checkout alone.
  mkdirSync(join(packageRoot, 'build'), { recursive: true });
  const folder = mkdtempSync(join(packageRoot, 'build/bench-guest-'));
  try {
    await putLayer(host.image, FIELD_PACKAGES, folder);
    const layer = relative(packageRoot, join(folder, 'layer.squashfs'));
    const script =
      'sh test/vm/guest/add-layer.sh "$1"; shift; CC=gcc exec node dist/bench/main.js "$@"';
    const { status, stdout } = await runOn(
      host,
      ['sh', '-c', script, 'sh', layer, '--inside', ...options, ...names],
      {
        timeoutSeconds: TIMEOUT_SECONDS,
        memoryMegabytes: MEMORY_MEGABYTES,
        stderr: process.stderr,
      },
    );
    if (status !== 0) throw new Error(`the guest's part ended with ${status}: ${stdout}`);
    return JSON.parse(stdout) as Results['runs'];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
