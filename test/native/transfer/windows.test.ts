/** A memory of any size, a part at a time. */
import { readFileSync, readSync } from 'node:fs';
import t from 'tap';
import { close } from '../../../src/native/libc/fd.js';
import { PAGE_SIZE, sealedMemfd } from '../../../src/native/libc/memory.js';
import { cut, MOST_AT_ONCE, Windows } from '../../../src/native/transfer/windows.js';
import { withoutLeaks } from '../../support/fds.js';

const SIZE = 5 * 2 ** 30;

/** How many bytes of it are mapped, and where from (proc(5), maps). */
const mapped = (name: string) =>
  readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => line.includes(`memfd:${name} `))
    .map((line) => {
      const [from = '', to = ''] = (line.split(' ')[0] ?? '').split('-');
      return Number.parseInt(to, 16) - Number.parseInt(from, 16);
    });

await withoutLeaks(t, 'windows', async (t) => {
  t.test('small ranges of 5 GiB', async (t) => {
    const fd = sealedMemfd('huge', SIZE);
    const windows = new Windows(fd, SIZE, true);
    for (const offset of [0, 1, PAGE_SIZE - 1, 2 ** 32 - 3, SIZE - 64]) {
      const bytes = windows.at(offset, 64);
      t.equal(bytes.length, 64);
      bytes.fill(offset % 251);
      const read = Buffer.alloc(64);
      readSync(fd, read, { position: offset });
      t.ok(read.equals(bytes), `at ${offset}`);
      t.ok(mapped('huge').length === 1, 'one part is mapped');
      t.ok((mapped('huge')[0] ?? 0) <= MOST_AT_ONCE + PAGE_SIZE);
    }
    t.equal(windows.at(PAGE_SIZE + 1, MOST_AT_ONCE).length, MOST_AT_ONCE, 'the most at once');
    windows.close();
    t.same(mapped('huge'), [], 'nothing is left');
    close(fd);
  });

  t.test('what lies in the window is not mapped again', async (t) => {
    const fd = sealedMemfd('rows', 1 << 20);
    const windows = new Windows(fd, 1 << 20, true);
    const first = windows.at(PAGE_SIZE * 2, 10);
    first.write('0123456789');
    t.equal(windows.at(PAGE_SIZE * 2 + 5, 5).buffer, first.buffer);
    t.equal(windows.at((1 << 20) - 1, 1).buffer, first.buffer, 'to the end');
    windows.close();
    close(fd);
  });

  t.test('a range in pieces', async (t) => {
    t.same(
      [...cut(10, 7, 3)],
      [
        { offset: 10, size: 3 },
        { offset: 13, size: 3 },
        { offset: 16, size: 1 },
      ],
    );
    t.same([...cut(10, 0, 3)], []);
  });
});
