/** Every command that the documents show is run by a test, or it is said why by none; and what is named is there. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import t from 'tap';
import { BUFFERS, PROCESSES, USERS } from '../../src/cli/columns.js';
import { dmabrokerctl } from '../../src/cli/program.js';
import { packageRoot } from '../../src/package-root.js';
import { dmabrokerd } from '../../src/server/config/command-line.js';
import { dmabrokerUnixfd } from '../../src/unixfd/program.js';
import { NIGHTLY } from '../runner/lists.js';
import { PROOFS, type Proof } from '../support/proofs.js';
import { testFile } from '../vm/furnished.js';
import { anchorOf, type Block, blocksOf, PAGES, textOf } from './pages.js';
import { BY, BY_NOBODY } from './where.js';

const blocks = PAGES.flatMap(blocksOf);
const keyOf = ({ page, anchor }: Block) => `${page}#${anchor}`;
const has = (path: string) => existsSync(join(packageRoot, path));

t.test('each block has its place', async (t) => {
  const shown = new Set(blocks.map(keyOf));
  const placed = [...Object.keys(BY), ...Object.keys(BY_NOBODY)];
  t.same([...shown].toSorted(), placed.toSorted());
  t.ok(shown.size > 30);
});

t.test('who is to run a block takes it from the page', async (t) => {
  for (const [key, test] of Object.entries(BY)) {
    const file = `test/${test}.test.ts`;
    t.ok(has(file), file);
    // It compares what it has run with the table itself.
    if (test === 'systemd/pages') continue;
    const [page = '', anchor = ''] = key.split('#');
    // The modules beside them that know a page.
    const files = [file, 'test/bindings/page.ts', 'test/systemd/sandboxed.ts'];
    const text = files.map((path) => readFileSync(join(packageRoot, path), 'utf8')).join('\n');
    t.ok(text.includes(page), `${test} takes it from ${page}`);
    if (test === 'docs/host') t.ok(text.includes(`'${page}', '${anchor}'`), `${test}: ${key}`);
  }
});

t.test('README’s table of who can use it says what the gate’s tests show', async (t) => {
  const generate = join(packageRoot, 'dist/scripts/generate-uses.js');
  const made = spawnSync(process.execPath, [generate, '--check'], { cwd: packageRoot });
  t.equal(made.status, 0, `${made.stderr}`);
  const ran = Object.entries(BY);
  for (const [name, { page, command, test, guest }] of Object.entries<Proof>(PROOFS)) {
    const source = readFileSync(join(packageRoot, `test/${test}.test.ts`), 'utf8');
    t.ok(source.includes(`proof('${name}')`), `${test} shows it: ${name}`);
    t.notOk(NIGHTLY.has(test), `${test} runs in the gate`);
    const word = test.replace('.guest', '');
    if (guest === undefined) t.equal(testFile(word), test, 'there is a guest for it');
    const said = guest ?? `--for ${word}`;
    t.match(textOf(page), new RegExp(`npm run vm (--silent )?-- ${said}`), `which ${page} names`);
    const isShown = blocksOf(page).some(
      ({ anchor, script }) =>
        script.replaceAll(/ \\\n */g, ' ').includes(command) &&
        ran.some(([key, by]) => key === `${page}#${anchor}` && by === test),
    );
    t.ok(isShown || source.includes(`commandOf('${name}')`), `${test} runs it: ${command}`);
  }
});

t.test('README installs as docs/install.md does', async (t) => {
  const linesOf = (page: string) =>
    blocksOf(page).flatMap(({ script }) =>
      script.split('\n').map((line) => line.replace(/ +#.*/, '').replace('$USER', 'alice')),
    );
  const known = new Set([...linesOf('docs/install.md'), ...linesOf('docs/trouble.md')]);
  const [install] = blocksOf('README.md').filter(({ anchor }) => anchor === 'install');
  for (const line of install?.script.split('\n') ?? []) {
    const plain = line.replace(/ +#.*/, '').replace('$USER', 'alice');
    t.ok(known.has(plain), plain);
  }
});

t.test('the tables that README shows have the columns that they have', async (t) => {
  const headsOf = (columns: readonly (readonly [string, ...unknown[]])[]) =>
    columns.map(([head]) => head).join(' ');
  const tables = { list: BUFFERS, ps: PROCESSES, users: USERS };
  for (const [command, columns] of Object.entries(tables)) {
    const [, shown = ''] =
      new RegExp(`^\\$ dmabrokerctl ${command}\\n(.*)$`, 'm').exec(textOf('README.md')) ?? [];
    t.equal(shown.split(/ +/).join(' '), headsOf(columns), command);
  }
});

/** What is wrong with the words of a command, as far as it can be told without running it. */
function problemOf(words: readonly string[], program: Command): string | null {
  let command = program;
  for (const [at, word] of words.entries()) {
    if (/^--?[a-z]/.test(word)) {
      const all = [...command.options, ...program.options];
      const [name] = word.split('=');
      if (!all.some(({ long, short }) => long === name || short === name) && name !== '--help') {
        return `no option ${word}`;
      }
      continue;
    }
    const next = command.commands.find(
      (each) => each.name() === word || each.aliases().includes(word),
    );
    if (next !== undefined) command = next;
    else if (command === program && at === 0 && program.commands.length > 0)
      return `no command ${word}`;
  }
  return null;
}

/** Commands of ours in a text: in blocks, and between backticks. */
function ours(page: string): { program: string; words: string[]; text: string }[] {
  const spans = [...textOf(page).matchAll(/`([^`\n]+)`/g)].map(([, text = '']) => text);
  const lines = blocksOf(page).flatMap(({ script }) => script.split('\n'));
  return [...spans, ...lines].flatMap((text) => {
    const [, program, rest] =
      /(?:^|\s|\()(dmabrokerctl|dmabrokerd|dmabroker-unixfd) ([^|>&;)$(]*)/.exec(text) ?? [];
    if (program === undefined || rest === undefined) return [];
    const words = rest.replace(/ #.*/, '').trim().split(/\s+/);
    return [{ program, words: words.filter((word) => word !== ''), text }];
  });
}

const PROGRAMS: Readonly<Record<string, () => Command>> = {
  dmabrokerd: () => dmabrokerd('0'),
  'dmabroker-unixfd': () => dmabrokerUnixfd('0'),
};

t.test('each of our commands and options that is named exists', async (t) => {
  let count = 0;
  for (const page of PAGES) {
    for (const { program, words, text } of ours(page)) {
      count++;
      const parsed = PROGRAMS[program]?.() ?? dmabrokerctl(() => {});
      t.equal(problemOf(words, parsed), null, `${page}: ${text}`);
    }
  }
  t.ok(count > 60, `${count}`);
  t.equal(
    problemOf(
      ['lst'],
      dmabrokerctl(() => {}),
    ),
    'no command lst',
  );
  t.equal(
    problemOf(
      ['list', '--uids'],
      dmabrokerctl(() => {}),
    ),
    'no option --uids',
  );
});

t.test('scripts and files that are named exist', async (t) => {
  const { scripts } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  for (const { script, page } of blocks) {
    for (const [, name = ''] of script.matchAll(/\bnpm run ([\w:-]+)/g)) {
      t.ok(name in scripts, `${page}: npm run ${name}`);
    }
    for (const [path] of script.matchAll(
      /\b(?:dist\/(?!native)|bench\/|scripts\/|(?<!--for )examples\/\w+(?= |$))[\w./-]*/g,
    )) {
      const source = path.replace(/^dist\//, '').replace(/\.js$/, '.ts');
      t.ok(has(path) || has(source), `${page}: ${path}`);
    }
  }
});

t.test('each link leads somewhere', async (t) => {
  for (const page of [...PAGES, 'CHANGELOG.md']) {
    for (const [, link = ''] of textOf(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? page : join(page, '..', path);
      t.ok(has(target), `${page}: ${link}`);
      if (anchor === undefined || !target.endsWith('.md') || !has(target)) continue;
      const headings = [...textOf(target).matchAll(/^#+ (.*)$/gm)].map(([, text = '']) =>
        anchorOf(text),
      );
      t.ok(headings.includes(anchor), `${page}: ${link}`);
    }
  }
});
