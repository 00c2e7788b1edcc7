/** Tables at a terminal: they fit, nothing is lost, and rows keep the name that they go by. */
import t from 'tap';
import { tableLines } from '../../src/cli/output.js';
import { columnWidths } from '../../src/cli/width.js';

const HEAD = ['ID', 'NAME', 'STATE'];
const COLUMNS = HEAD.map((head, at) => [head, (row: string[]) => row[at] ?? ''] as const);
const LONG = 'a name of many words that goes on and on';
const ROWS = [
  ['saevkrrysqmg2', LONG, 'live'],
  ['er3l4ysb4amiy', '-', 'lingering'],
];

t.test('wide columns give way, never the first', async (t) => {
  t.same(columnWidths([HEAD, ...ROWS], 1000, 2), [13, LONG.length, 9]);
  t.same(columnWidths([HEAD, ...ROWS], 50, 2), [13, 22, 9]);
  t.same(columnWidths([HEAD, ...ROWS], 1, 2), [13, 10, 9], 'no narrower than can be read');
});

t.test('letters that take two cells of a terminal', async (t) => {
  const name = '一号摄像机的画面';
  const rows = [['saevkrrysqmg2', name, 'live']];
  t.same(columnWidths([HEAD, ...rows], 1000, 2), [13, 16, 5]);
  const [, line = ''] = await tableLines(COLUMNS, rows, 'none');
  t.match(line, new RegExp(`${name} +live$`), 'in a pipe all of it is in one line');
  t.match(
    (await tableLines(COLUMNS, rows, 'none', 80))[1],
    name,
    'and at a terminal that has room',
  );
});

t.test('cells are wrapped, and every word is there', async (t) => {
  const lines = await tableLines(COLUMNS, ROWS, 'none', 50);
  t.ok(lines.length > 3);
  for (const line of lines) t.ok(line.length <= 50, line);
  const text = lines.join(' ');
  for (const word of [...LONG.split(' '), 'saevkrrysqmg2', 'lingering']) t.ok(text.includes(word));
  t.equal((await tableLines(COLUMNS, ROWS, 'none')).length, 3, 'in a pipe, a line is a row');
  t.same(await tableLines(COLUMNS, [], 'none', 50), ['none']);
});
