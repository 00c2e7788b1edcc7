/**
 * Users and groups that are in none of the files of /etc: Debian's libnss-extrausers has them, which is a module of
 * NSS as those of SSSD or LDAP are. They are named in the configuration and in /etc/subuid, connect, and are shown by name.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { ConfigReport, UserInfo } from '../../../src/rest/contract.js';
import { Actor, sharedDaemon } from '../../support/actor.js';
import { eventually } from '../../support/daemon.js';
import { withoutLeaks } from '../../support/fds.js';

const [DAVE, TEAM, IN_CONTAINER] = [70_001, 70_005, 300_007];
/** Where that module looks. */
const EXTRA = '/var/lib/extrausers';

const EXTRAUSERS = 'passwd: files extrausers\ngroup: files extrausers\n';

await withoutLeaks(t, 'users of a directory', async (t) => {
  writeFileSync('/etc/nsswitch.conf', EXTRAUSERS);
  writeFileSync(join(EXTRA, 'passwd'), `dave:x:${DAVE}:${DAVE}::/:/bin/sh\n`);
  writeFileSync(join(EXTRA, 'group'), `dave:x:${DAVE}:\nteam:x:${TEAM}:dave\n`);
  writeFileSync('/etc/subuid', 'dave:300000:65536\nnobody-anywhere:400000:1\n');
  for (const file of ['/etc/passwd', '/etc/group'])
    t.notMatch(readFileSync(file, 'utf8'), /dave|team/);

  const daemon = await sharedDaemon(t, {
    toml: `[policy]
connect = { groups = ["team"], users = [${IN_CONTAINER}] }
operator = { users = ["dave"] }
[quotas.users.dave]
buffers = 5
[quotas.groups.team]
buffers = 3
`,
  });
  const dave = await Actor.connected(t, daemon, 'dave');
  const { got, refused } = await dave.takeAll('memfd', 4096);
  t.equal(got.length, 3);
  t.match(refused, {
    refusal: { constraint: 'quota.group.buffers', quota: { key: String(TEAM) } },
  });

  const users = async (): Promise<UserInfo[]> => (await daemon.rest('GET', '/v1/users')).body;
  t.match(await users(), [{ uid: DAVE, name: 'dave', limits: { buffers: 5 } }]);

  await t.test('a container of theirs is theirs', async (t) => {
    const inside = Actor.start(daemon, IN_CONTAINER);
    t.teardown(() => inside.end('kill'));
    await inside.tell({ what: 'connect' });
    await inside.allocate('memfd', 4096);
    t.match(await users(), [{ uid: DAVE, name: 'dave', charge: { buffers: 4 } }]);
    await inside.end('kill');
  });

  await t.test('the line of what the file says is found by name', async (t) => {
    const report: ConfigReport = (await daemon.rest('GET', '/v1/config')).body;
    const lines = new Map(report.settings.map(({ key, line }) => [key, line]));
    const text = readFileSync(join(daemon.folder, 'dmabrokerd.toml'), 'utf8').split('\n');
    t.equal(lines.get(`quotas.users.${DAVE}.buffers`), text.indexOf('buffers = 5') + 1);
    t.equal(lines.get(`quotas.groups.${TEAM}.buffers`), text.indexOf('buffers = 3') + 1);
  });

  await t.test('a name that nobody knows is a mistake, also at a reload', async () => {
    const file = join(daemon.folder, 'dmabrokerd.toml');
    writeFileSync(file, '[policy]\nconnect = { groups = ["tea"] }\n');
    daemon.process.kill('SIGHUP');
    const said = /policy\.connect\.groups: this machine has no group tea \(getent group tea\)/;
    await eventually(
      () => daemon.log.some((line) => said.test(JSON.stringify(line))),
      'the log says so',
    );
  });
});
