/** Answers of a daemon to `top`, with names that are long, of wide letters, or that would write to the terminal. */

import { NUMBERS } from '../../../../src/cli/names.js';
import type { Answers } from '../../../../src/cli/top/answers.js';
import type {
  BufferInfo,
  CgroupInfo,
  Holders,
  ListedDeviceInfo,
  ProcessUse,
  QuotaInfo,
  UserInfo,
} from '../../../../src/rest/contract.js';

export const EVIL = '\u001b]0;title\u0007\u001b[2J\u202eevil\nline';
const NAMES = [
  'a camera at the gate '.repeat(3),
  '一号摄像机的画面'.repeat(2),
  '👩‍👩‍👧'.repeat(3),
  EVIL,
];
const nameOf = (index: number) => `${index} ${NAMES[index % NAMES.length]}`;
const TIME = '2026-11-20T08:15:30.123Z';

const process_ = (index: number) => ({
  pid: 1000 + index,
  uid: index,
  executable: `/opt/${nameOf(index)}`,
  cgroup: `/system.slice/${nameOf(index)}.service`,
  unit: `${nameOf(index)}.service`,
  slice: 'system.slice',
  container: null,
});

export const idOf = (index: number) => `b${String(index).padStart(12, 'a').replace(/\d/g, letter)}`;
const letter = (digit: string) => String.fromCharCode(98 + Number(digit));

export const buffer = (index: number): BufferInfo =>
  ({
    ...{ id: idOf(index), name: nameOf(index), generation: 1, state: 'live', kind: 'buffer' },
    ...{ size: 4096 * (index + 1), handle_type: 'memfd', source: 'memfd', device: null },
    ...{
      exporter: null,
      funded_by: null,
      fell_back: null,
      lasting: null,
      orphan: null,
      vulkan: null,
      modifier: null,
      planes: [],
      placement: [],
      recall: null,
    },
    ...{ unverified_usage: [], scanout: null, lifetime: { type: 'until_released' }, tokens: 0 },
    ...{ width: null, height: null, format: null, released_at: null, created_at: TIME },
    owner: { ...process_(index), client: 'c1' },
    recipients: [0, 1].map((each) => ({
      ...{ ...process_(each), client: 'c1', connected: true, received_at: TIME },
    })),
  }) as unknown as BufferInfo;

const amount = (bytes: number) => ({ bytes, buffers: 3, fds: 3, pending: 0 });
const limits = (bytes: number | null) => ({ bytes, buffers: 16_384, fds: null, pending: 64 });

const user = (uid: number): UserInfo =>
  ({
    ...{ uid, name: uid % 2 === 0 ? null : nameOf(uid), charge: amount(uid * 2 ** 20) },
    ...{ limits: limits(uid % 3 === 0 ? null : 2 ** 22), over_limit: uid > 4, recalled: [] },
  }) as unknown as UserInfo;

const setting = (value: number | null) => ({ value, from: 'default' });
const daemon = {
  ...{ scope: 'daemon', key: 'default', charge: amount(2 ** 30), share: null, over_limit: false },
  settings: { bytes: setting(2 ** 31), buffers: setting(null), fds: setting(1024) },
} as unknown as QuotaInfo;

const device = (heaps: number): ListedDeviceInfo =>
  ({
    name: `llvmpipe ${EVIL} (LLVM 19.1.7, 256 bits)`,
    heaps: Array.from({ length: heaps }, (_, index) => ({
      ...{ index, size: 2 ** 34, device_local: true, budget: 2 ** 33, usage: 2 ** 33 - index },
    })),
  }) as unknown as ListedDeviceInfo;

const use = (index: number): ProcessUse =>
  ({
    ...{ ...process_(index), bytes: 4096, buffers: 1, fds: 1, mappings: 0 },
    ...{ started_at: TIME, clients: ['c1', 'c2'] },
  }) as ProcessUse;

const cgroup = (index: number): CgroupInfo =>
  ({
    ...{ path: process_(index).cgroup, uid: index, charge: amount(4096) },
    ...{ limits: limits(null), over_limit: false },
  }) as unknown as CgroupInfo;

const holders = (id: number): Holders =>
  ({
    holders: [{ ...use(id) }],
    daemon: { fds: 1, mappings: 0 },
    complete: false,
    missing: `41 processes of other users cannot be read: ${EVIL} is not there, or does not serve this daemon`,
  }) as unknown as Holders;

export interface Amounts {
  readonly buffers?: number;
  readonly users?: number;
  readonly heaps?: number;
}

export function answersOf({ buffers = 200, users = 2, heaps = 1 }: Amounts = {}): Answers {
  const listed = <T>(count: number, make: (index: number) => T, note: string | null = null) => ({
    items: Array.from({ length: count }, (_, index) => make(index)),
    note,
  });
  return {
    time: TIME,
    daemon,
    users: listed(users, user),
    devices: [device(heaps)],
    buffers: listed(buffers, buffer),
    processes: listed(200, use, `not complete: ${holders(0).missing}`),
    cgroups: listed(200, cgroup),
    details: { id: idOf(0), buffer: buffer(0), holders: holders(0), refused: null },
    gone: null,
    names: NUMBERS,
  };
}
