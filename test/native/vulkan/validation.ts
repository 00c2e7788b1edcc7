/**
 * The Khronos validation layer over a test file: any message fails the test. It is switched on from
 * outside, by the loader's environment, so that what is tested is what is released.
 *
 * Owns: a folder in the temporary directory with the layer's settings and log, gone at exit.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { writeLayerSettings } from '../../vm/validation-layer.js';

const MANIFESTS = ['/usr/share', '/usr/local/share', '/etc'].map(
  (folder) => `${folder}/vulkan/explicit_layer.d/VkLayer_khronos_validation.json`,
);

/** The guest's own mark: what is installed there is ours to decide, so nothing may be skipped. */
export const inGuest = existsSync('/run/dmabroker-vm');

export interface Validation {
  /** Why the layer is not on; false where it is. */
  readonly skip: string | false;
  /** What the layer has written until now; read it when the instance has been destroyed. */
  log(): string;
}

/** Switches the layer on for every VkInstance that this process makes from now on. */
export function enableValidation(): Validation {
  if (!MANIFESTS.some((path) => existsSync(path))) {
    return { skip: 'vulkan-validationlayers is not installed', log: () => '' };
  }
  const folder = mkdtempSync(join(tmpdir(), 'dmabroker-validation-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const { environment, log } = writeLayerSettings(folder);
  // vkCreateInstance reads these; assigning to process.env in the main thread is setenv(3).
  Object.assign(process.env, environment);
  return { skip: false, log: () => (existsSync(log) ? readFileSync(log, 'utf8') : '') };
}

/** The last subtest of a file that uses Vulkan: after every source is closed. */
export function expectNoValidationMessages(t: Test, validation: Validation): void {
  t.test(
    'the validation layer had nothing to say',
    {
      skip: !inGuest && validation.skip,
    },
    async (t) => {
      t.equal(validation.skip, false, 'the layer was on');
      t.equal(validation.log(), '');
    },
  );
}
