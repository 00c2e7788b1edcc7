/** Memory whose pages are gone by the time that they are touched: the copy ends, and not the process. */
import { spawnSync } from 'node:child_process';
import { ftruncateSync } from 'node:fs';
import t from 'tap';
import { callInt, symbol, transientString } from '../../src/native/ffi.js';
import { copyBytes, fillWords } from '../../src/native/guarded.js';
import { close } from '../../src/native/libc/fd.js';
import { map } from '../../src/native/libc/memory.js';
import { withoutLeaks } from '../support/fds.js';
import { programFile } from '../support/programs.js';

const SIZE = 4 * 4096;
const gone = { name: 'BrokerError', message: /taken it back/ };

await withoutLeaks(t, 'copies', async (t) => {
  /** Memory that can be truncated under its mapping, as a driver purges its own. */
  const fragile = () => {
    const fd = callInt(symbol('memfd_create'), transientString('fragile'), 1);
    ftruncateSync(fd, SIZE);
    return { fd, mapping: map(fd, SIZE, { write: true }) };
  };

  t.test('what is there', async (t) => {
    const { fd, mapping } = fragile();
    const [from, to] = [Buffer.alloc(SIZE, 'abc'), Buffer.alloc(SIZE)];
    copyBytes(mapping.bytes, from);
    copyBytes(to, mapping.bytes);
    t.ok(to.equals(from));
    fillWords(mapping.bytes.subarray(4, 12), 0x0403_0201);
    t.same([...mapping.bytes.subarray(0, 13)], [97, 98, 99, 97, 1, 2, 3, 4, 1, 2, 3, 4, 97]);
    t.throws(() => copyBytes(Buffer.alloc(1), from), RangeError);
    mapping.release();
    close(fd);
  });

  t.test('what was there', async (t) => {
    const { fd, mapping } = fragile();
    ftruncateSync(fd, 4096);
    for (let i = 0; i < 3; i++) {
      t.throws(() => copyBytes(Buffer.alloc(SIZE), mapping.bytes), gone);
      t.throws(() => copyBytes(mapping.bytes, Buffer.alloc(SIZE)), gone);
      t.throws(() => fillWords(mapping.bytes, 1), gone);
    }
    copyBytes(mapping.bytes.subarray(0, 4096), Buffer.alloc(4096, 1));
    t.equal(mapping.bytes[0], 1, 'the page that is left');
    mapping.release();
    close(fd);
  });

  t.test('a bus error outside of a copy is the end, as ever', async (t) => {
    const program = programFile('bus-error');
    t.equal(spawnSync(process.execPath, [program]).signal, 'SIGBUS');
  });
});
