/** Which files a run takes, and in which order. */
import t from 'tap';
import { allFiles, chosen, groups, label, type TestFile } from './files.js';
import {
  BOOTS,
  CONTIGUOUS,
  NIGHTLY,
  OWN_GUEST,
  PURE_FILES,
  SLOW,
  SMOKE,
  SMOKE_ONLY,
} from './lists.js';

const files: TestFile[] = [
  { name: 'broker/tokens', where: 'host' },
  { name: 'native/dmabuf.guest', where: 'guest' },
  { name: 'server/killed', where: 'host' },
  { name: 'server/main-job.guest', where: 'guest' },
];
const names = (words: string[], nightly = false) => chosen(files, words, nightly).map(label);

t.test('by words', async (t) => {
  t.same(names(['broker/']), ['broker/tokens']);
  t.same(names(['test/broker/tokens.test.ts']), ['broker/tokens'], 'as a shell completes it');
  t.same(names(['dist/test/broker/tokens.test.js']), ['broker/tokens']);
  t.same(names(['guest']), ['native/dmabuf.guest', 'server/main-job.guest']);
  t.same(names(['tokens', 'dmabuf']), ['broker/tokens', 'native/dmabuf.guest']);
  t.same(names(['killed']), ['server/killed'], 'one of the night, where it is named');
  t.same(names(['nothing like it']), []);
});

t.test('all of them', async (t) => {
  t.same(names([]), [
    'broker/tokens',
    'native/dmabuf.guest',
    'server/main-job.guest',
    'server/main-job.guest (QEMU)',
  ]);
  t.ok(names([], true).includes('server/killed'));
});

t.test('the longest first', async (t) => {
  const times = new Map([
    ['broker/tokens', 70],
    ['native/dmabuf.guest', 1],
    ['server/main-job.guest', 5],
  ]);
  const order = groups(files, times).flatMap((group) => group.map(label));
  t.same(order, ['broker/tokens', 'server/killed', 'server/main-job.guest', 'native/dmabuf.guest']);
});

t.test('the smoke run has one guest', async (t) => {
  const smoke = ['server/main-job.guest', 'systemd/smoke.guest'].map(
    (name): TestFile => ({ name, where: 'qemu' }),
  );
  t.same(groups([...files, ...smoke], new Map()).at(0), smoke);
});

t.test('files of the guest share it, as many as keep it busy for 40 s', async (t) => {
  const inGuest = ['a', 'b', 'c', 'd', 'server/o-path'].map(
    (name): TestFile => ({ name: `${name}.guest`, where: 'guest' }),
  );
  const times = new Map(inGuest.map(({ name }, i) => [name, [32, 19, 6, 5, 1][i] ?? 0]));
  t.same(
    groups(inGuest, times).map((group) => group.map(label)),
    [['a.guest'], ['b.guest', 'c.guest', 'd.guest'], ['server/o-path.guest']],
    'but for those that have their own',
  );
});

t.test('the lists name files that there are', async (t) => {
  const known = new Set(allFiles('dist/test').map(({ name }) => name));
  for (const name of [
    ...NIGHTLY.keys(),
    ...SMOKE,
    ...BOOTS,
    ...OWN_GUEST.keys(),
    ...CONTIGUOUS.keys(),
    ...SMOKE_ONLY,
    ...PURE_FILES,
  ])
    t.ok(known.has(name), name);
  for (const name of SLOW.keys()) t.ok(known.has(name.replace(/ \(QEMU\)$/, '')), name);
});

t.test('pure code shares two processes', async (t) => {
  const pure = ['broker/a', 'broker/b', 'broker/c'].map(
    (name): TestFile => ({ name, where: 'host' }),
  );
  const times = new Map([
    ['broker/a', 3],
    ['broker/b', 2],
    ['broker/c', 2],
    ['native/dmabuf.guest', 1],
  ]);
  const order = groups([...files.slice(1, 2), ...pure], times);
  t.same(
    order.map((group) => group.map(label)),
    [['broker/b', 'broker/c'], ['broker/a'], ['native/dmabuf.guest']],
  );
});
