/**
 * docs/containers.md for podman, in the guest: every command of it is run as it stands there, and what the page says of
 * whom the daemon sees, what is charged and who is shown is so.
 */
import { createHash } from 'node:crypto';
import t from 'tap';
import type { ClientInfo, Holders, Processes, UserInfo } from '../../src/rest/contract.js';
import { atNight } from '../support/night.js';
import { commands, seeSandboxed } from './sandboxed.js';

t.setTimeout(900_000);

const night = atNight(0, 1) === 1;
const { values: seen, recipes } = await seeSandboxed(t, 'containers.sh', night ? 'all' : 'gate');
const json = (text: string | undefined): unknown => JSON.parse(text ?? 'null');
/** Of the only client: who the daemon takes it for. */
function who(text: string | undefined) {
  const [client, ...others] = json(text) as ClientInfo[];
  const { uid, gid, groups, unit, slice, container } = client as ClientInfo;
  return { others: others.length, uid, gid, groups, unit, slice, container };
}
const hashOf = (content: Buffer) => `${createHash('sha256').update(content).digest('hex')}  -`;
const DREW = 'drew 640x480 pixels';
const group = Number(seen.gid);

t.test('a container of root’s, with a user and the group', async (t) => {
  t.match(seen.one_id, /^[0-9a-f]{64}$/);
  t.same(who(seen.one), {
    others: 0,
    uid: 1001,
    gid: group,
    groups: [group],
    unit: `libpod-${seen.one_id}.scope`,
    slice: 'machine.slice',
    container: seen.one_id,
  });
});

t.test('tokens go out and in, and it is the same memory', async (t) => {
  t.match(seen.outward, /^[0-9a-f]{64} /);
  t.not(seen.outward, hashOf(Buffer.alloc(0)), 'something arrived');
  t.not(seen.outward, hashOf(Buffer.alloc(640 * 480 * 4)), 'which was drawn');
  t.equal(seen.inward, seen.outward, 'the same program has drawn both');
});

t.test('processes in it are seen from outside', async (t) => {
  t.match(json(seen.holders), {
    complete: true,
    holders: [{ uid: 1001, container: seen.one_id, executable: 'dmabroker-examp' }],
  });
  t.equal((json(seen.ps) as Processes).processes[0]?.container, seen.one_id);
});

t.test('the socket’s file outlives the daemon, the folder the socket, too', async (t) => {
  t.equal(seen.file, DREW);
  t.equal(seen.file_kept, DREW);
  t.match(seen.file_restarted, /nobody answers at/);
  t.equal(seen.one_restarted, DREW);
});

t.test('root in it is root, unless it has uids of its own', async (t) => {
  t.match(json(seen.root), { uid: 0, role: 'admin' });
  t.equal(seen.auto, DREW);
});

t.test('without root, the group must be kept', async (t) => {
  t.equal(seen.kept, DREW);
  t.match(seen.plain, /permission_denied: user 1001 may not connect: .* group dmabroker$/);
  t.equal(seen.keep_id, DREW);
  t.match(who(seen.five), {
    others: 0,
    uid: 100_004,
    container: seen.five_id,
    unit: `libpod-${seen.five_id}.scope`,
    slice: 'user.slice',
  });
  t.ok(who(seen.five).groups?.includes(group));
  const charged = (json(seen.five_charged) as UserInfo[]).map(({ uid }) => uid);
  t.same(charged, [1001], 'a subordinate uid is charged to its owner');
  t.equal((json(seen.five_held) as Holders).holders?.[0]?.container, seen.five_id);
});

if (night) {
  t.test('a service (Quadlet), its quota, and a daemon of one’s own', async (t) => {
    t.match(who(seen.service), {
      others: 0,
      uid: 1001,
      groups: [group],
      unit: 'client.service',
      slice: 'system.slice',
      container: seen.service_id,
    });
    t.equal(seen.service_listed, '1');
    t.equal(seen.service_cgroup, '1');
    t.equal(seen.service_limit, `the cgroup /system.slice/client.service may have ${2 ** 20}`);
    t.match(
      seen.pattern,
      /^the cgroup \/machine\.slice\/libpod-[0-9a-f]{64}\.scope may have 1048576$/,
    );
    t.equal(seen.own, '1001');
    t.equal(seen.own_ps, '64', 'alice’s daemon sees into her containers');
    const podmans = commands().filter((command) => !command.startsWith('flatpak '));
    t.same([...recipes].sort(), podmans.sort(), 'each command of the page was run');
  });
}
