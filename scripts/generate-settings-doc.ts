/**
 * Writes docs/settings.md and docs/man/dmabroker.toml.5 (man(7)) from the table of settings. `--check` writes
 * nothing and fails where a committed file is not up to date.
 *
 * Run after a build, in the repository's root: `node dist/scripts/generate-settings-doc.js [--check]`.
 */
import type { AnySection, AnySetting } from '../src/server/config/setting.js';
import { SECTIONS } from '../src/server/config/settings.js';
import { generated } from './generated.js';
import { argument, escaped, heading, item } from './roff.js';

const SOURCE = 'src/server/config/settings.ts';
const from = `${SOURCE} by scripts/generate-settings-doc.ts`;
const sections = Object.entries<AnySection>(SECTIONS);
const settingsOf = ({ settings }: AnySection) => Object.entries(settings);

const takesEffect = (section: AnySection, setting: AnySetting) =>
  section.live || setting.live ? 'reload' : 'restart';

/** What is to be known of a section as a whole. */
const about = ({ about, together }: AnySection) =>
  together ? `${about} All of it is said, or nothing.` : about;

generated(
  'docs/settings.md',
  `<!-- Generated from ${from}: do not edit. -->

# Settings

What the configuration file may say (\`dmabrokerd --config FILE\`, [TOML](https://toml.io)); \`dmabroker.toml(5)\` says the
same. Unknown keys and wrong values are refused with their line. Some settings are options of the command line, too,
which come before the file: \`dmabrokerd --help\`. \`dmabrokerctl config\` shows what is in force and where it comes from.
A change takes effect at a \`reload\` (\`SIGHUP\`), or at a \`restart\`.
${sections.map(sectionText).join('')}`,
  SOURCE,
);

function sectionText([name, section]: [string, AnySection]): string {
  const more =
    section.see === undefined ? '' : ` More: [${section.see.split('#')[0]}](${section.see}).`;
  const rows = settingsOf(section).map(
    ([key, setting]) =>
      `| \`${key}\` | ${setting.about} | ${setting.words} | ${setting.otherwise.words} | ${takesEffect(section, setting)} |`,
  );
  return `
## [${name}]

${about(section)}${more}

| setting | meaning | what may be written | by default | at a |
|---|---|---|---|---|
${rows.join('\n')}
`;
}

generated(
  'docs/man/dmabroker.toml.5',
  `${heading('dmabroker.toml', 5, 'File Formats', from)}.SH NAME
dmabroker.toml \\- configuration of dmabrokerd
.SH SYNOPSIS
.B dmabrokerd \\-\\-config
.I file
.SH DESCRIPTION
The file is TOML. Unknown keys and wrong values are refused with their line. Options of the command line come
before it. Settings that are marked so are taken over at a reload (SIGHUP), the others at the next start.
.B dmabrokerctl config
shows what is in force and where it comes from.
${sections.map(sectionPage).join('')}.SH EXAMPLES
.nf
[clients]
group = "dmabroker"

[quotas.default_user]
bytes = "2G"
.fi
.SH SEE ALSO
.BR dmabrokerd (8),
.BR dmabrokerctl (1)
`,
  SOURCE,
);

function sectionPage([name, section]: [string, AnySection]): string {
  const items = settingsOf(section).map(([key, setting]) => {
    const reload = takesEffect(section, setting) === 'reload' ? ' Taken over at a reload.' : '';
    const { about, words, otherwise } = setting;
    return item(
      `.B ${key}`,
      `${about} Written: ${words}. By default: ${otherwise.words}.${reload}`,
    );
  });
  return `.SH ${argument(`[${name}]`)}
${escaped(about(section))}
${items.join('')}`;
}
