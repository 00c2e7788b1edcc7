/** Whom a socket's file lets in beside its mode, and that nobody else's file is touched for it. */
import { spawnSync } from 'node:child_process';
import { chmodSync, lstatSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { publishSocket } from '../../../src/server/machine/socket-file.js';
import { temporaryFolder } from '../../support/folder.js';

const skip = process.getuid?.() === 0 ? false : 'only root can be somebody else';
const nobody = { uids: [], gids: [] };

const connects = (path: string, uid: number, gid: number) => {
  const script = `require('node:net').connect(${JSON.stringify(path)}).on('connect', () => process.exit(0)).on('error', () => process.exit(1))`;
  return spawnSync(process.execPath, ['-e', script], { uid, gid }).status === 0;
};

t.test('who is named gets in, and the file’s own group only where it may', { skip }, async (t) => {
  const folder = temporaryFolder(t);
  chmodSync(folder, 0o755);
  const [path, away] = [join(folder, 'rest.sock'), join(folder, 'away')];
  const server = createServer((socket) => socket.destroy());
  t.teardown(() => server.close());
  const listen = (at: string) => new Promise<void>((done) => server.listen(at, done));
  const { admit, unpublish } = await publishSocket({ path, mode: 0o660 }, listen);
  t.notOk(connects(path, 61_001, 61_001));
  t.ok(connects(path, 61_001, 0), 'by its mode the file’s group does');
  admit({ uids: [61_001], gids: [61_003] }, 0o600);
  t.ok(connects(path, 61_001, 61_001), 'a user');
  t.ok(connects(path, 61_002, 61_003), 'a group');
  t.notOk(connects(path, 61_002, 61_002));
  t.notOk(connects(path, 61_002, 0), 'nor the file’s group, which nobody has named');
  t.equal(lstatSync(path).mode & 0o777, 0o660);
  admit(nobody, 0o660);
  t.notOk(connects(path, 61_001, 61_001), 'who is named no more');
  t.ok(connects(path, 61_002, 0));

  renameSync(path, away);
  const victim = join(folder, 'victim');
  writeFileSync(victim, 'secret', { mode: 0o600 });
  symlinkSync(victim, path);
  t.throws(() => admit({ uids: [61_001], gids: [] }, 0o600), /is not this daemon's any more/);
  t.equal(lstatSync(victim).mode & 0o777, 0o600, 'what a link in its place leads to stays closed');
  unpublish();
  t.ok(lstatSync(path).isSymbolicLink(), 'and stays where it is');
  unlinkSync(path);
});
