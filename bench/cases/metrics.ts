/**
 * What a scrape of `/metrics` costs with 10,000 buffers, and whether it disturbs the data plane: round trips of one
 * client while nobody asks, and while a scraper asks again as soon as it is answered. Prometheus asks every 15 s or so.
 */
import { get } from 'node:http';
import { text } from 'node:stream/consumers';
import { type TestDaemon, withoutVulkan } from '../../test/support/daemon.js';
import type { Bench } from '../support/bench.js';
import { startCrowd } from '../support/others.js';
import { load, type Measured, startDaemon } from '../support/programs.js';
import { figure, median, percentile } from '../support/report.js';
import { inTurns, p50, p99, rowsOf } from '../support/rounds.js';

const scrape = ({ restSocket: socketPath }: TestDaemon) =>
  new Promise<string>((resolve, reject) => {
    const options = { socketPath, path: '/metrics', host: 'localhost', agent: false };
    get(options, (answer) => text(answer).then(resolve, reject)).once('error', reject);
  });

export const metrics: Bench = {
  name: 'metrics',
  what: 'Round trips of a client while /metrics is scraped, against the same in quiet',
  place: 'host',
  amount: { rounds: 7, requests: 5000 },
  quick: null,

  async run({ rounds, requests, number, note }) {
    const buffers = number('buffers', 10_000);
    const daemon = await startDaemon(withoutVulkan);
    const leave = await startCrowd(daemon.clientSocket, { users: 1, connections: 1, buffers }, 0);
    const page = await scrape(daemon);
    const plan = { connections: 1, warmUp: Math.ceil(requests / 10), requests };
    const measure = () => load(daemon.clientSocket, { kind: 'sync' }, plan);
    const times: number[] = [];
    const scraped = async (): Promise<Measured> => {
      let over = false;
      const scraping = (async () => {
        while (!over) {
          const start = process.hrtime.bigint();
          await scrape(daemon);
          times.push(Number(process.hrtime.bigint() - start) / 1e6);
        }
      })();
      const measured = await measure();
      over = true;
      await scraping;
      return measured;
    };
    const all = await inTurns(rounds, { quiet: measure, busy: scraped });
    const series = page.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
    note(
      `A scrape took ${figure(median(times))} ms (p99 ${figure(percentile(times, 0.99))} ms): ${series} series, ` +
        `${figure(page.length / 1024)} KiB, with ${buffers} buffers.`,
    );
    await leave();
    await daemon.stop();
    return rowsOf('sync, 1 connection', [p50, p99], ['scraped', all.busy], ['quiet', all.quiet]);
  },
};
