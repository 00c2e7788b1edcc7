/** File descriptors by number. */
import { openSync } from 'node:fs';
import t from 'tap';
import { callInt, symbol } from '../../../src/native/ffi.js';
import {
  close,
  duplicate,
  identity,
  isCloexec,
  isWritable,
  setCloexec,
} from '../../../src/native/libc/fd.js';
import { withoutLeaks } from '../../support/fds.js';

const badFd = { name: 'SystemError', code: 'EBADF' };

await withoutLeaks(t, 'fds', async (t) => {
  const fd = openSync('/dev/zero', 'r');
  t.ok(isCloexec(fd), 'Node’s are');

  const copy = duplicate(fd);
  t.ok(copy > 2 && copy !== fd);
  t.ok(isCloexec(copy));
  t.equal(identity(copy), identity(fd));
  const other = openSync('/dev/full', 'r');
  t.not(identity(other), identity(fd));

  const inherited = callInt(symbol('dup'), fd);
  t.notOk(isCloexec(inherited), 'dup(2) makes one that is not');
  setCloexec(inherited);
  t.ok(isCloexec(inherited));

  const both = openSync('/dev/zero', 'r+');
  t.same([isWritable(fd), isWritable(both)], [false, true]);

  for (const each of [fd, copy, other, inherited, both]) close(each);
  t.throws(() => close(fd), badFd, 'once is enough');
  t.throws(() => close(-1), badFd);
  t.throws(() => duplicate(fd), badFd);
  t.throws(() => isCloexec(fd), badFd);
  t.throws(() => isWritable(fd), badFd);
  t.throws(() => setCloexec(fd), badFd);
  t.throws(() => identity(fd), { code: 'EBADF' });
});
