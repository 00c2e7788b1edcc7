/** Who has how much: each memory once for each process, whatever buffers and planes it is in. */
import t from 'tap';
import { heldBy, processesReport } from '../../../../src/server/observe/holders/processes.js';
import type { Holder, Sweep } from '../../../../src/server/observe/holders/sweep.js';
import { FakeClock } from '../../../support/clock.js';

const clock = new FakeClock();
const holder = (pid: number, uid: number, fds: number): Holder => ({
  pid,
  uid,
  executable: 'test',
  cgroup: null,
  unit: null,
  slice: null,
  container: null,
  startTicks: '1',
  startedAt: 0,
  fds,
  mappings: 1,
});
const found: Sweep = {
  holders: new Map([
    ['1:1', [holder(7, 1000, 2), holder(8, 1001, 1)]],
    ['1:2', [holder(8, 1001, 1)]],
    ['9:9', [holder(9, 0, 1)]],
  ]),
  own: new Map(),
  unreadable: 0,
  unread: new Set(),
  hidden: false,
  inFlight: new Map(),
  scannedAt: clock.now(),
};
const all = {
  memories: [
    { identity: '1:1', bytes: 4096, buffers: ['a', 'b'] },
    { identity: '1:2', bytes: 8192, buffers: ['b'] },
    { identity: '1:3', bytes: 1, buffers: ['c'] },
  ],
  clients: [
    { id: 'c1', pid: 8 },
    { id: 'c2', pid: 8 },
  ],
  outside: 0,
  opaque: 0,
};

t.test('a memory counts once for a process, the largest first', async (t) => {
  const report = processesReport(all, found, clock);
  t.match(report, { complete: true, missing: null });
  t.equal(report.processes.length, 2);
  t.match(report.processes, [
    {
      pid: 8,
      bytes: 12_288,
      pss_bytes: 10_240,
      buffers: 2,
      fds: 2,
      mappings: 2,
      clients: ['c1', 'c2'],
    },
    { pid: 7, bytes: 4096, pss_bytes: 2048, buffers: 2, fds: 2, mappings: 1, clients: [] },
  ]);
});

t.test('of one process, of one user', async (t) => {
  const pids = (filter: { pid?: number; uid?: number }) =>
    processesReport(all, found, clock, filter).processes.map(({ pid }) => pid);
  t.same(pids({ pid: 7 }), [7]);
  t.same(pids({ uid: 1001 }), [8]);
  t.same(pids({ pid: 7, uid: 1001 }), []);
  t.same(pids({ pid: 9 }), [], 'what it has is of no buffer');
});

t.test('what cannot be seen is told', async (t) => {
  const missing = (more: Partial<typeof all>, sweep: Partial<Sweep> = {}) =>
    processesReport({ ...all, ...more }, { ...found, ...sweep }, clock).missing;
  t.match(missing({ opaque: 2 }), /^2 buffers are opaque fds/);
  t.match(missing({ outside: 1 }), /pid namespace/);
  t.match(missing({}, { unreadable: 3 }), /3 processes of other users/);
});

t.test(
  'the buffers of which one process has memory, and what a user is told of others',
  async (t) => {
    t.same([...heldBy(all, found, 7, null)], ['a', 'b']);
    t.same([...heldBy(all, found, 8, null)], ['a', 'b']);
    t.same([...heldBy(all, found, 9, null)], [], 'a memory of nobody here');
    t.same([...heldBy(all, found, 8, 1001)], ['a', 'b']);
    t.same([...heldBy(all, found, 8, 1000)], []);
  },
);
