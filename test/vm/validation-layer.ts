/**
 * Switching the Khronos validation layer on from outside, by the loader's environment, so that what
 * is tested is what is released. It writes its messages to a file.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface LayerSettings {
  /** For every process that is to be watched. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where the messages go; absent while there are none. */
  readonly log: string;
}

export function writeLayerSettings(folder: string): LayerSettings {
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
  const environment = {
    VK_INSTANCE_LAYERS: 'VK_LAYER_KHRONOS_validation',
    VK_LAYER_SETTINGS_PATH: settings,
  };
  return { environment, log };
}
