/**
 * What the daemon takes: memory when it does nothing, against a bare Node with two workers; memory for each buffer;
 * and how long SIGTERM takes with 9,000 buffers, against without any.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type TestDaemon, withoutVulkan } from '../../test/support/daemon.js';
import type { Bench } from '../support/bench.js';
import { startCrowd } from '../support/others.js';
import { bound, end, startDaemon } from '../support/programs.js';
import { inTurns } from '../support/rounds.js';

const MIB = 1024 ** 2;
/** For what a start leaves to be collected. */
const SETTLED_MS = 3000;
const settled = () => new Promise((resolve) => setTimeout(resolve, SETTLED_MS));

const WORKER = `require('node:worker_threads').parentPort.on('message', () => {})`;
const BARE = `
  const { Worker } = require('node:worker_threads');
  for (let i = 0; i < 2; i++) new Worker(${JSON.stringify(WORKER)}, { eval: true });
  setTimeout(() => console.log('ready'), 100);
  setInterval(() => {}, 1e6);
`;

/** Resident bytes, without what is shared with others' files: RssAnon of proc(5) would leave out Node itself. */
function resident(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

async function bareNode(): Promise<number> {
  const child = bound(
    spawn(process.execPath, ['-e', BARE], { stdio: ['ignore', 'pipe', 'inherit'] }),
  );
  await once(child.stdout as NonNullable<typeof child.stdout>, 'data');
  await settled();
  const bytes = resident(child.pid ?? -1);
  await end(child);
  return bytes / MIB;
}

async function started<T>(use: (daemon: TestDaemon) => Promise<T>): Promise<T> {
  const daemon = await startDaemon(withoutVulkan);
  try {
    await settled();
    return await use(daemon);
  } finally {
    await daemon.stop();
  }
}

const idle = () => started(async (daemon) => daemon.memory() / MIB);

/** KiB of the daemon's memory for each of so many buffers. */
const eachBuffer = (buffers: number) =>
  started(async (daemon) => {
    const before = daemon.memory();
    const leave = await startCrowd(daemon.clientSocket, { users: 1, connections: 1, buffers }, 0);
    await settled();
    const kib = (daemon.memory() - before) / 1024 / buffers;
    await leave();
    return kib;
  });

/** Milliseconds from SIGTERM until the process is gone. */
const ending = (buffers: number) =>
  started(async (daemon) => {
    const crowd = { users: 1, connections: 1, buffers };
    const leave = buffers === 0 ? null : await startCrowd(daemon.clientSocket, crowd, 0);
    const begin = process.hrtime.bigint();
    await end(daemon.process);
    const took = Number(process.hrtime.bigint() - begin) / 1e6;
    await leave?.();
    return took;
  });

export const memory: Bench = {
  name: 'memory',
  what: 'What the daemon takes, idle and with many buffers, and how long it takes to end',
  place: 'host',
  amount: { rounds: 5, requests: 1 },
  quick: null,

  async run({ rounds, number }) {
    const [buffers, ended] = [number('buffers', 10_000), number('ended', 9000)];
    const all = await inTurns(rounds, {
      bare: bareNode,
      idle,
      buffers: () => eachBuffer(buffers),
      none: () => ending(0),
      many: () => ending(ended),
    });
    const less = { better: 'less' } as const;
    return [
      {
        case: 'resident memory, idle',
        what: 'MiB',
        ...less,
        sides: ['daemon', 'bare Node with two workers'],
        values: all.idle,
        against: all.bare,
      },
      {
        case: `memory a buffer, of ${buffers}`,
        what: 'KiB',
        ...less,
        sides: ['daemon'],
        values: all.buffers,
        against: [],
      },
      {
        case: `from SIGTERM to the end, with ${ended} buffers`,
        what: 'ms',
        ...less,
        sides: ['daemon', 'with none'],
        values: all.many,
        against: all.none,
      },
    ];
  },
};
