/**
 * Whether the control plane disturbs the data plane: round trips of one client while nobody asks
 * anything over REST, and while four connections list a hundred buffers as fast as they can, in
 * turns, as ratios.
 *
 *   node dist/bench/rest-load.js [--rounds=7] [--requests=5000] [--buffers=100] [--flooders=4]
 */
import { Agent, request } from 'node:http';
import { connect } from '../src/client/index.js';
import { withoutVulkan } from '../test/support/daemon.js';
import { load, type Measured, startDaemon } from './support/programs.js';
import { figure, header, median, option, ratio, table } from './support/report.js';

const ROUNDS = option('rounds', 7);
const REQUESTS = option('requests', 5000);
const BUFFERS = option('buffers', 100);
const FLOODERS = option('flooders', 4);

header('rest-load', 'Round trips of a client: quiet, and while REST is flooded');
const daemon = await startDaemon(withoutVulkan);
const owner = await connect({ socket: daemon.clientSocket });
for (let i = 0; i < BUFFERS; i++) {
  await owner.allocate({ kind: 'buffer', size: 4096, handleTypes: ['memfd'] });
}

/** One GET of the list, over a kept connection; rejects unless it is answered with 200. */
function list(agent: Agent): Promise<void> {
  const where = { socketPath: daemon.restSocket, host: 'localhost', path: '/v1/buffers', agent };
  return new Promise((resolve, reject) => {
    const outgoing = request(where, (response) => {
      response.resume();
      response.once('end', () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error(`REST answered ${response.statusCode}`));
      });
    });
    outgoing.once('error', reject);
    outgoing.end();
  });
}

const measure = () =>
  load(
    daemon.clientSocket,
    { kind: 'sync' },
    { connections: 1, warmUp: REQUESTS / 10, requests: REQUESTS },
  );

/** Measures while every flooder has one request under way at all times. */
async function flooded(): Promise<{ measured: Measured; lists: number }> {
  let over = false;
  let answered = 0;
  const agent = new Agent({ keepAlive: true, maxSockets: FLOODERS });
  const flood = async () => {
    while (!over) {
      await list(agent);
      answered++;
    }
  };
  const flooders = Array.from({ length: FLOODERS }, flood);
  const start = performance.now();
  const measured = await measure();
  const lists = answered / ((performance.now() - start) / 1000);
  over = true;
  await Promise.all(flooders);
  agent.destroy();
  return { measured, lists };
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
  `Medians of ${ROUNDS} rounds, in turns; ${REQUESTS} round trips each. ${FLOODERS} REST connections got`,
);
console.log(
  `${figure(median(rates))} lists of ${BUFFERS} buffers a second. Daemon, client and the flood share the CPUs.`,
);

owner.close();
await daemon.stop();
