/** The screen of `top` as lines: never too many or too wide, whatever is shown and however small the terminal. */
import stringWidth from 'string-width';
import t from 'tap';
import { NUMBERS } from '../../../src/cli/names.js';
import type { Answers } from '../../../src/cli/top/answers.js';
import { frame, type Paper } from '../../../src/cli/top/frame.js';
import { type Effect, pressed } from '../../../src/cli/top/press.js';
import { startState, type TopState } from '../../../src/cli/top/state.js';
import { atNight } from '../../support/night.js';
import { answersOf, buffer, idOf } from './support/answers.js';

const PAPER: Paper = { columns: 100, rows: 20, colours: false, unicode: true };
const START = startState('-size', '');

/** Made once: the tables of an answer are made once, too. */
const ANSWERS = answersOf();

/** Keys one after the other, each about what the one before led to. */
function after(keys: readonly string[], answers = ANSWERS, paper = PAPER, from = START) {
  let state: TopState = from;
  const effects: Effect[] = [];
  for (const key of keys) {
    const now = frame(state, answers, paper);
    const next = pressed(now.state, key, now.seen);
    state = next.state;
    if (next.effect !== null) effects.push(next.effect);
  }
  const { lines, state: settled, seen } = frame(state, answers, paper);
  return { lines, state: settled, seen, effects };
}
const times = (count: number, key: string): string[] => Array(count).fill(key);
const marked = (lines: readonly string[]) => lines.filter((line) => line.startsWith('> '));

t.test('no line is broken, at any size, in any view', async (t) => {
  const cases: [string, string[], (answers: Answers) => Answers][] = [
    ['buffers', [], (it) => it],
    ['at the end', ['end'], (it) => it],
    ['processes', ['2'], (it) => it],
    ['users', ['3'], (it) => it],
    ['cgroups', ['4'], (it) => it],
    ['details', ['enter'], (it) => it],
    ['their end', ['enter', 'end'], (it) => it],
    ['help', ['?'], (it) => it],
    ['typing', ['/', ...'一号摄像机'.repeat(12)], (it) => it],
    ['a question', ['down', 'd'], (it) => it],
    ['nothing', [], (it) => ({ ...it, buffers: { items: [], note: null }, daemon: null })],
    ['gone', [], (it) => ({ ...it, gone: 'cannot reach the daemon: '.repeat(20) })],
  ];
  const amounts = [answersOf(), answersOf({ users: 40, heaps: 30 })];
  for (const [at, columns] of [20, 80, 100, 200].entries()) {
    for (const [below, rows] of [3, 10, 24, 60].entries()) {
      // In the gate each size with one of the two; each width and each height has both.
      const either = <T>(both: readonly T[], turn: number) =>
        atNight(both.slice(turn % 2, (turn % 2) + 1), both);
      for (const colours of either([false, true], at + below)) {
        for (const all of either(amounts, at + (below >> 1))) {
          for (const [name, keys, change] of cases) {
            const answers = change(all);
            const { lines } = after(keys, answers, { ...PAPER, columns, rows, colours });
            const wide = lines.filter((line) => stringWidth(line) > columns);
            const what = `${name} at ${columns}x${rows}`;
            if (lines.length > rows || wide.length > 0) t.same([lines.length, wide], [], what);
            const text = lines.join('\n');
            // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
            if (/\x1b(?!\[(1|22|7|27|31|39)m)|\x07|\u202e/.test(text)) t.fail(`escapes: ${what}`);
            if (!colours && text.includes('\u001b')) t.fail(`colours: ${what}`);
          }
        }
      }
    }
  }
  t.equal(after([], undefined, { ...PAPER, rows: 10 }).lines.length, 10);
});

t.test('the list scrolls with the selection, and says how much is hidden', async (t) => {
  const { lines, seen } = after([]);
  t.match(lines[0], /^2026-11-20T08:15:30Z {2}\[1 buffers\] 2 processes /);
  t.match(marked(lines).join(), /^> 0 a camera/);
  t.match(lines.at(-1), new RegExp(`^1-${seen.room} of 200, ${200 - seen.room} hidden  by -size`));
  for (const [keys, first] of [
    [['down'], 1],
    [times(30, 'j'), 30],
    [[...times(30, 'j'), 'up', 'k'], 28],
    [['end'], 199],
    [['end', 'down'], 199],
    [['end', 'home'], 0],
    [['up'], 0],
    [['pagedown'], seen.room - 1],
    [['pagedown', 'pagedown', 'pageup'], seen.room - 1],
  ] as const) {
    const found = marked(after(keys).lines).map((line) => line.split(' ')[1]);
    t.same(found, [`${first}`], keys.at(-1) ?? '');
  }
  t.match(after(['end']).lines.at(-1), / of 200, \d+ hidden/);
  const header = after([]).lines.slice(0, 4);
  t.same(after(times(30, 'j')).lines.slice(0, 4), header, 'the header stays');
});

t.test('the selection stays on its buffer; without one it is the first', async (t) => {
  const answers = answersOf();
  const { state } = after(times(5, 'down'), answers);
  const { items } = answers.buffers;
  const turned = { ...answers, buffers: { items: items.toReversed(), note: null } };
  t.match(marked(frame(state, turned, PAPER).lines), [/^> 5 /]);
  t.match(marked(frame(START, turned, PAPER).lines), [/^> 199 /], 'nobody has chosen any');
  const less = { ...answers, buffers: { items: items.toSpliced(5, 1), note: null } };
  t.match(marked(frame(state, less, PAPER).lines), [/^> 6 /], 'what stands there now');
  const few = { ...answers, buffers: { items: items.slice(0, 2), note: null } };
  t.match(marked(frame(state, few, PAPER).lines), [/^> 1 /]);
  t.match(frame(after(['2', ...times(3, 'j'), '1']).state, answers, PAPER).state.places, {
    processes: { key: '1003' },
    buffers: { key: null },
  });
});

t.test('details and back; release and recall after a y', async (t) => {
  t.same(after(['down', 'enter'], answersOf()).state.opened, idOf(1));
  t.match(after(['down', 'enter']).lines[1], 'asking…', 'not those of another');
  const { lines } = after(['enter'], answersOf(), { ...PAPER, rows: 60 });
  t.ok(lines.some((line) => new RegExp(`^id: +${idOf(0)}$`).test(line)));
  t.ok(
    lines.some((line) => line.startsWith('RECIPIENT ')) && lines.some((l) => l.startsWith('PID ')),
  );
  for (const key of ['escape', 'enter']) t.equal(after(['enter', key]).state.panel, null);
  t.equal(after(['enter', '3']).state.panel, null);

  const asked = after(['down', 'd']);
  t.match(
    asked.lines.slice(-2).join(' '),
    /^release 1 一号摄像机.* \(baa+c\) of 1 一.* \(pid 1001, uid 1\)\? y\/n$/,
  );
  t.same(asked.effects, []);
  t.match(after(['down', 'd', 'y']).effects, [
    { do: 'act', asked: { what: 'release', id: idOf(1) } },
  ]);
  t.match(after(['enter', 'c', 'Y']).effects.at(-1), { asked: { what: 'recall', id: idOf(0) } });
  for (const no of ['n', 'escape', 'enter', 'q', 'd', 'down']) {
    const { effects, lines, state } = after(['d', no]);
    t.same(effects, [], no);
    t.equal(state.asked, null);
    t.match(lines.at(-1), /^not done: release /);
  }
  t.same(after(['2', 'd', 'y']).effects, [{ do: 'look' }], 'a process is no buffer');
  const none = { ...answersOf(), buffers: { items: [], note: null } };
  t.same(after(['d', 'y', 'enter'], none).effects, [], 'there is none');
  const { state } = after(['d'], answersOf());
  t.equal(state.asked?.id, idOf(0));
  const other = { ...answersOf(), buffers: { items: [buffer(7)], note: null } };
  t.match(
    after(['y'], other, PAPER, state).effects,
    [{ asked: { id: idOf(0) } }],
    'the one that was named',
  );
});

t.test('the order and the filter', async (t) => {
  t.match(after(['a']), { state: { sort: 'created_at' }, effects: [{ do: 'look' }] });
  t.match(after(['a', 'r']).state, { sort: '-created_at' });
  t.match(after(['r', 'r']).state, { sort: '-size' });
  t.match(after(['i', 's']).state, { sort: '-size' });
  t.same(after(['x', 'Z', '9']).state, after([]).state, 'other keys do nothing');
  t.match(after(['/', ...'qaj1?', 'enter']).state, { name: 'qaj1?', typing: null, sort: '-size' });
  t.match(after(['/', '摄', '机', 'backspace', 'enter']).state, { name: '摄' });
  t.match(after(['/', 'a', 'enter', '/', 'backspace', 'b', 'enter']).state, { name: 'b' });
  t.match(after(['/', 'a', 'escape']).state, { name: '', typing: null });
  t.match(after(['/', 'a', 'up', 'tab']).state, { typing: 'a' });
  t.match(after(['/', 'c', 'a']).lines.at(-1), /^name: ca_ /);
  t.match(after(['/', ...'一号摄像机'.repeat(30)]).lines.at(-1), /^name: ….*像机_$/, 'its end');
  t.match(after(['/', 'c', 'enter']).lines.at(-1), /by -size, with "c" in the name/);
});

t.test('views, help, the end', async (t) => {
  const views = ['tab', 'tab', 'tab', 'tab'].map((_, at) => after(times(at + 1, 'tab')).state.view);
  t.same(views, ['processes', 'users', 'cgroups', 'buffers']);
  t.equal(after(['backtab']).state.view, 'cgroups');
  for (const key of ['?', 'h']) t.match(after([key]).lines[1], /^Up Down, k j/);
  t.equal(after(['?', 'escape']).state.panel, null);
  for (const keys of [['q'], ['Q'], ['ctrl-c'], ['/', 'ctrl-c'], ['d', 'ctrl-c'], ['?', 'q']]) {
    t.match(after(keys).effects.at(-1), { do: 'quit' });
  }
  t.match(after(['ctrl-z', 'ctrl-l']).effects, [{ do: 'suspend' }, { do: 'redraw' }]);
  t.match(frame(START, { ...answersOf(), processes: null }, PAPER).lines.join('\n'), /^> 0 /m);
  t.match(after(['2'], { ...answersOf(), processes: null }).lines.join('\n'), /^ {2}asking…$/m);
  t.match(after(['2']).lines.slice(-3).join(' '), /^not complete: 41 processes .* of 200, /);
});

t.test('bars: of the daemon, users, heaps; as many as there is room for', async (t) => {
  const [, memory, heap, zero, one] = after([]).lines;
  t.match(memory, /^memory +\[█+▌ +\] {2}1 GiB \/ 2 GiB {2}3 buffers {2}3\/1024 fds$/);
  t.match(heap, /^heap 0 of llvmpipe.* +\[█+\] {2}8 GiB \/ 8 GiB budget$/);
  t.match(zero, /^0 +0 B \/ no limit {2}3\/16384 buffers {2}3 fds$/, 'no limit, no bar');
  t.match(one, /^1 一.* +\[█+▊ +\] {2}1 MiB \/ 4 MiB /);
  const many = after([], answersOf({ users: 40, heaps: 30 }), { ...PAPER, rows: 10 }).lines;
  t.match(many[3], /^… +and 69 more: /);
  t.match(many.at(-1), /^1-4 of 200/, 'the list keeps its room');
  const quiet = { ...answersOf(), daemon: null, devices: [], names: NUMBERS };
  t.notMatch(after([], quiet).lines.join('\n'), /memory +\[|budget/);
});
