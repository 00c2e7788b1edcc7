/** Access lists: the bytes that the kernel wants, and that it lets in whom they name and nobody else. */
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { aclBytes, allow } from '../../../src/native/libc/acl.js';
import { temporaryFolder } from '../../support/folder.js';

t.test('the bytes of linux/posix_acl_xattr.h', async (t) => {
  const bytes = aclBytes({ uids: [1001, 1000, 1001], gids: [50] }, 0o640);
  const entries = [
    ['0100', '0600', 'ffffffff'],
    ['0200', '0600', 'e8030000'],
    ['0200', '0600', 'e9030000'],
    ['0400', '0400', 'ffffffff'],
    ['0800', '0600', '32000000'],
    ['1000', '0600', 'ffffffff'],
    ['2000', '0000', 'ffffffff'],
  ];
  t.equal(bytes.toString('hex'), `02000000${entries.flat().join('')}`);
});

const skip = process.getuid?.() === 0 ? false : 'only root can be somebody else';

t.test('who is named may open the file, and nobody else', { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'file');
  writeFileSync(file, '');
  chmodSync(folder, 0o755);
  chownSync(file, 0, 0);
  chmodSync(file, 0o660);
  const opens = (uid: number, gid: number) =>
    spawnSync('/bin/sh', ['-c', `exec 3<>'${file}'`], { uid, gid }).status === 0;
  t.notOk(opens(61_001, 61_001));
  allow(file, { uids: [61_001], gids: [61_003] }, 0o660);
  t.ok(opens(61_001, 61_001), 'a user');
  t.ok(opens(61_002, 61_003), 'a group');
  t.notOk(opens(61_002, 61_002), 'somebody else');
  allow(file, { uids: [61_002], gids: [] }, 0o660);
  t.ok(opens(61_002, 61_002), 'in place of the list before');
  t.notOk(opens(61_001, 61_001));
  t.equal(statSync(file).mode & 0o777, 0o660);
  t.throws(() => allow('/proc/self/status', { uids: [1], gids: [] }, 0o660), {
    code: 'ENOTSUP',
  });
});
