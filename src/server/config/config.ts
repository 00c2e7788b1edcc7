/**
 * The daemon's configuration: what the command line says, else the TOML file, else what holds otherwise,
 * each setting as the table of settings has it.
 */
import { readFileSync } from 'node:fs';
import type { Clock, Monotonic } from '../../memory/clock.js';
import { messageOf } from '../../memory/errors.js';
import { loadAjv } from './ajv.js';
import { ConfigError } from './config-error.js';
import { parseConfig, type SectionName, saysSomething, type Tables } from './file.js';
import { type Machine, type Names, thisMachine } from './machine.js';
import { type AnySection, type Camel, camel, type SectionValues } from './setting.js';
import { SECTIONS } from './settings.js';
import { lineOf } from './toml-lines.js';

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
  /** With which it was read: all names of the file are known to them. */
  readonly names: Names;
  readonly readAt: Monotonic;
}

/** Rejects with ConfigError. */
export async function loadConfig(
  path: string | null,
  commandLine: Tables,
  clock: Clock,
  machine = thisMachine(),
): Promise<Loaded> {
  const text = path === null ? '' : readText(path);
  if (saysSomething(text)) await loadAjv();
  const tables = parseConfig(text, path ?? '');
  const place: Place = (keys) => `${path ?? ''}:${lineOf(text, keys)}`;
  const config = configOf([tables, commandLine], machine, place);
  return {
    config,
    file: { path, text, tables },
    commandLine,
    names: machine.names,
    readAt: clock.now(),
  };
}

/** One that is named must be there: it may forbid what is allowed without it. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const advice = 'without settings it may be empty';
    throw new ConfigError(`${path} cannot be read (${messageOf(error)}): ${advice}`);
  }
}

/** Where something is said, for messages. */
type Place = (keys: readonly string[]) => string;

/** What comes later in the list goes before. */
export function configOf(
  said: readonly Tables[],
  machine: Machine,
  place: Place = () => '',
): Config {
  const values = Object.entries<AnySection>(SECTIONS).map(([name, section]) => {
    const table = Object.assign({}, ...said.map((tables) => at(tables, name.split('.'))));
    return [camel(name), valuesOf(name, section, table, machine, place)];
  });
  return Object.fromEntries(values) as Config;
}

function valuesOf(
  name: string,
  { settings, read }: AnySection,
  said: Readonly<Record<string, unknown>>,
  machine: Machine,
  place: Place,
): object {
  const values: Record<string, unknown> = {};
  let at: string | null = null;
  try {
    for (const [key, setting] of Object.entries(settings)) {
      if (!('read' in setting)) continue;
      at = `${name}.${key}`;
      const written = said[key] ?? setting.otherwise.of(machine);
      values[camel(key)] = written === null ? null : setting.read(written, machine);
    }
    at = null;
    return { ...values, ...read(said, machine) };
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const message = at === null ? messageOf(error) : `${at} ${messageOf(error)}`;
    // What a section reads names its setting itself.
    const [named = name] = /^[\w.-]*[\w-]/.exec(message) ?? [];
    throw new ConfigError(`${place(named.split('.'))}: ${message}`);
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
