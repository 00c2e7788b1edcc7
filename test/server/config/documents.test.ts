/** docs/settings.md: that it is up to date, has every setting, and that what it refers to is there. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../../../src/package-root.js';
import type { AnySection } from '../../../src/server/config/setting.js';
import { SECTIONS } from '../../../src/server/config/settings.js';

const docs = (name: string) => readFileSync(join(packageRoot, 'docs', name), 'utf8');
const sections = Object.entries<AnySection>(SECTIONS);

t.test('the page is up to date', async (t) => {
  const script = join(packageRoot, 'dist/scripts/generate-settings-doc.js');
  const run = spawnSync(process.execPath, [script, '--check'], { cwd: packageRoot });
  t.equal(run.stderr.toString(), '');
  t.equal(run.status, 0);
});

t.test('every setting is a row with all of its cells', async (t) => {
  const parts = docs('settings.md').split(/^## /m).slice(1);
  t.same(
    parts.map((part) => part.split('\n')[0]),
    sections.map(([name]) => `[${name}]`),
  );
  for (const [index, [name, { settings }]] of sections.entries()) {
    const rows = (parts[index] ?? '').split('\n').filter((line) => line.startsWith('| `'));
    const keys = rows.map((row) => row.split('`')[1]);
    t.same(keys, Object.keys(settings), name);
    for (const row of rows) {
      const cells = row.split('|').slice(1, -1);
      t.equal(cells.length, 5, row);
      t.ok(
        cells.every((cell) => cell.trim() !== ''),
        row,
      );
    }
  }
});

t.test('what the table refers to is there', async (t) => {
  for (const [name, { see }] of sections) {
    if (see === undefined) continue;
    const [page = '', anchor] = see.split('#');
    const anchors = [...docs(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    );
    if (anchor !== undefined) t.ok(anchors.includes(anchor), `${name}: ${see}`);
  }
});
