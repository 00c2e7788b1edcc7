/**
 * Whether the control plane disturbs the data plane: round trips of one client while nobody asks
 * anything over REST, and while autocannon lists 10,000 buffers over 50 connections as fast as they
 * are answered, in turns, as ratios.
 *
 *   node dist/bench/rest-load.js [--rounds=9] [--requests=30000] [--buffers=10000] [--connections=50]
 */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { connect } from '../src/client/index.js';
import { withoutVulkan } from '../test/support/daemon.js';
import { load, type Measured, startDaemon } from './support/programs.js';
import { figure, header, median, option, ratio, table } from './support/report.js';

const ROUNDS = option('rounds', 9);
/** A second or more of them: fewer are over between two of the pauses that p99 is made of. */
const REQUESTS = option('requests', 30_000);
const BUFFERS = option('buffers', 10_000);
const CONNECTIONS = option('connections', 50);
/** Until the connections are there and the lists are made. */
const WARM_UP_MS = 1000;

header('rest-load', 'Round trips of a client: quiet, and while REST is flooded');
const daemon = await startDaemon(withoutVulkan);
const owner = await connect({ socket: daemon.clientSocket });
for (let i = 0; i < BUFFERS; i++) {
  await owner.allocate({ kind: 'buffer', size: 4096, handleTypes: ['memfd'] });
}

/** autocannon in a process of its own; ended, it tells how many lists a second were answered. */
function startFlood() {
  const program = fileURLToPath(new URL('support/flood.js', import.meta.url));
  const args = [program, daemon.restSocket, String(CONNECTIONS)];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  process.once('exit', () => child.kill('SIGKILL'));
  const output = text(child.stdout);
  return async () => {
    child.stdin.end();
    const { lists, non2xx, errors, duration } = JSON.parse(await output);
    if (lists === 0 || non2xx > 0 || errors > 0) {
      throw new Error(`${lists} lists, ${non2xx} refusals, ${errors} errors`);
    }
    return lists / duration;
  };
}

const measure = () =>
  load(
    daemon.clientSocket,
    { kind: 'sync' },
    { connections: 1, warmUp: REQUESTS / 10, requests: REQUESTS },
  );

async function flooded(): Promise<{ measured: Measured; lists: number }> {
  const stop = startFlood();
  await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS));
  const measured = await measure();
  return { measured, lists: await stop() };
}

const quiet: Measured[] = [];
const busy: Measured[] = [];
const rates: number[] = [];
for (let round = 0; round < ROUNDS; round++) {
  const steps = [
    async () => void quiet.push(await measure()),
    async () => {
      const { measured, lists } = await flooded();
      busy.push(measured);
      rates.push(lists);
    },
  ];
  for (const step of round % 2 === 0 ? steps : steps.reverse()) await step();
}

const row = (what: string, of: (measured: Measured) => number) => {
  const [x, y] = [busy.map(of), quiet.map(of)];
  return [what, figure(median(y)), figure(median(x)), ratio(x, y)];
};
table(
  ['sync, 1 connection', 'quiet', 'flooded', 'flooded / quiet: median (least–most)'],
  [row('p50 µs', ({ p50 }) => p50), row('p99 µs', ({ p99 }) => p99)],
);
console.log(
  `Medians of ${ROUNDS} rounds, in turns; ${REQUESTS} round trips each. ${CONNECTIONS} REST connections got`,
);
console.log(
  `${figure(median(rates))} pages of 100 of ${BUFFERS} buffers a second. Daemon, client and the flood share the CPUs.`,
);

owner.close();
await daemon.stop();
