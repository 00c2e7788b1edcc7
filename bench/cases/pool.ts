/**
 * What the pool of spares saves: the time until a client has its memory, from a daemon with spares for every request,
 * against one without a pool. memfds, and 8 MiB of a device's opaque_fd where there is one.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Client, connect, type LinearRequest } from '../../src/client/index.js';
import type { PoolInfo } from '../../src/rest/contract.js';
import { eventually, type TestDaemon } from '../../test/support/daemon.js';
import type { Bench, Row } from '../support/bench.js';
import { startDaemon, temporaryFolder } from '../support/programs.js';
import { figure, percentile } from '../support/report.js';
import { inTurns, p50, p99, rowsOf } from '../support/rounds.js';

/** Allocations that are timed before the pool is waited for. */
const SPARES = 16;

const poolOf = async (of: TestDaemon): Promise<PoolInfo> => (await of.rest('GET', '/v1/pool')).body;

export const pool: Bench = {
  name: 'pool',
  what: 'Until a client has its memory: with a pool of spares, against without',
  place: 'host',
  amount: { rounds: 7, requests: 500 },
  quick: null,

  async run({ rounds, requests, note }) {
    const config = join(temporaryFolder(), 'pool.toml');
    const lines = `[pool]\nbytes = "256M"\nspares_per_spec = ${SPARES}\nidle_seconds = 600\n`;
    writeFileSync(config, lines);
    const fresh = await startDaemon(process.env);
    const pooled = await startDaemon(process.env, ['--config', config]);
    const clients = {
      fresh: await connect({ socket: fresh.clientSocket }),
      pooled: await connect({ socket: pooled.clientSocket }),
    };
    const full = async (wish: LinearRequest) => {
      await eventually(
        async () =>
          (await poolOf(pooled)).specs.some(
            ({ handle_type, size, spares }) =>
              handle_type === wish.handleTypes?.[0] && size === wish.size && spares === SPARES,
          ),
        `the pool is full of ${wish.size} bytes`,
      );
    };
    /** In batches, both daemons asked alike in between. */
    const waited = async (client: Client, wish: LinearRequest, between: () => Promise<unknown>) => {
      const times: number[] = [];
      for (let batch = 0; batch <= Math.ceil(requests / SPARES); batch++) {
        for (let i = 0; i < SPARES; i++) {
          const start = process.hrtime.bigint();
          const buffer = await client.allocate(wish);
          // The first batch makes the pool keep spares of it.
          if (batch > 0) times.push(Number(process.hrtime.bigint() - start) / 1000);
          await buffer.release();
        }
        await between();
      }
      return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
    };
    const usable = clients.fresh.description.sources.filter((source) => source.usable);
    const wishes: [string, LinearRequest][] = [
      ['4 KiB memfd', { kind: 'buffer', size: 4096, handleTypes: ['memfd'] }],
    ];
    if (usable.some(({ handleType }) => handleType === 'opaque_fd')) {
      const size = 8 * 1024 * 1024;
      wishes.push(['8 MiB opaque_fd', { kind: 'buffer', size, handleTypes: ['opaque_fd'] }]);
    }
    const rows: Row[] = [];
    for (const [name, wish] of wishes) {
      const before = await poolOf(pooled);
      const all = await inTurns(rounds, {
        fresh: () => waited(clients.fresh, wish, () => poolOf(fresh)),
        pooled: () => waited(clients.pooled, wish, () => full(wish)),
      });
      const { hits, misses } = await poolOf(pooled);
      const found = hits - before.hits;
      const share = (100 * found) / (found + misses - before.misses);
      note(`${name}: ${figure(share)} % of the allocations found a spare.`);
      rows.push(...rowsOf(name, [p50, p99], ['pooled', all.pooled], ['fresh', all.fresh]));
    }
    for (const client of Object.values(clients)) client.close();
    await pooled.stop();
    await fresh.stop();
    return rows;
  },
};
