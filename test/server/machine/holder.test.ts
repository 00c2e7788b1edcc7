/**
 * Whose place may be taken: only that of a process which is seen to be ending. test/server/wayland/slow-files.test.ts
 * has a daemon that is killed while a client's file keeps it from ending.
 */
import t from 'tap';
import { SystemError } from '../../../src/native/libc/errno.js';
import { abandonedBy, holderLine } from '../../../src/server/machine/holder.js';

t.test('whose place may be taken', async (t) => {
  const ending = { isEnding: () => true, startTime: () => '77' };
  const text = 'process 12 77\nsocket 1:2\nsocket 3:4\nsock';
  t.same(abandonedBy(text, ending), new Set(['1:2', '3:4']));
  t.equal(abandonedBy(text, { ...ending, isEnding: () => false }), null, 'it is well');
  t.equal(abandonedBy(text, { ...ending, startTime: () => '78' }), null, 'another has its number');
  t.equal(abandonedBy('', ending), null, 'it does not say who');
  const unseen = () => {
    throw new SystemError('open', 2);
  };
  t.equal(abandonedBy(text, { ...ending, startTime: unseen }), null, 'not to be seen from here');
  t.equal(abandonedBy(holderLine()), null, 'this process, by the real /proc');
});
