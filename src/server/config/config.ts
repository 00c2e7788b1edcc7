/**
 * The daemon's configuration: what the command line says, else the TOML file, else what holds otherwise,
 * each setting as the table of settings has it.
 */
import { readFileSync } from 'node:fs';
import type { Clock, Monotonic } from '../../memory/clock.js';
import { messageOf } from '../../memory/errors.js';
import { ConfigError } from './config-error.js';
import { parseConfig, type SectionName, type Tables } from './file.js';
import { type Machine, thisMachine } from './machine.js';
import { type AnySection, type Camel, camel, type SectionValues } from './setting.js';
import { SECTIONS } from './settings.js';

/** By section and setting, in camel case: `accounting.trusted_bytes` is `accounting.trustedBytes`. */
export type Config = {
  readonly [N in SectionName as Camel<N>]: SectionValues<(typeof SECTIONS)[N]>;
};

/** A configuration file as it was read; without one (`path` null), what an empty one says. */
export interface ConfigFile {
  readonly path: string | null;
  readonly text: string;
  readonly tables: Tables;
}

/** A configuration and what it was made from. */
export interface Loaded {
  readonly config: Config;
  readonly file: ConfigFile;
  readonly commandLine: Tables;
  readonly readAt: Monotonic;
}

/** Throws ConfigError, or the error of a file that cannot be read. */
export function loadConfig(path: string | null, commandLine: Tables, clock: Clock): Loaded {
  const text = path === null ? '' : readFileSync(path, 'utf8');
  const tables = parseConfig(text, path ?? '');
  const config = configOf([tables, commandLine], thisMachine(), path ?? '');
  return { config, file: { path, text, tables }, commandLine, readAt: clock.now() };
}

/** What comes later in the list goes before. */
export function configOf(said: readonly Tables[], machine: Machine, about = ''): Config {
  const values = Object.entries<AnySection>(SECTIONS).map(([name, section]) => {
    const table = Object.assign({}, ...said.map((tables) => at(tables, name.split('.'))));
    return [camel(name), valuesOf(name, section, table, machine, about)];
  });
  return Object.fromEntries(values) as Config;
}

function valuesOf(
  name: string,
  { settings, read }: AnySection,
  said: Readonly<Record<string, unknown>>,
  machine: Machine,
  about: string,
): object {
  const values: Record<string, unknown> = {};
  let where = about;
  try {
    for (const [key, setting] of Object.entries(settings)) {
      if (!('read' in setting)) continue;
      where = `${about}: ${name}.${key}`;
      const written = said[key] ?? setting.otherwise.of(machine);
      values[camel(key)] = written === null ? null : setting.read(written, machine);
    }
    where = `${about}:`;
    return { ...values, ...read(said, machine) };
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(`${where} ${messageOf(error)}`);
  }
}

/** What is at a path of keys; undefined where nothing is. */
export function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (table, key) =>
      typeof table === 'object' && table !== null && Object.hasOwn(table, key)
        ? Reflect.get(table, key)
        : undefined,
    value,
  );
}
