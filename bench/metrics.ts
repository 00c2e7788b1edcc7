/**
 * What a scrape of `/metrics` costs with 10,000 buffers, and whether it disturbs the data plane: round
 * trips of one client while nobody asks, and while a scraper asks again as soon as it is answered, in
 * turns, as ratios. Prometheus asks every 15 s or so.
 *
 *   node dist/bench/metrics.js [--rounds=7] [--requests=5000] [--buffers=10000]
 */
import { get } from 'node:http';
import { text } from 'node:stream/consumers';
import { connect } from '../src/client/index.js';
import { withoutVulkan } from '../test/support/daemon.js';
import { load, type Measured, startDaemon } from './support/programs.js';
import { figure, header, median, option, percentile, ratio, table } from './support/report.js';

const ROUNDS = option('rounds', 7);
const REQUESTS = option('requests', 5000);
const BUFFERS = option('buffers', 10_000);

header('metrics', 'Scrapes of /metrics, and round trips of a client meanwhile');
const daemon = await startDaemon(withoutVulkan);
const owner = await connect({ socket: daemon.clientSocket });
for (let i = 0; i < BUFFERS; i++) {
  await owner.allocate({ kind: 'buffer', size: 4096, handleTypes: ['memfd'] });
}

const scrape = () =>
  new Promise<string>((resolve, reject) => {
    const { restSocket: socketPath } = daemon;
    const options = { socketPath, path: '/metrics', host: 'localhost', agent: false };
    get(options, (answer) => text(answer).then(resolve, reject)).once('error', reject);
  });

const times: number[] = [];
const page = await scrape();

const measure = () =>
  load(
    daemon.clientSocket,
    { kind: 'sync' },
    { connections: 1, warmUp: REQUESTS / 10, requests: REQUESTS },
  );

async function scraped(): Promise<Measured> {
  let over = false;
  const scraping = (async () => {
    while (!over) {
      const start = performance.now();
      await scrape();
      times.push(performance.now() - start);
    }
  })();
  const measured = await measure();
  over = true;
  await scraping;
  return measured;
}

const quiet: Measured[] = [];
const busy: Measured[] = [];
for (let round = 0; round < ROUNDS; round++) {
  const steps = [
    async () => void quiet.push(await measure()),
    async () => void busy.push(await scraped()),
  ];
  for (const step of round % 2 === 0 ? steps : steps.reverse()) await step();
}

const row = (what: string, of: (measured: Measured) => number) => {
  const [x, y] = [busy.map(of), quiet.map(of)];
  return [what, figure(median(y)), figure(median(x)), ratio(x, y)];
};
table(
  ['sync, 1 connection', 'quiet', 'scraped', 'scraped / quiet: median (least–most)'],
  [row('p50 µs', ({ p50 }) => p50), row('p99 µs', ({ p99 }) => p99)],
);
const series = page.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
console.log(
  `${times.length} scrapes of ${series} series, ${figure(page.length / 1024)} KiB: ` +
    `median ${figure(median(times))} ms, p99 ${figure(percentile(times, 0.99))} ms, ` +
    `with ${BUFFERS} buffers.`,
);

owner.close();
await daemon.stop();
