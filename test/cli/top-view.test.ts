/** Keys of `top`: what is sorted and shown, and that a name can be typed that has keys' letters in it. */
import t from 'tap';
import { pressed, type TopView, viewLine } from '../../src/cli/top-view.js';

const START: TopView = { sort: '-size', name: '', typing: null };
const after = (...keys: string[]) =>
  keys.reduce<TopView | null>((view, key) => view && pressed(view, key), START);

t.test('the order', async (t) => {
  t.match(after('a'), { sort: 'created_at' });
  t.match(after('a', 'r'), { sort: '-created_at' });
  t.match(after('r', 'r'), { sort: '-size' });
  t.match(after('i', 's'), { sort: '-size' });
  t.same(after('x', '\x1b[A', '\t'), START, 'other keys do nothing');
});

t.test('the filter', async (t) => {
  t.match(after('/', 'q', 'a', 'r', '\r'), { name: 'qar', typing: null, sort: '-size' });
  t.match(after('/', '摄像', '机', '\x7f', '\r'), { name: '摄像' }, 'what is typed at once');
  t.match(after('/', 'a', '\r', '/', '\x7f', 'b', '\n'), { name: 'b' }, 'the one before is there');
  t.match(after('/', 'a', '\x1b'), { name: '', typing: null });
  t.match(after('/', 'a', '\x1b[A', '\t'), { typing: 'a' });
});

t.test('the end', async (t) => {
  for (const keys of [['q'], ['Q'], ['\x03'], ['/', 'a', '\x03']]) t.equal(after(...keys), null);
});

t.test('what is chosen is said', async (t) => {
  t.match(viewLine(START), /^by -size {2}keys: /);
  t.match(viewLine({ ...START, name: 'cam' }), /^by -size, with "cam" in the name /);
  t.match(viewLine({ ...START, typing: 'ca' }), /^name: ca_ /);
});
