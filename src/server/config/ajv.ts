/**
 * Ajv, which is loaded when something is first held against a schema: it is a good part of all that a daemon
 * would load at its start, and one whose configuration file says nothing has no use for it then.
 */
import type { Ajv2020, Options } from 'ajv/dist/2020.js';

/** By then who has waited for the daemon is served. */
const SOON_MS = 1000;

let loaded: typeof Ajv2020 | null = null;

/** Takes a file descriptor, once. */
export async function loadAjv(): Promise<void> {
  // The one name that Node and the bundle both give a CommonJS module.
  loaded ??= (await import('ajv/dist/2020.js')).default.Ajv2020;
}

/**
 * What `loadAjv` has loaded, with its options. The schemas are the daemon's own: to hold them against the schema of
 * schemas at each start would take longer than all the rest.
 */
export function createAjv(options: Options = {}): Ajv2020 {
  if (loaded === null) throw new Error('Ajv is not loaded');
  return new loaded({ ...options, meta: false, validateSchema: false });
}

/** Before the first request that needs it, which may come when there is no file descriptor left. */
export function loadAjvSoon(): void {
  setTimeout(() => loadAjv().catch(() => {}), SOON_MS).unref();
}
