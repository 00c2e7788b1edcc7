/** Records of everything that the broker can have, written and read again; and those of a version before. */
import t, { type Test } from 'tap';
import type { KeptClient, KeptMemory, KeptState } from '../../../src/broker/kept.js';
import type { Monotonic } from '../../../src/memory/clock.js';
import type { CheckedSpec } from '../../../src/memory/source.js';
import {
  clientRecord,
  memoryRecord,
  parseRecord,
  stateRecord,
  type Upgrades,
  VERSION,
} from '../../../src/server/kept/records.js';
import { peer } from '../../broker/support/world.js';

const at = 1234.5678 as Monotonic;
const uuid = '0123456789abcdef'.repeat(2);
const big = 2n ** 63n + 1n;

const linear = { kind: 'buffer', size: 4096, usage: 4 } as CheckedSpec;
const image = {
  ...{ kind: 'image', width: 640, height: 480, format: 0x34325258, usage: 7 },
  modifiers: [0n, big],
  alignment: { stride: 64, offset: 4096, size: 4096, height: 2 },
  separatePlanes: true,
  placement: 'host_cached',
} as unknown as CheckedSpec;
const dictated = {
  ...image,
  modifiers: [big],
  layout: [{ offset: 0, stride: 2560 }],
} as CheckedSpec;

const plane = (memory: number, offset = 0) => ({ fd: -1, memory, offset, stride: 640 });

const memory: KeptMemory = {
  ...{ id: 'abcdefghijklm', number: 1, spec: linear, createdAt: at, generation: 1, formerOf: null },
  choice: { source: 'memfd', handleType: 'memfd', spec: linear },
  allocation: {
    ...{
      source: 'memfd',
      handleType: 'memfd',
      key: 1,
      memories: [4096],
      size: 4096,
      modifier: null,
    },
    ...{ placement: ['host_visible'], planes: [{ ...plane(0), stride: 0 }], exporter: null },
    identities: ['1:2'],
  },
};

const memories: Readonly<Record<string, KeptMemory>> = {
  'a memfd': memory,
  'an image of two memories, of a device that was named': {
    ...memory,
    spec: image,
    choice: { source: 'vulkan', handleType: 'dma_buf', device: uuid, spec: image },
    allocation: {
      ...{ source: 'vulkan', handleType: 'dma_buf', key: 7, device: uuid, modifier: big },
      ...{ memories: [307_200, 153_600], size: 460_800, placement: [], exporter: 'udmabuf' },
      heaps: [
        { index: 0, bytes: 307_200 },
        { index: 1, bytes: 153_600 },
      ],
      planes: [plane(0), plane(1, 64)],
      identities: ['9:10', '9:11'],
    },
  },
  'a dictated layout, of a heap': {
    ...memory,
    spec: dictated,
    choice: { source: 'dma-heap:system', handleType: 'dma_buf', spec: dictated },
    allocation: {
      ...memory.allocation,
      source: 'dma-heap:system',
      handleType: 'dma_buf',
      exporter: 'system',
      modifier: big,
      fellBack: { reason: 'display_refused', source: 'vulkan', message: 'it refuses it: EINVAL' },
      scanout: { state: 'verified', reason: 'a display takes it' },
    },
  },
  'an opaque fd': {
    ...memory,
    choice: { source: 'vulkan', handleType: 'opaque_fd', spec: linear },
    allocation: {
      ...{ source: 'vulkan', handleType: 'opaque_fd', key: 3, device: uuid, modifier: null },
      ...{ memories: [4096], size: 4096, placement: ['device_local'], exporter: null },
      heaps: [{ index: 0, bytes: 4096 }],
      planes: [{ ...plane(0), stride: 0 }],
      vulkan: { memoryType: 5, dedicated: true },
    },
  },
  'an import, re-issued': {
    ...memory,
    ...{ choice: null, generation: 3, formerOf: 'nopqrstuvwxyz' },
    allocation: {
      ...memory.allocation,
      ...{ source: 'import', handleType: 'dma_buf', exporter: null, placement: [] },
      check: { how: 'layout', reason: 'there is no Vulkan device: “ü”' },
    },
  },
};

const who = { uid: 1000, cgroup: '/user.slice', gid: 1000, groups: [4, 27], connection: 'c1' };
const amount = { bytes: 4096, buffers: 1, fds: 1, pending: 0 };
const state: KeptState = {
  owner: { client: 'c1', peer },
  ...{ lifetime: 'until_released', name: null, released: false, releasedAt: null, lastUsed: at },
  ...{ lost: false, lease: null, tokens: [], recipients: [], forgotten: false, parts: [] },
  charged: { who, source: 'memfd', amount, heaps: new Map() },
  ...{ recall: null, events: 3, lasting: null },
};
const token = {
  ...{ id: 't1', uid: null, mayRenew: false, createdAt: at, expires: null, usesLeft: 1 },
  ...{ audience: null, digest: 'AAAA', issuer: 1000 },
};

const states: Readonly<Record<string, KeptState>> = {
  'as it is made': state,
  'over REST, by a token of which no process is known': {
    ...state,
    owner: {
      ...{ client: null, token: 'scraper' },
      peer: {
        ...{ pid: null, uid: null, gid: null, groups: null, executable: null, cgroup: null },
        ...{ unit: null, slice: null, container: null },
      },
    },
    charged: {
      who: { uid: 0xffffffff, cgroup: null, gid: null, groups: null, connection: null },
      ...{ source: 'vulkan', amount, heaps: new Map([['vulkan:0', amount]]) },
    },
  },
  'a lease in its grace, with all that can be with it': {
    ...state,
    ...{ lifetime: { lease: 60 }, name: 'ein Bild 🖼 \u0000', lost: true, forgotten: true },
    lease: { seconds: 60, endsAt: at, letGoAt: at },
    tokens: [
      token,
      {
        ...token,
        uid: 5,
        mayRenew: true,
        expires: at,
        audience: { uids: [1], gids: [2, 3] } as never,
      },
    ],
    recipients: [{ client: 'c2', receivedAt: at, mayRenew: true }],
    parts: [{ who: { ...who, connection: null }, bytes: 2048 }],
    recall: { reason: 'administrator', deadline: at },
    lasting: {
      ...{ name: 'llama-3/shard-0', uid: 1000, writer: 'c2', revision: 7, documents: 2 },
      committed: { revision: 7, digest: '0a'.repeat(32), at, metadata: { size: 12, number: 2 } },
    },
  },
  'with a name and nothing published': {
    ...state,
    lasting: {
      ...{ name: 'a', uid: 0, writer: null, revision: 0, documents: 0, committed: null },
    },
  },
  'of a connection, released': { ...state, lifetime: 'connection', released: true, releasedAt: at },
};

const clients: Readonly<Record<string, KeptClient>> = {
  'with a session': {
    ...{ id: 'c1', peer, connectedAt: at, fdsSent: 3, session: 'digest', process: '4:77' },
  },
  without: { id: 'c2', peer, connectedAt: at, fdsSent: 0, session: null, process: null },
};

function same(t: Test, found: unknown, wanted: unknown, name: string): void {
  t.strictSame(found, wanted, name);
}

t.test('what is written is read', async (t) => {
  for (const [name, each] of Object.entries(memories)) {
    same(t, parseRecord(memoryRecord(each)), { is: 'memory', ...each }, name);
  }
  for (const [name, each] of Object.entries(states)) {
    same(t, parseRecord(stateRecord('abc', each)), { is: 'state', id: 'abc', ...each }, name);
  }
  for (const [name, each] of Object.entries(clients)) {
    same(t, parseRecord(clientRecord(each)), { is: 'client', ...each }, name);
  }
});

t.test('a record of the version before is made one of this', async (t) => {
  const upgrades: Upgrades = {
    [VERSION]: (record) => (record.is === 'client' ? null : { ...record, name: 'upgraded' }),
  };
  const next = { version: VERSION + 1, upgrades };
  t.match(parseRecord(stateRecord('abc', state), next), {
    name: 'upgraded',
    lifetime: 'until_released',
  });
  t.equal(
    parseRecord(clientRecord(clients.without as KeptClient), next),
    null,
    'it is nothing any more',
  );
  // A file has both for a while: those that nothing has changed since stay what they were.
  const written = JSON.parse(stateRecord('abc', { ...state, name: 'written anew' }).toString());
  const newer = Buffer.from(JSON.stringify({ ...written, v: VERSION + 1 }));
  t.match(parseRecord(newer, next), { name: 'written anew' });
  t.throws(
    () => parseRecord(newer),
    /version/,
    'one of a later version is not taken for one of this',
  );
  t.throws(() => parseRecord(stateRecord('abc', state), { ...next, upgrades: {} }), /not known/);
});
