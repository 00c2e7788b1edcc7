/**
 * What it costs that buffers outlive the daemon: the same requests to a daemon whose service manager keeps
 * what it has, and to one without, in turns, as ratios. A buffer of a connection is a record in a file; one
 * with a lease is an fd that the manager takes, too, before it is answered (at most 100 a second of a user:
 * fewer are asked for here).
 *
 *   node dist/bench/kept.js [--rounds=7] [--requests=2000]
 */
import { connect, type LinearRequest } from '../src/client/index.js';
import { withoutVulkan } from '../test/support/daemon.js';
import { ServiceManager } from '../test/support/service-manager.js';
import { startDaemon } from './support/programs.js';
import { figure, header, median, option, percentile, ratio, table } from './support/report.js';

const ROUNDS = option('rounds', 7);
const REQUESTS = option('requests', 2000);
const LEASED = 50;
const PAUSE_MS = 1000;

header('kept', 'What it costs that buffers outlive the daemon');
const ends: (() => void)[] = [];
const manager = new ServiceManager({ teardown: (end: () => void) => ends.push(end) });
const daemons = {
  kept: await manager.start([], { env: withoutVulkan }),
  not: await startDaemon(withoutVulkan),
};
const clients = {
  kept: await connect({ socket: daemons.kept.clientSocket }),
  not: await connect({ socket: daemons.not.clientSocket }),
};
type Which = keyof typeof clients;

const memfd: LinearRequest = { kind: 'buffer', size: 4096, handleTypes: ['memfd'] };

async function timed(count: number, body: () => Promise<void>): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const start = process.hrtime.bigint();
    await body();
    times.push(Number(process.hrtime.bigint() - start) / 1000);
  }
  return times;
}

const CASES: Readonly<Record<string, (which: Which) => Promise<number[]>>> = {
  'allocate and release': (which) =>
    timed(REQUESTS, async () => {
      await (await clients[which].allocate(memfd)).release();
    }),
  'redeem and close': async (which) => {
    const buffer = await clients[which].allocate(memfd);
    const token = await buffer.share({ uses: 1000 });
    const times = await timed(Math.min(REQUESTS, 1000), async () => {
      await (await clients[which].redeem(token)).close();
    });
    await buffer.release();
    return times;
  },
  'allocate with a lease': async (which) => {
    const made: { release(): Promise<void> }[] = [];
    const times = await timed(LEASED, async () => {
      made.push(await clients[which].allocate({ ...memfd, lifetime: { lease: 60 } }));
    });
    for (const each of made) await each.release();
    // A user's part of the manager's time is there again.
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    return times;
  },
};

const rows: string[][] = [];
for (const [name, run] of Object.entries(CASES)) {
  const medians = { kept: [] as number[], not: [] as number[] };
  const tails = { kept: [] as number[], not: [] as number[] };
  for (const which of ['kept', 'not'] as const) await run(which);
  for (let round = 0; round < ROUNDS; round++) {
    for (const which of ['kept', 'not'] as const) {
      const times = await run(which);
      medians[which].push(median(times));
      tails[which].push(percentile(times, 0.99));
    }
  }
  for (const [what, all] of [
    ['p50 µs', medians],
    ['p99 µs', tails],
  ] as const) {
    rows.push([
      name,
      what,
      figure(median(all.kept)),
      figure(median(all.not)),
      ratio(all.kept, all.not),
    ]);
  }
}
table(['case', 'what', 'kept', 'not', 'kept / not'], rows);
for (const client of Object.values(clients)) client.close();
for (const daemon of Object.values(daemons)) await daemon.end();
for (const end of ends) end();
