/** The man pages: what the command lines and the table of settings say of themselves, and what man(1) takes. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test as Tap } from 'tap';
import { definitionOf, withAllBelow } from '../../src/cli/definition.js';
import { EXIT_CODES } from '../../src/cli/failure.js';
import { dmabrokerctl } from '../../src/cli/program.js';
import { packageRoot } from '../../src/package-root.js';
import { dmabrokerd } from '../../src/server/config/command-line.js';
import type { AnySection } from '../../src/server/config/setting.js';
import { SECTIONS } from '../../src/server/config/settings.js';
import { dmabrokerUnixfd, EXIT_CODES as UNIXFD_EXITS } from '../../src/unixfd/program.js';
import { temporaryFolder } from '../support/folder.js';

const PAGES = {
  'dmabrokerctl.1': 'generate-man',
  'dmabroker-unixfd.1': 'generate-man',
  'dmabrokerd.8': 'generate-man',
  'dmabroker.toml.5': 'generate-settings-doc',
} as const;
type Page = keyof typeof PAGES;
const pages = Object.keys(PAGES) as Page[];
const has = (program: string, option: string) => spawnSync(program, [option]).status === 0;

t.test('a page that is not up to date is found', async (t) => {
  const folder = temporaryFolder(t);
  cpSync(join(packageRoot, 'docs'), join(folder, 'docs'), { recursive: true });
  const check = (script: string) =>
    spawnSync(process.execPath, [join(packageRoot, `dist/scripts/${script}.js`), '--check'], {
      cwd: folder,
      encoding: 'utf8',
    });
  const scripts = [...new Set(Object.values(PAGES))];
  for (const script of scripts) t.match(check(script), { status: 0, stderr: '' }, 'as they are');
  for (const page of pages) appendFileSync(join(folder, 'docs/man', page), '.PP\n');
  for (const script of scripts) {
    const { status, stderr } = check(script);
    t.equal(status, 1, 'a difference is found');
    for (const page of pages.filter((each) => PAGES[each] === script)) {
      t.match(stderr, new RegExp(`^docs/man/${page} is not what .*${script}\\.ts`, 'm'));
    }
  }
});

/** What man shows of a page, line by line. */
function shown(t: Tap, page: Page): string[] {
  const { status, stdout, stderr } = spawnSync(
    'man',
    ['--warnings', '-l', join(packageRoot, 'docs/man', page)],
    {
      encoding: 'utf8',
      // Lines that are not broken, without overstriking.
      env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8', MANWIDTH: '1000', MAN_KEEP_FORMATTING: '' },
    },
  );
  t.equal(status, 0);
  t.equal(stderr, '');
  return stdout.split('\n').map((line) => line.trim());
}

const skip =
  has('man', '--version') && has('groff', '--version') ? false : 'man or groff is missing';

t.test(
  'man finds nothing to warn of, and shows every command, option and exit code',
  { skip },
  async (t) => {
    const lines = shown(t, 'dmabrokerctl.1');
    const has = (start: string) => lines.some((line) => line.startsWith(start));
    const program = definitionOf(dmabrokerctl());
    for (const { path, commands, options } of withAllBelow(program)) {
      if (commands.length === 0) t.ok(has(path.join(' ')), path.join(' '));
      for (const { flags } of options) t.ok(has(flags.join(', ')), flags.join(', '));
    }
    for (const [code, meaning] of EXIT_CODES) {
      t.ok(
        lines.some((line) => line.startsWith(String(code)) && line.endsWith(meaning)),
        meaning,
      );
    }
  },
);

t.test('man shows every option of dmabroker-unixfd, and its exit codes', { skip }, async (t) => {
  const lines = shown(t, 'dmabroker-unixfd.1');
  const has = (start: string) => lines.some((line) => line.startsWith(start));
  for (const { path, options } of withAllBelow(definitionOf(dmabrokerUnixfd('0')))) {
    t.ok(has(path.join(' ')), path.join(' '));
    if (path.length === 0) continue;
    for (const { flags } of options) {
      t.ok(has(flags.join(', ')), flags.join(', '));
    }
  }
  for (const [code, meaning] of UNIXFD_EXITS) {
    t.ok(
      lines.some((line) => line.startsWith(String(code)) && line.endsWith(meaning)),
      meaning,
    );
  }
});

t.test("man shows the daemon's options and its settings", { skip }, async (t) => {
  const daemon = shown(t, 'dmabrokerd.8');
  for (const { flags } of definitionOf(dmabrokerd('0')).options) {
    t.ok(
      daemon.some((line) => line.startsWith(flags.join(', '))),
      flags.join(', '),
    );
  }
  const file = shown(t, 'dmabroker.toml.5');
  for (const [name, { settings }] of Object.entries<AnySection>(SECTIONS)) {
    const start = file.indexOf(`[${name}]`);
    t.ok(start > 0, name);
    const end = file.findIndex((line, index) => index > start && /^\[.*\]$/.test(line));
    const section = file.slice(start, end < 0 ? undefined : end);
    for (const key of Object.keys(settings)) {
      t.ok(
        section.some((line) => line === key || line.startsWith(`${key} `)),
        `${name}.${key}`,
      );
    }
  }
});

t.test(
  'mandoc finds nothing to warn of',
  {
    skip: spawnSync('mandoc', ['-Tlint', '/dev/null']).error ? 'mandoc is missing' : false,
  },
  async (t) => {
    for (const page of pages.map((name) => join(packageRoot, 'docs/man', name))) {
      const linted = spawnSync('mandoc', ['-Tlint', '-Wwarning', page], { encoding: 'utf8' });
      // The page has no date: it would change with each day that it is made on.
      const complaints = linted.stdout.split('\n').filter((line) => !line.includes('missing date'));
      t.same(complaints, [''], page);
    }
  },
);
