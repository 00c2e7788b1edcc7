/** `dmabrokerctl quota` against the real REST server. */
import t from 'tap';
import { peer } from '../broker/support/world.js';
import { startServer } from '../server/http/support/server.js';
import { withoutLeaks } from '../support/fds.js';
import { ctl } from './support/again.js';
import { userName } from './support/ctl.js';

/** No user of any machine that this runs on. */
const NOBODY = 61_998;

await withoutLeaks(t, 'quota', async (t) => {
  const server = await startServer(t);
  const run = (...args: string[]) => ctl(['--socket', server.socketPath, 'quota', ...args]);
  const { broker } = server.daemon;
  const { quotas } = broker;
  const owner = { client: null, peer: { ...peer, uid: 7 } };
  quotas.reserve(owner, 'memfd', { bytes: 4096, fds: 1 }, []);

  const set = await run('set', 'user/7', '--bytes', '2K', '--fds', 'none', '--per-second', '1.5');
  t.equal(set.status, 0, set.stderr);
  t.match(set.stdout, /^bytes: +2 KiB \(REST\), 4 KiB in use$/m);
  t.match(set.stdout, /^over the limit: +yes/m);
  t.same(quotas.policy.rules('rest').get('user/7'), {
    bytes: 2048,
    fds: null,
    allocationsPerSecond: 1.5,
  });
  const list = await run();
  t.match(
    list.stdout,
    new RegExp(
      `^user/${userName(7)} +4 KiB / 2 KiB +1 / 16384 +1 / - +1 / 256 +1\\.5 +REST, default +yes$`,
      'm',
    ),
  );
  t.match(list.stdout, /^daemon +4 KiB \/ - /m);
  t.match(JSON.parse((await run('get', 'user/7', '--json')).stdout), { key: '7' });
  t.match((await run('get', 'daemon')).stdout, /^reserve: +0\.1 \(default\)$/m);
  t.match((await run('unset', 'user/7')).stdout, /^over the limit: +no$/m);
  t.equal(quotas.policy.rules('rest').size, 0);

  for (const args of [['set', 'user/7'], ['set', 'user/7', '--bytes', '5X'], ['set']]) {
    t.equal((await run(...args)).status, 2, args.join(' '));
  }
  const unknown = await run('get', 'user/no-such-user');
  t.match(unknown, { status: 2, stderr: /'quota'\. This machine has no such user/ });
  t.match(await run('get', 'group/no-such-group'), {
    status: 2,
    stderr: /'quota'\. This machine has no such group/,
  });
  t.match((await run('set', 'group/root', '--bytes', '4G')).stdout, /^quota: +group\/root$/m);
  t.match((await run()).stdout, /^group\/root +0 B \/ 4 GiB /m);
  t.match((await run('unset', 'group/0')).stdout, /^bytes: +none \(default\)$/m);
  t.match((await run('get', 'user/root')).stdout, /^quota: +user\/root$/m, 'by name');
  quotas.reserve(
    { client: null, peer: { ...peer, uid: NOBODY } },
    'memfd',
    { bytes: 1, fds: 1 },
    [],
  );
  t.match((await run()).stdout, /^user\/61998 +1 B \/ - /m, 'there is no name');
  t.match((await run('get', `user/${NOBODY}`)).stdout, /^share of bytes: +no limit$/m);
  await run('set', 'daemon', '--bytes', '64M');
  t.match((await run('get', `user/${NOBODY}`)).stdout, /^share of bytes: +\d\d(\.\d)? MiB$/m);
  t.match(await run('get', 'nonsense'), { status: 1, stderr: /not_found|invalid_argument/ });
});
