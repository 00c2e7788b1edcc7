/**
 * The Khronos validation layer over a test file: any message fails the test. It is switched on from
 * outside, by the loader's environment, so that what is tested is what is released.
 *
 * Owns: a folder in the temporary directory with the layer's settings and log, gone at exit.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';

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
  const log = join(folder, 'log');
  const settings = join(folder, 'vk_layer_settings.txt');
  writeFileSync(
    settings,
    [
      'khronos_validation.debug_action = VK_DBG_LAYER_ACTION_LOG_MSG',
      `khronos_validation.log_filename = ${log}`,
      'khronos_validation.report_flags = error,warn,perf',
      // Otherwise the layer stays silent after the tenth message of a kind.
      'khronos_validation.enable_message_limit = false',
      // The one name is older layers', the other newer ones'.
      'khronos_validation.validate_sync = true',
      'khronos_validation.enables = VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT',
      '',
    ].join('\n'),
  );
  // vkCreateInstance reads these; assigning to process.env in the main thread is setenv(3).
  process.env.VK_INSTANCE_LAYERS = 'VK_LAYER_KHRONOS_validation';
  process.env.VK_LAYER_SETTINGS_PATH = settings;
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
