/** One file once: which name stands for it, and which has its place when that one goes. */
import t from 'tap';
import { type StoredFd, StoredFiles } from '../../../src/server/kept/stored-files.js';

let last = 10;
const fd = (name: string, identity: string | null = 'x'): StoredFd => ({
  ...{ name, identity },
  fd: ++last,
});

t.test('of several names the first stands for the file, and then the next', async (t) => {
  const files = new StoredFiles();
  const [a, b, c] = [fd('a'), fd('b'), fd('c')];
  t.same(
    [a, b, c].map((each) => files.add(each)),
    [true, false, false],
  );
  t.same([files.size, files.has(fd('d')), files.has(fd('d', 'y'))], [1, true, false]);
  t.equal(files.remove(b), null, 'it stood for nothing');
  t.same(files.remove(a), { next: c });
  t.equal(files.remove(a), null, 'it has gone already');
  t.same([files.size, files.has(a)], [1, true]);
  t.same(files.remove(c), { next: null });
  t.same([files.size, files.has(a)], [0, false]);
  t.equal(files.add(b), true);
});

t.test('those behind the next are its doubles', async (t) => {
  const files = new StoredFiles();
  const all = ['a', 'b', 'c', 'd'].map((name) => fd(name));
  for (const each of all) files.add(each);
  const [a, b, c, d] = all as [StoredFd, StoredFd, StoredFd, StoredFd];
  t.same(files.remove(a), { next: b });
  t.equal(files.remove(c), null);
  t.same(files.remove(b), { next: d });
});

t.test('files that cannot be told from one another are each kept', async (t) => {
  const files = new StoredFiles();
  const [a, b] = [fd('a', null), fd('b', null)];
  t.same([files.add(a), files.add(b), files.has(a), files.size], [true, true, false, 2]);
  t.same([files.hasRoom(a), files.remove(a), files.size], [true, { next: null }, 1]);
});

t.test('a file has so many names and no more', async (t) => {
  const files = new StoredFiles();
  let names = 0;
  while (files.hasRoom(fd(`${names}`)) && names < 100) files.add(fd(`${names++}`));
  t.equal(names, 17, 'one that stands for it, and 16 more');
  t.equal(files.hasRoom(fd('other', 'y')), true);
});
