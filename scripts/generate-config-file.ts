/**
 * Writes packaging/dmabroker.toml from the table of settings: the file as it is installed, in which every setting is a
 * comment, so that it says nothing. What is a value by default stands behind the setting's name. `--check` writes
 * nothing and fails where the committed file is not up to date.
 *
 * Run after a build, in the repository's root: `node dist/scripts/generate-config-file.js [--check]`.
 */
import type { AnySection, AnySetting } from '../src/server/config/setting.js';
import { SECTIONS } from '../src/server/config/settings.js';
import { generated } from './generated.js';

const SOURCE = 'src/server/config/settings.ts';
const WIDTH = 100;

/** As a comment, in lines that a terminal shows whole. */
function comment(words: string): string {
  const lines = [''];
  for (const word of words.replaceAll('`', '').split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last.length + word.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines.map((line) => `# ${line}\n`).join('');
}

function settingText(section: AnySection, key: string, setting: AnySetting): string {
  const { about, words, otherwise } = setting;
  const live = section.live || setting.live ? ' (taken over at a reload)' : '';
  // A default that follows from the machine, or is none, has words.
  const [, value] = /^`([^`]*)`$/.exec(otherwise.words) ?? [];
  const usual = value === undefined ? ` By default: ${otherwise.words}.` : '';
  return `
${comment(`${about}${live}`)}${comment(`Written: ${words}.${usual}`)}#${key} =${value === undefined ? '' : ` ${value}`}
`;
}

function sectionText([name, section]: [string, AnySection]): string {
  const { about, together, settings } = section;
  const entries = Object.entries(settings);
  return `
${comment(`${about}${together ? ' All of it is said, or nothing.' : ''}`)}#[${name}]
${entries.map(([key, setting]) => settingText(section, key, setting)).join('')}`;
}

generated(
  'packaging/dmabroker.toml',
  `# The configuration of dmabrokerd. Every setting is here as a comment, with its default where that is a value:
# as it is the file changes nothing. A setting takes its table's name, in brackets, before
# it. dmabroker.toml(5) has the same; policy.md and quotas.md in /usr/share/doc/dmabroker have examples.
#
# After a change: dmabrokerd --check, then systemctl reload dmabrokerd, or restart where it takes that.
${Object.entries<AnySection>(SECTIONS).map(sectionText).join('')}`,
  SOURCE,
);
