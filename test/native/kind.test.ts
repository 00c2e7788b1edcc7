/** What an fd is, told without asking the file; a server that answers nothing does not hold it up. */
import { closeSync, mkdirSync, openSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { kindOf } from '../../src/native/kind.js';
import { close } from '../../src/native/libc/fd.js';
import { sealedMemfd } from '../../src/native/libc/memory.js';
import { withoutLeaks } from '../support/fds.js';
import { withFewFds } from '../support/few-fds.js';
import { temporaryFolder } from '../support/folder.js';
import { FuseFile, fuseMissing } from '../support/fuse.js';
import { strangeFds } from '../support/strange-fds.js';

await withoutLeaks(t, 'kinds of file', async (t) => {
  kindOf(openAndClose());
  await t.test('each is known', async (t) => {
    for (const [name, { make, kind }] of strangeFds()) {
      const { fd, end } = make();
      t.equal(kindOf(fd), kind, name);
      end?.();
      close(fd);
    }
    t.equal(kindOf(99_999), 'other', 'nor is an fd that is not open');
  });

  t.test('a file of a telling name is no such thing', async (t) => {
    const folder = temporaryFolder(t);
    for (const name of ['memfd:x', 'dmabuf:', 'socket:[1]']) {
      const path = join(folder, name);
      writeFileSync(path, 'exp_name:\tsystem\n');
      const fd = openSync(path, 'r+');
      t.equal(kindOf(fd), 'other', name);
      closeSync(fd);
    }
    // A folder that is the root of its mount is `/` to whoever looks at the link.
    mkdirSync(join(folder, 'dev'));
    symlinkSync('/dev/shm', join(folder, 'dev', 'shm'));
    const path = '/dev/shm/dmabroker-kind-test';
    writeFileSync(path, '');
    const fd = openSync(path, 'r+');
    t.equal(kindOf(fd), 'other', 'a file in another file system below /dev');
    closeSync(fd);
  });

  t.test('without a descriptor to ask with', async (t) => {
    const memfd = sealedMemfd('test', 4096);
    t.equal(
      withFewFds(0, () => kindOf(memfd)),
      'unasked',
    );
    t.equal(kindOf(memfd), 'memfd', 'it is asked again the next time');
    close(memfd);
  });

  await t.test('a file whose server answers nothing', { skip: fuseMissing() }, async (t) => {
    const file = await FuseFile.mount(t);
    const fd = file.open();
    await file.hold('GETATTR', 'STATFS', 'LSEEK', 'POLL', 'FLUSH');
    t.equal(kindOf(fd), 'other');
    await file.letGo();
    close(fd);
  });
});

/** The first call looks what mounts there are. */
function openAndClose(): number {
  const fd = openSync('/dev/null', 'r');
  kindOf(fd);
  closeSync(fd);
  return fd;
}
