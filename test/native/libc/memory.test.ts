/**
 * memfds and mappings: sizes that cannot change, memory that can be read after it was released, and
 * that nothing stays mapped when nobody can reach it.
 */
import { ftruncateSync, openSync, readFileSync, readlinkSync, readSync, writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { callInt, symbol } from '../../../src/native/ffi.js';
import { close, isCloexec } from '../../../src/native/libc/fd.js';
import { MAX_MAPPED, map, sealedBytes, sealedMemfd } from '../../../src/native/libc/memory.js';
import { withoutLeaks } from '../../support/fds.js';

const SIZE = 8192;
const F_ADD_SEALS = 1033;
const F_GET_SEALS = 1034;
// linux/fcntl.h: F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE
const [SEAL, SHRINK, GROW, WRITE] = [1, 2, 4, 8];
const fcntl = (fd: number, command: number, value = 0) =>
  callInt(symbol('fcntl'), fd, command, value);
const mapped = (name: string) => readFileSync('/proc/self/maps', 'utf8').includes(`memfd:${name} `);

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

await withoutLeaks(t, 'memory', async (t) => {
  t.test('a sealed memfd', async (t) => {
    const fd = sealedMemfd('a name', SIZE);
    t.ok(isCloexec(fd));
    t.match(readlinkSync(`/proc/self/fd/${fd}`), /^\/memfd:a name \(deleted\)$/);
    t.equal(fcntl(fd, F_GET_SEALS), SEAL | SHRINK | GROW);
    t.throws(() => ftruncateSync(fd, 0), { code: 'EPERM' });
    t.throws(() => ftruncateSync(fd, SIZE * 2), { code: 'EPERM' });
    t.throws(() => writeSync(fd, Buffer.alloc(1), 0, 1, SIZE), { code: 'EPERM' });
    t.equal(fcntl(fd, F_ADD_SEALS, WRITE), -1, 'nor can its content be frozen');
    const bytes = Buffer.alloc(SIZE, 1);
    t.equal(readSync(fd, bytes), SIZE);
    t.ok(bytes.equals(Buffer.alloc(SIZE)), 'zeroed');
    t.equal(writeSync(fd, 'hello', 0), 5, 'its content stays free');
    close(fd);
  });

  t.test('a sealed table', async (t) => {
    const table = Buffer.from('a table');
    const fd = sealedBytes('table', table);
    const bytes = Buffer.alloc(20);
    t.equal(readSync(fd, bytes, { position: 0 }), table.length);
    t.ok(bytes.subarray(0, table.length).equals(table));
    t.throws(() => writeSync(fd, 'x'), { code: 'EPERM' });
    t.throws(() => map(fd, 7, { write: true }), { code: 'EPERM' });
    const { bytes: view, release } = map(fd, table.length, { write: false });
    t.same(view, table);
    release();
    close(fd);
  });

  t.test('what cannot be made leaves no fd', async (t) => {
    t.throws(() => sealedMemfd('x', 2 ** 60), RangeError);
    t.throws(() => sealedMemfd('a\0b', 1), TypeError);
    // memfd_create(2): a name has at most 249 bytes.
    t.throws(() => sealedMemfd('x'.repeat(250), 1), { syscall: 'memfd_create', code: 'EINVAL' });
  });

  t.test('mappings', async (t) => {
    const fd = sealedMemfd('shared', SIZE);
    const [one, two] = [map(fd, SIZE, { write: true }), map(fd, SIZE, { write: false })];
    one.bytes.write('hello');
    t.equal(two.bytes.toString('latin1', 0, 5), 'hello');
    const read = Buffer.alloc(5);
    readSync(fd, read, { position: 0 });
    t.equal(read.toString(), 'hello', 'writes go to the file');
    const view = two.bytes.subarray(0, 5);
    two.release();
    two.release();
    t.same(view, Buffer.alloc(5));
    view.write('stray');
    t.equal(view.toString(), 'stray', 'a write into what was read-only does not crash');
    t.equal(one.bytes.toString('latin1', 0, 5), 'hello', 'and goes nowhere');
    close(fd);
    t.equal(one.bytes.toString('latin1', 0, 5), 'hello', 'a mapping outlives its fd');
    t.ok(mapped('shared'));
    one.release();
    t.notOk(mapped('shared'), 'the kernel’s reference is gone at once');
  });

  t.test('what cannot be mapped', async (t) => {
    const fd = sealedMemfd('x', SIZE);
    for (const length of [0, -1, 1.5, Number.NaN, 2 ** 60]) {
      t.throws(() => map(fd, length, { write: true }), RangeError);
    }
    close(fd);
    t.throws(() => map(fd, SIZE, { write: false }), { syscall: 'mmap', code: 'EBADF' });
    const pipe = openSync('/dev/null', 'r');
    t.throws(() => map(pipe, SIZE, { write: false }), { code: 'ENODEV' });
    close(pipe);
  });

  t.test('what a Buffer cannot have is not mapped', async (t) => {
    const size = MAX_MAPPED + SIZE;
    const fd = sealedMemfd('large', size);
    t.throws(() => map(fd, size, { write: true }), /4294967296.*map a part/);
    t.throws(() => map(fd, MAX_MAPPED, { write: true, offset: 1 }), RangeError);
    t.notOk(mapped('large'), 'and nothing of it stays');
    t.throws(() => map(fd, SIZE, { write: true, offset: -1 }), RangeError);
    const end = map(fd, 10, { write: true, offset: size - 10 });
    t.equal(end.bytes.length, 10);
    end.bytes.write('0123456789');
    const read = Buffer.alloc(5);
    readSync(fd, read, { position: size - 5 });
    t.equal(read.toString(), '56789', 'a part behind 4 GiB, which begins at no page');
    end.release();
    t.notOk(mapped('large'));
    close(fd);
  });

  t.test('what nobody can reach is unmapped', async (t) => {
    const fd = sealedMemfd('forgotten', SIZE);
    let view: Buffer | null = map(fd, SIZE, { write: true }).bytes.subarray(0, 5);
    close(fd);
    for (let i = 0; i < 10; i++) {
      collectGarbage();
      await setImmediate();
    }
    t.ok(mapped('forgotten'), 'a view of a part keeps all of it');
    view.write('hello');
    view = null;
    const TURNS = 1000;
    for (let i = 0; mapped('forgotten') && i < TURNS; i++) {
      collectGarbage();
      await setImmediate();
    }
    t.notOk(mapped('forgotten'));
  });
});
