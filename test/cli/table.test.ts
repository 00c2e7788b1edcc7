/** Tables at a terminal: a line is a record, and what gives way is told by its place. */
import stringWidth from 'string-width';
import t from 'tap';
import { type Columns, cut, tableLines } from '../../src/cli/table.js';

interface Row {
  readonly name: string;
  readonly id: string;
  readonly state: string;
}

const COLUMNS: Columns<Row> = [
  ['NAME', ({ name }) => name],
  ['ID', ({ id }) => id, 'long id'],
  ['STATE', ({ state }) => state],
];
const LONG = 'a name of many words that goes on and on';
const ROWS: Row[] = [
  { name: LONG, id: 'saevkrrysqmg2', state: 'live' },
  { name: '-', id: 'er3l4ysb4amiy', state: 'lingering' },
];
const lines = (rows: readonly Row[], width?: number) => tableLines(COLUMNS, rows, 'none', width);

t.test('in a pipe everything is whole', async (t) => {
  const [head, first, second] = lines(ROWS);
  t.equal(head, `NAME${' '.repeat(38)}ID             STATE`);
  t.equal(first, `${LONG}  saevkrrysqmg2  live`);
  t.equal(second, `-${' '.repeat(41)}er3l4ysb4amiy  lingering`);
  t.same(tableLines(COLUMNS, [], 'none', 50), ['none']);
});

t.test('a text that has no room ends in …, an id is cut to what is its own', async (t) => {
  t.same(lines(ROWS, 40), [
    'NAME                   ID      STATE',
    'a name of many words…  saevkr  live',
    '-                      er3l4y  lingering',
  ]);
});

t.test('ids that begin alike keep the letters in which they differ', async (t) => {
  const alike = ['aaaaaaaaaaaa2', 'aaaaaaaaaaab2', 'b'].map((id) => ({ name: '', id, state: '' }));
  const ids = lines(alike, 60).map((line) => line.trim());
  t.same(ids.slice(1), ['aaaaaaaaaaaa', 'aaaaaaaaaaab', 'b']);
});

t.test('columns at the end are left out before a text is cut to nothing', async (t) => {
  t.same(lines(ROWS, 25)[0], 'NAME               ID');
  t.match(lines(ROWS, 5)[1], /^a name of m…$/, 'the first one stays');
});

t.test('letters that take two cells of a terminal are counted so', async (t) => {
  const name = '一号摄像机的画面'.repeat(4);
  t.equal(cut(name, 10), '一号摄像…');
  t.equal(cut(name, 9), '一号摄像…');
  t.equal(cut('👩‍👩‍👧 family', 3), '👩‍👩‍👧…', 'no letter is cut in two');
  for (const width of [30, 31, 80]) {
    const [, wide = '', narrow = ''] = lines([{ ...ROWS[0], name } as Row, ROWS[1] as Row], width);
    t.ok(stringWidth(wide) <= width, wide);
    t.equal(
      stringWidth(wide.split('saevkr')[0] ?? ''),
      stringWidth(narrow.split('er3l4y')[0] ?? ''),
    );
  }
});
