/**
 * What the configuration file may say: TOML, held against a schema, which is made of the table of settings.
 * Unknown keys and wrong types are refused with the key and its line; nothing is guessed.
 */
import type { ErrorObject } from 'ajv';
import { parse, TomlError } from 'smol-toml';
import { createAjv } from './ajv.js';
import { ConfigError } from './config-error.js';
import type { AnySection, Said } from './setting.js';
import { SECTIONS } from './settings.js';
import { lineOf } from './toml-lines.js';

type Sections = typeof SECTIONS;
/** `rest`, `rest.tcp`, …, */
export type SectionName = keyof Sections;
type SaidOf<N extends SectionName> = Said<Sections[N]['settings']>;

/** What a configuration file, or the command line, may say. */
export type Tables = {
  [N in Exclude<SectionName, `${string}.${string}`>]?: SaidOf<N> & {
    [Below in SectionName as Below extends `${N}.${infer Name}` ? Name : never]?: SaidOf<Below>;
  };
};

/**
 * A section's own and, below it, those that are named after it; of what the file says, since a schema costs more to
 * make than to use.
 */
function schemaOf(name: string, section: AnySection, said: unknown): object {
  const own = Object.entries(section.settings).map(([key, { schema }]) => [key, schema] as const);
  return tableOf(
    [...own.filter(([key]) => isSaid(key, said)), ...sectionsBelow(`${name}.`, said)],
    section.together ? { required: Object.keys(section.settings) } : {},
  );
}

function sectionsBelow(start: string, said: unknown) {
  return Object.entries<AnySection>(SECTIONS)
    .map(([name, section]) => [name, name.slice(start.length), section] as const)
    .filter(([name, below]) => name.startsWith(start) && !below.includes('.'))
    .filter(([, below]) => isSaid(below, said))
    .map(([name, below, section]) => {
      const inner: unknown = (said as Record<string, unknown>)[below];
      return [below, schemaOf(name, section, inner)] as const;
    });
}

const isSaid = (key: string, said: unknown): boolean =>
  typeof said === 'object' && said !== null && Object.hasOwn(said, key);

const tableOf = (properties: (readonly [string, object])[], rules: object) => ({
  type: 'object',
  additionalProperties: false,
  ...rules,
  properties: Object.fromEntries(properties),
});

/** Whether a file's text is more than comments: then it takes Ajv (`loadAjv`) to parse it. */
export const saysSomething = (text: string): boolean => /^[^\S\n]*[^\s#]/m.test(text);

/** Parses a configuration file's text. Throws ConfigError with the line or the key. */
export function parseConfig(text: string, about: string): Tables {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw new ConfigError(
      `${about}:${error.line}:${error.column}: ${error.message.split('\n')[0]}`,
    );
  }
  if (!saysSomething(text)) return {};
  const ajv = createAjv({ allowUnionTypes: true, verbose: true });
  const validate = ajv.compile<Tables>(tableOf(sectionsBelow('', value), {}));
  if (!validate(value)) {
    const [error] = validate.errors ?? [];
    const extra: unknown = error?.params.additionalProperty;
    const path = (error?.instancePath ?? '').split('/').slice(1);
    const line = lineOf(text, typeof extra === 'string' ? [...path, extra] : path);
    throw new ConfigError(`${about}:${line}: ${sentence(error)}`);
  }
  return value;
}

function sentence(error: ErrorObject | undefined): string {
  const key = (error?.instancePath ?? '').slice(1).replaceAll('/', '.');
  const extra: unknown = error?.params.additionalProperty;
  if (typeof extra === 'string') return `unknown key ${key === '' ? extra : `${key}.${extra}`}`;
  // What may stand there, in words: a pattern tells people nothing.
  const words: unknown = error?.parentSchema?.description;
  if (error?.keyword === 'pattern' && typeof words === 'string') {
    return `${key} must be ${words.replaceAll('`', '')}, and is ${JSON.stringify(error.data)}`;
  }
  const allowed: unknown = error?.params.allowedValues;
  const list = Array.isArray(allowed) ? `: ${allowed.join(', ')}` : '';
  return `${key} ${error?.message ?? 'is wrong'}${list}`;
}
