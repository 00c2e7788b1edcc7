/** The man page: what the command line says of itself, and what man(1) takes. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { definitionOf, withAllBelow } from '../../src/cli/definition.js';
import { EXIT_CODES } from '../../src/cli/failure.js';
import { dmabrokerctl } from '../../src/cli/program.js';
import { packageRoot } from '../../src/package-root.js';

const page = join(packageRoot, 'docs/man/dmabrokerctl.1');
const script = join(packageRoot, 'dist/scripts/generate-man.js');
const has = (program: string, option: string) => spawnSync(program, [option]).status === 0;

t.test('the page is up to date', async (t) => {
  const check = (cwd: string) =>
    spawnSync(process.execPath, [script, '--check'], { cwd, encoding: 'utf8' });
  const now = check(packageRoot);
  t.equal(now.status, 0, now.stderr);

  const folder = mkdtempSync(join(tmpdir(), 'dmabroker-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'docs'));
  cpSync(join(packageRoot, 'docs/man'), join(folder, 'docs/man'), { recursive: true });
  t.equal(check(folder).status, 0);
  writeFileSync(join(folder, 'docs/man/dmabrokerctl.1'), `${readFileSync(page, 'utf8')}.PP\n`);
  t.equal(check(folder).status, 1, 'a difference is found');
});

t.test(
  'man finds nothing to warn of, and shows every command, option and exit code',
  {
    skip: has('man', '--version') && has('groff', '--version') ? false : 'man or groff is missing',
  },
  async (t) => {
    const shown = spawnSync('man', ['--warnings', '-l', page], {
      encoding: 'utf8',
      // Lines that are not broken, without overstriking.
      env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8', MANWIDTH: '1000', MAN_KEEP_FORMATTING: '' },
    });
    t.equal(shown.status, 0);
    t.equal(shown.stderr, '');
    const lines = shown.stdout.split('\n').map((line) => line.trim());
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

t.test(
  'mandoc finds nothing to warn of',
  {
    skip: spawnSync('mandoc', ['-Tlint', '/dev/null']).error ? 'mandoc is missing' : false,
  },
  async (t) => {
    const linted = spawnSync('mandoc', ['-Tlint', '-Wwarning', page], { encoding: 'utf8' });
    // The page has no date: it would change with each day that it is made on.
    const complaints = linted.stdout.split('\n').filter((line) => !line.includes('missing date'));
    t.same(complaints, ['']);
  },
);
