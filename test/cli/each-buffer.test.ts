/** Several buffers in one command: by ids, by beginnings of them, by filters. */
import t from 'tap';
import { connect } from '../../src/client/index.js';
import { TestDaemon } from '../support/daemon.js';
import { nextMillisecond } from '../support/next-millisecond.js';
import { ctl, type Run } from './support/again.js';

const daemon = await TestDaemon.memfd(t);
const run = (...args: string[]): Promise<Run> => ctl(['--socket', daemon.restSocket, ...args]);

async function make(...args: string[]): Promise<string> {
  const { stdout } = await run('alloc', '--size', '4096', ...args, '--json');
  return JSON.parse(stdout).buffer.id;
}

const left = async () => (await daemon.buffers()).map(({ id }) => id);

t.test("a beginning that is one buffer's alone, in every command that takes an id", async (t) => {
  const ids = [await make('--lease', '1h'), await make()];
  const [id = '', other = ''] = ids;
  let length = 1;
  while (id.slice(0, length) === other.slice(0, length)) length++;
  const short = id.slice(0, length);
  t.match(await run('rename', short, 'front'), { stdout: `renamed ${id}: front\n` });
  for (const command of ['show', 'history', 'holders', 'tokens', 'share']) {
    t.equal((await run(command, short)).status, 0, command);
  }
  t.match(await run('extend', short, '--for', '2h'), { stdout: new RegExp(`^extended ${id} `) });
  t.match(await run('recall', short, other, '--for', '1h'), {
    stdout: new RegExp(`^recalled ${id} until .*\nrecalled ${other} until .*\n$`),
  });
  t.match(await run('release', short), { stdout: `released ${id}\n`, stderr: '' });
  t.same(await left(), [other]);
  await run('release', other);
});

t.test('a beginning of several is none, and they are named', async (t) => {
  const ids: string[] = [];
  // 32 letters: of 33 ids two begin alike.
  while (new Set(ids.map((id) => id[0])).size === ids.length) ids.push(await make('--name', 'x y'));
  const last = ids.at(-1) ?? '';
  const letter = last.slice(0, 1);
  const twin = ids.find((id) => id.startsWith(letter)) ?? '';
  for (const command of [['show'], ['release'], ['recall']]) {
    const refused = await run(...command, letter);
    t.match(refused, { status: 2, stdout: '', stderr: /is the beginning of several ids: / });
    for (const id of [twin, last]) t.match(refused.stderr, `${id} (x y)`);
  }
  t.same((await left()).sort(), ids.toSorted(), 'nothing was done');
  const released = await run('release', ...ids);
  t.equal(released.stdout.split('\n').length, ids.length + 1);
  t.same(await left(), []);
});

t.test('one of several that is refused does not keep the others', async (t) => {
  const ids = [await make(), await make()];
  const gone = 'aaaaaaaaaaaaa';
  const some = await run('release', ids[0] ?? '', gone, ids[1] ?? '', '--json');
  t.equal(some.status, 1);
  t.same(JSON.parse(some.stdout), [{ released: ids[0] }, { released: ids[1] }]);
  t.match(JSON.parse(some.stderr), { code: 'not_found' });
  t.same(await left(), []);
});

t.test('what filters match is shown, and touched with --all-matching alone', async (t) => {
  const cameras = [await make('--name', 'camera 1')];
  await nextMillisecond();
  cameras.push(await make('--name', 'camera 2'));
  const other = await make('--name', 'screen');
  const matching = ['--name', 'camera', '--state', 'live'];
  const dry = await run('release', ...matching, '--dry-run');
  t.equal(dry.status, 0, dry.stderr);
  t.match(dry.stdout, /^NAME .*\ncamera 1 .*\ncamera 2 .*\n$/);
  t.match(await run('release', ...matching), {
    status: 2,
    stdout: '',
    stderr: /2 buffers match: --dry-run shows them, --all-matching does it to them/,
  });
  t.equal((await left()).length, 3, 'nothing was done yet');
  const done = await run('release', ...matching, '--all-matching');
  t.same(done.stdout.trim().split('\n').sort(), cameras.map((id) => `released ${id}`).sort());
  t.same(await left(), [other]);
  t.match(await run('release', ...matching, '--all-matching'), {
    status: 0,
    stdout: 'no buffer matches\n',
  });
  const client = await connect({ socket: daemon.clientSocket });
  const { token, buffer } = JSON.parse((await run('alloc', '--size', '1', '--json')).stdout);
  const held = await client.redeem(token.token);
  t.equal((await run('release', buffer.id)).status, 0);
  const meant = await run('release', '--max-size', '1M', '--dry-run', '--json');
  t.match(JSON.parse(meant.stdout), [{ id: other }], 'what is released already is not meant');
  t.equal(JSON.parse(meant.stdout).length, 1);
  const asked = await run('release', '--state', 'lingering', '--dry-run', '--json');
  t.match(JSON.parse(asked.stdout), [{ id: buffer.id }], 'unless it is named');
  await held.close();
  client.close();
  const ours = ['--owner', 'root', '--older-than', '1h', '--min-size', '1MiB'];
  t.same(JSON.parse((await run('release', ...ours, '--all-matching', '--json')).stdout), []);
  await run('release', other);
});
