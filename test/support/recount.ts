/**
 * What a daemon says that everybody is charged, against a count of the buffers that it lists.
 */
import { spawnSync } from 'node:child_process';
import { isDeepStrictEqual } from 'node:util';
import type {
  BufferInfo,
  CgroupInfo,
  ClientInfo,
  QuotaInfo,
  UserInfo,
} from '../../src/rest/contract.js';
import { eventually, type TestDaemon } from './daemon.js';

/** Planes that lie in one memory share an fd, for each type that it is. */
const fdsOf = ({ planes, further_handle_types = [] }: BufferInfo) =>
  new Set(planes.map((p) => p.memory)).size * (1 + further_handle_types.length);
const charge = (buffers: readonly BufferInfo[]) => ({
  bytes: buffers.reduce((sum, { size }) => sum + size, 0),
  buffers: buffers.length,
  fds: buffers.reduce((sum, buffer) => sum + fdsOf(buffer), 0),
  pending: 0,
});

const EMPTY = charge([]);

const isHeap = (key: string) => key.startsWith('vulkan:');

const known = new Map<number, readonly number[]>();

/**
 * The groups that a test's processes of a user are in: this process's own, those of the user's login
 * (Actor with a name), or for a user who is there by number only, the one of that number.
 */
function groupsOf(uid: number): readonly number[] {
  if (uid === process.getuid?.())
    return [process.getgid?.() ?? 0, ...(process.getgroups?.() ?? [])];
  const before = known.get(uid);
  if (before !== undefined) return before;
  const { status, stdout } = spawnSync('id', ['-G', String(uid)], { encoding: 'utf8' });
  const groups = status === 0 ? stdout.trim().split(' ').map(Number) : [uid];
  known.set(uid, groups);
  return groups;
}

/** Whose a quota's charge is; null where the quota is for several. */
function chargedTo({ scope, key }: QuotaInfo): ((buffer: BufferInfo) => boolean) | null {
  if (scope === 'daemon') return () => true;
  if (scope === 'source' && !isHeap(key)) return ({ source }) => source === key;
  if (scope === 'user' && key !== 'default') return ({ owner }) => String(owner.uid) === key;
  if (scope === 'group') {
    return ({ owner: { uid } }) => uid !== null && groupsOf(uid).includes(Number(key));
  }
  return null;
}

/** Whether a control group is this one or below it. */
const isWithin = (path: string, above: string) =>
  above === '/' || path === above || path.startsWith(`${above}/`);

interface Charged {
  readonly users: readonly UserInfo[];
  readonly quotas: readonly QuotaInfo[];
  readonly cgroups: readonly CgroupInfo[];
}

function differences(
  buffers: readonly BufferInfo[],
  clients: readonly ClientInfo[],
  { users, quotas, cgroups }: Charged,
): object[] {
  const found: object[] = [];
  const same = (what: string, said: unknown, counted: unknown) => {
    if (!isDeepStrictEqual(said, counted)) found.push({ what, said, counted });
  };
  const uids = new Set([...users.map(({ uid }) => uid), ...buffers.map(({ owner }) => owner.uid)]);
  for (const uid of uids) {
    const mine = buffers.filter(({ owner }) => owner.uid === uid);
    same(`user ${uid}`, users.find((user) => user.uid === uid)?.charge, charge(mine));
  }
  // Of all heaps together: the list does not tell in which of them a buffer is.
  const heaps = quotas.filter(({ scope, key }) => scope === 'source' && isHeap(key));
  const inHeaps = heaps.reduce((sum, { charge }) => sum + (charge?.bytes ?? 0), 0);
  same('heaps', inHeaps, charge(buffers.filter(({ source }) => source === 'vulkan')).bytes);
  for (const quota of quotas) {
    if (heaps.includes(quota)) continue;
    const mine = chargedTo(quota);
    const counted = mine === null ? null : charge(buffers.filter(mine));
    same(`quota ${quota.scope}/${quota.key}`, quota.charge, counted);
  }
  for (const { path, uid, charge: said } of cgroups) {
    const mine = buffers.filter(
      ({ owner }) => owner.uid === uid && owner.cgroup !== null && isWithin(owner.cgroup, path),
    );
    same(`cgroup ${path} of ${uid}`, said, charge(mine));
  }
  for (const { id, buffers: count, bytes } of clients) {
    // A connection is told what it owns; what it has released is its user's charge alone.
    const owned = buffers.filter(
      ({ owner, released_at }) => owner.client === id && released_at === null,
    );
    const { buffers: counted, bytes: size } = charge(owned);
    same(`client ${id}`, { count, bytes }, { count: counted, bytes: size });
  }
  return found;
}

/** Waits until everything agrees; the lists are asked for one after the other. */
export async function recounted(daemon: TestDaemon): Promise<void> {
  let left: object[] = [];
  await eventually(
    async () => {
      const buffers = await daemon.buffers();
      const { body: users } = await daemon.rest('GET', '/v1/users');
      const { body: quotas } = await daemon.rest('GET', '/v1/quotas');
      const { body: cgroups } = await daemon.rest('GET', '/v1/cgroups');
      left = differences(buffers, await daemon.clients(), { users, quotas, cgroups });
      return left.length === 0;
    },
    () => `a recount agrees: ${JSON.stringify(left)}`,
  );
}

/** Waits until nobody is charged anything. */
export async function nothingCharged(daemon: TestDaemon): Promise<void> {
  await recounted(daemon);
  const { body } = await daemon.rest('GET', '/v1/users');
  const charged = (body as UserInfo[]).filter(
    ({ charge }) => !isDeepStrictEqual({ ...charge }, EMPTY),
  );
  if (charged.length > 0) throw new Error(`still charged: ${JSON.stringify(charged)}`);
}
