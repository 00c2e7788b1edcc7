/**
 * What changes while the daemon runs, by the marks in the table of settings: who reloads must have a
 * function for each, or does not compile.
 */
import type { Config } from './config.js';
import type { SectionName } from './file.js';
import { type AnySection, type Camel, camel } from './setting.js';
import { SECTIONS } from './settings.js';

type Sections = typeof SECTIONS;

/** `pool`, which is taken over as a whole, or `rest.tcp.tokens_file`, alone. */
type LiveOf<N extends SectionName> = Sections[N]['live'] extends true
  ? N
  : {
      [K in keyof Sections[N]['settings'] & string]: Sections[N]['settings'][K] extends {
        live: true;
      }
        ? `${N}.${K}`
        : never;
    }[keyof Sections[N]['settings'] & string];

/** For each of them, what takes its section over. */
export type TakeOver = {
  readonly [N in SectionName as LiveOf<N>]: (now: Config[Camel<N>]) => unknown;
};

/** The names in the file. */
const LIVE: readonly { readonly name: string; readonly section: string }[] =
  Object.entries<AnySection>(SECTIONS).flatMap(([section, { live, settings }]) =>
    live
      ? [{ name: section, section }]
      : Object.entries(settings)
          .filter(([, setting]) => setting.live === true)
          .map(([key]) => ({ name: `${section}.${key}`, section })),
  );

/** Whether a reload changes the setting of this name. */
export function isLive(key: string): boolean {
  return LIVE.some(({ name }) => key === name || key.startsWith(`${name}.`));
}

export async function takeOver(config: Config, by: TakeOver): Promise<void> {
  for (const { name, section } of LIVE) {
    await Reflect.get(by, name)(Reflect.get(config, camel(section)));
  }
}
