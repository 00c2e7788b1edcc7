/** What commands print on terminals of several widths, of 200 buffers whose names are long or of wide letters. */
import stringWidth from 'string-width';
import t from 'tap';
import { connect } from '../../src/client/index.js';
import type { CreatedBuffer } from '../../src/rest/contract.js';
import { eventually, TestDaemon } from '../support/daemon.js';
import { nextMillisecond } from '../support/next-millisecond.js';
import { atNight } from '../support/night.js';
import { ctl } from './support/again.js';
import { hasTerminal, onTerminal } from './support/ctl.js';
import { OnScreen } from './top/support/screen.js';

const daemon = await TestDaemon.memfd(t);
const at = ['--socket', daemon.restSocket];
/** Oldest first. */
const ids: string[] = [];
const tokens: string[] = [];
const tooWide = (lines: readonly string[], width: number) =>
  lines.filter((line) => stringWidth(line) > width);
/** 64 bytes at most, no letter cut in two. */
function longest(text: string): string {
  let name = '';
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (Buffer.byteLength(name + segment) <= 64) name += segment;
  }
  return name.trim();
}

t.before(async () => {
  const texts = ['a camera at the gate ', '一号摄像机的画面', 'größe👩‍👩‍👧 '];
  for (let index = 0; index < 200; index++) {
    const name = longest(`${index} ${texts[index % 3]?.repeat(9)}`);
    const body = { kind: 'buffer', size: 4096, handle_types: ['memfd'], name };
    const answer = await daemon.rest('POST', '/v1/buffers', body);
    if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
    const { buffer, token } = answer.body as unknown as CreatedBuffer;
    ids.push(buffer.id);
    tokens.push(token.token);
    await nextMillisecond();
  }
});

const skip = hasTerminal ? false : 'script(1) is missing';

t.test('no line is broken', { skip }, async (t) => {
  // Somebody has some of them, so that ps has a line, and show a recipient.
  const client = await connect({ socket: daemon.clientSocket });
  for (const token of tokens.slice(1, 4)) await client.redeem(token);
  t.teardown(() => client.close());
  await eventually(
    async () => /node/.test((await ctl([...at, 'ps'])).stdout),
    'a sweep has seen the client',
  );
  const show = ['show', ids[1] ?? ''];
  const lists = new Map<number, readonly string[]>();
  for (const width of atNight([80, 200], [80, 100, 200])) {
    for (const command of [['list'], ['ps'], ['top', '--once', '--limit', '200'], show]) {
      const lines = onTerminal(width, [...at, ...command]);
      t.same(tooWide(lines, width), [], `${command[0]} at ${width}`);
      if (command[0] === 'list') lists.set(width, lines);
      if (command[0] === 'ps') t.match(lines[1], new RegExp(`^${process.pid} +node `));
      else if (command[0] !== 'show') t.ok(lines.length > 200, 'and a line is a buffer');
    }
    t.equal(lists.get(width)?.length, 201);
  }
  const [head = ''] = lists.get(80) ?? [];
  t.match(head, /^NAME +ID +SIZE +STATE +OWNER +AGE/, 'what matters most is there at 80');
  const named = onTerminal(80, [...at, 'list'], 'COLUMNS=200');
  // Ages go on, and their column may be wider.
  const heads = (lines: readonly string[]) => lines[0]?.split(/ +/);
  t.same(heads(named), heads(lists.get(200) ?? []), 'COLUMNS goes before the terminal');
});

t.test('no line of any view of top is broken', { skip }, async (t) => {
  // What any size looks like: frame.test.
  const sizes = [80, 100, 200].map(
    (columns, index) => [columns, atNight([index < 2 ? 10 : 40], [10, 40])] as const,
  );
  for (const [columns, heights] of sizes.filter((_, index) => index !== atNight(1, -1))) {
    for (const rows of heights) {
      const args = [...at, 'top', '--sort', 'created_at', '--interval', '0.5'];
      const screen = OnScreen.start(t, args, { columns, rows });
      const views: [string, RegExp][] = [
        ['', /^> 0 a camera/m],
        // Every line of the list.
        ...Array.from({ length: 6 }, (): [string, RegExp] => ['\u001b[6~', /^> \d/m]),
        ['\u001b[F', /^> 199 /m],
        ['d', /^release 199 [\s\S]*y\/n$/m],
        ['n', /not done/],
        ['\r', /^id: +/m],
        ['\u001b[F', /^(nobody was handed it|complete: )/m],
        ['2', /^> \d+ +node/m],
        ['3', /^> \S+ +\d+ /m],
        ['4', /^ {2}CGROUP /m],
        ['?', /^Up Down/m],
      ];
      for (const [key, shown] of views) {
        screen.press(key);
        await screen.shows(shown);
      }
      screen.press('q');
      t.equal(await screen.ended, 0);
      const { frames } = screen;
      t.ok(frames.length > views.length);
      t.same(
        frames.filter((lines) => lines.length !== rows || tooWide(lines, columns).length > 0),
        [],
        `at ${columns}x${rows}`,
      );
    }
  }
});

t.test('--wide, --columns, --quiet', { skip }, async (t) => {
  // All that does not change meanwhile.
  const columns = ['-o', 'name,id,size,state,owner,contents,recipients,handle,unit'];
  const { stdout: piped } = await ctl([...at, 'list', ...columns]);
  t.same(
    onTerminal(80, [...at, 'list', '-w', ...columns]),
    piped.trimEnd().split('\n'),
    'as in a pipe',
  );
  t.equal(onTerminal(80, [...at, 'show', '-w', ids[1] ?? '']).length > 0, true);
  const chosen = onTerminal(80, [...at, 'list', '-o', 'size,recipients']);
  t.same(chosen.slice(0, 2), ['SIZE   RECIPIENTS', '4 KiB  0']);
  t.same((await ctl([...at, 'list', '-q'])).stdout.trimEnd().split('\n'), ids, 'oldest first');
  t.match(await ctl([...at, 'list', '-o', 'nothing']), {
    status: 2,
    stderr:
      /'-o, --columns <column>' argument 'nothing' is invalid\. Allowed choices are name, id,/,
  });
  t.match((await ctl([...at, 'show', '--help'])).stdout, /--wide/);
});

t.test('a list that the limit has cut says so, and one that is whole does not', async (t) => {
  const cut = await ctl([...at, 'list', '--limit', '199', '-q']);
  t.match(cut, { status: 0, stderr: /^these are 199, and there are more: see --limit\n$/ });
  t.equal(cut.stdout.split('\n').length, 200);
  for (const whole of [['--limit', '200'], ['--all'], []]) {
    t.match(await ctl([...at, 'list', ...whole]), { status: 0, stderr: '' });
  }
});
