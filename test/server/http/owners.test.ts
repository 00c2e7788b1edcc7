/** Owners over REST, with a real daemon and processes of two users; and the policy that switches it off. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Actor } from '../../support/actor.js';
import { eventually, TestDaemon } from '../../support/daemon.js';
import { temporaryFolder } from '../../support/folder.js';
import { ownersAreApart } from './support/owners.js';

/** Users without a name and without further groups: only root can be them. */
const [ALICE, BOB] = [61_001, 61_002];
const skip = process.getuid?.() === 0 ? false : 'it takes root to be somebody else';

t.test('owners', { skip }, async (t) => {
  const file = join(temporaryFolder(t), 'dmabroker.toml');
  const sockets = '[clients]\nmode = "0666"\n[rest]\nmode = "0666"\n';
  const policy = `[policy]\nconnect = { users = [${ALICE}, ${BOB}] }\n`;
  writeFileSync(file, sockets + policy);
  const daemon = await TestDaemon.memfd(t, {}, ['--config', file]);
  chmodSync(daemon.folder, 0o755);
  const user = async (uid: number) => {
    const actor = Actor.start(daemon, uid);
    t.teardown(() => actor.end('kill'));
    await actor.tell({ what: 'connect' });
    return { uid, actor };
  };
  const [alice, bob] = [await user(ALICE), await user(BOB)];
  await ownersAreApart(t, alice, bob, 'memfd');

  const list = { what: 'rest', method: 'GET', path: '/v1/buffers' } as const;
  writeFileSync(file, `${sockets}${policy}owner = { users = [${ALICE}] }\n`);
  daemon.process.kill('SIGHUP');
  const off = async () => (await bob.actor.tell(list)) === 403;
  await eventually(off, 'bob is no owner any more');
  t.equal(await alice.actor.tell(list), 200, 'alice is');
});
