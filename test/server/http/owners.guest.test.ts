/** Owners over REST, with dma_bufs and the guest's users alice and bob. */
import { execFileSync } from 'node:child_process';
import { lstatSync } from 'node:fs';
import t from 'tap';
import { Actor, sharedDaemon } from '../../support/actor.js';
import { withoutLeaks } from '../../support/fds.js';
import { ownersAreApart } from './support/owners.js';

await withoutLeaks(t, 'owners', async (t) => {
  const daemon = await sharedDaemon(t);
  const before = await daemon.idleFds();
  t.equal(lstatSync(daemon.restSocket).mode & 0o777, 0o660, 'whom the policy names may open it');
  const [alice, bob] = await Promise.all(
    ['alice', 'bob'].map(async (name) => {
      const actor = Actor.start(daemon, name);
      t.teardown(() => actor.end('kill'));
      await actor.tell({ what: 'connect' });
      return { uid: Number(execFileSync('id', ['-u', name], { encoding: 'utf8' })), actor };
    }),
  );
  if (alice === undefined || bob === undefined) throw new Error('nobody is there');
  await ownersAreApart(t, alice, bob, 'udmabuf');
  for (const { actor } of [alice, bob]) await actor.end('leave');
  await t.resolves(daemon.settled(before));
  t.equal(await daemon.stop(), 0);
  t.same(daemon.errors, []);
});
