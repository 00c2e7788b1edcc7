/** A configuration that cannot be used, with a sentence for the administrator. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}
