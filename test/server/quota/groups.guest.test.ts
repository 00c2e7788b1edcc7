/**
 * A group's quota among real users: alice and bob are in the group dmabroker (SO_PEERGROUPS says so), and have
 * together what it may have, over the socket and over REST; who leaves the group to evade it is not let in.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { QuotaInfo } from '../../../src/rest/contract.js';
import { Actor, type Got, gidOf, sharedDaemon, uidOf } from '../../support/actor.js';
import { eventually } from '../../support/daemon.js';
import { withoutLeaks } from '../../support/fds.js';
import { recounted } from '../../support/recount.js';

const SIZE = 64 * 1024;
const BUFFERS = 5;
const SOURCE = 'memfd';
const alloc = { what: 'allocate', source: SOURCE, size: SIZE, lifetime: 'connection' } as const;

/** Of its members who may make buffers over REST. */
const OPERATORS = '[policy]\noperator = { groups = ["dmabroker"] }\n';

await withoutLeaks(t, 'a group has a quota', async (t) => {
  const daemon = await sharedDaemon(t, {
    toml: `${OPERATORS}[quotas.groups.dmabroker]\nbytes = ${BUFFERS * SIZE}\n`,
  });
  const gid = gidOf('dmabroker');
  const group = async (): Promise<QuotaInfo> =>
    (await daemon.rest('GET', `/v1/quotas/group/${gid}`)).body;
  const groups = {
    code: 'limit_exceeded',
    refusal: {
      constraint: 'quota.group.bytes',
      quota: { scope: 'group', key: String(gid), limit: BUFFERS * SIZE },
    },
  };
  const [alice, bob] = [
    await Actor.connected(t, daemon, 'alice'),
    await Actor.connected(t, daemon, 'bob'),
  ];

  const got: Got[] = [await alice.allocate(SOURCE, SIZE), await alice.allocate(SOURCE, SIZE)];
  const asked = { kind: 'buffer', size: SIZE, handle_types: ['memfd'] };
  const ask = { what: 'ask', method: 'POST', path: '/v1/buffers', body: asked } as const;
  const made = await alice.tell<{ status: number; body: { buffer: { id: string } } }>(ask);
  t.equal(made.status, 201, 'over REST, as the same groups');
  const his = await bob.takeAll(SOURCE, SIZE);
  t.equal(his.got.length, BUFFERS - 3, 'bob has what alice has left of it');
  t.match(his.refused, groups);
  t.match(his.refused.message, new RegExp(`^the group ${gid} may have `));
  t.match(await alice.refused(alloc), groups, 'alice, too');
  t.match(await alice.tell(ask), { status: 429, body: { refusal: groups.refusal } });
  const { status } = await daemon.rest('POST', '/v1/buffers', asked);
  t.equal(status, 201, 'root is not in it');
  await recounted(daemon);

  await t.test('whoever drops the group is not let in', async (t) => {
    const without = Actor.start(daemon, uidOf('alice'));
    t.teardown(() => without.end('kill'));
    t.match(await without.refused({ what: 'connect' }), {
      message: /user \d+ may not connect: that is for members of the group dmabroker/,
    });
  });

  await t.test('the rule goes and comes back with a reload', async (t) => {
    const file = join(daemon.folder, 'dmabrokerd.toml');
    const rest = `[clients]\ngroup = "dmabroker"\n[rest]\ngroup = "dmabroker"\n${OPERATORS}`;
    writeFileSync(file, rest);
    daemon.process.kill('SIGHUP');
    await eventually(async () => (await group()).charge === null, 'it is not counted');
    const more = await bob.allocate(SOURCE, SIZE);
    writeFileSync(file, `${rest}[quotas.groups.${gid}]\nbytes = ${BUFFERS * SIZE}\n`);
    daemon.process.kill('SIGHUP');
    await eventually(async () => (await group()).charge !== null, 'it is counted');
    t.match(await group(), { charge: { bytes: (BUFFERS + 1) * SIZE }, over_limit: true });
    await recounted(daemon);
    await bob.tell({ what: 'release', number: more.number });
  });

  for (const { number } of got) await alice.tell({ what: 'release', number });
  await daemon.rest('DELETE', `/v1/buffers/${made.body.buffer.id}`);
  await bob.end('kill');
  await eventually(async () => (await group()).charge?.bytes === 0, 'all of it is given back');
  await recounted(daemon);
});
