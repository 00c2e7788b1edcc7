/**
 * What a guest has beside its image for one of its test files: a layer of Debian packages, a display that maps imported memory.
 * test/runner/lists.ts says which file has which. The runner puts it there for the test, `npm run vm -- --for` for people who
 * type what the test's page shows.
 *
 * Owns a folder of the checkout's, which is all that the guest sees; `remove` ends it.
 */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { LAYERS, MAPPING_DISPLAY } from '../runner/lists.js';
import { ensureDisplay } from './display.js';
import { putLayer } from './layer.js';
import type { Host } from './machine.js';

export interface Beside {
  /** The layer's file, for guest/add-layer.sh. */
  readonly layer: string | null;
  /** The module's file; null, too, where the kernel is Debian's, for which there is none. */
  readonly mappingDisplay: string | null;
  readonly remove: () => void;
}

/** Made where it is missing, which takes a while; all paths are as the guest has them. */
export async function putBeside(host: Host, file: string): Promise<Beside> {
  const packages = LAYERS.get(file);
  if (packages === undefined) return { layer: null, mappingDisplay: null, remove: () => {} };
  mkdirSync('build', { recursive: true });
  const folder = mkdtempSync('build/layer-');
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const layer = await putLayer(host.image, packages, folder);
    let mappingDisplay: string | null = null;
    if (host.kind === 'uml' && MAPPING_DISPLAY.has(file)) {
      mappingDisplay = join(folder, 'mapping_display.ko');
      copyFileSync(await ensureDisplay(host.kernel), mappingDisplay);
    }
    return { layer, mappingDisplay, remove };
  } catch (error) {
    remove();
    throw error;
  }
}
