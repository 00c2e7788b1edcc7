/**
 * What the daemon adds to an allocation: allocate and release a linear buffer and an image through
 * its socket, against the same source called in this process, in turns, as ratios. dma_bufs where
 * Vulkan exports them (the guest), else memfds. And what the pool of spares saves: the time until a
 * client has its memory, from a daemon with spares for every request against one without a pool.
 *
 *   node dist/bench/allocate.js [--rounds=7] [--requests=2000]
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type ImageRequest, type LinearRequest } from '../src/client/index.js';
import { checked } from '../src/memory/check-spec.js';
import { fourcc, MOD_LINEAR } from '../src/memory/fourcc.js';
import { type MemorySource, type MemorySpec, Usage } from '../src/memory/source.js';
import { close } from '../src/native/libc/fd.js';
import { MemfdSource } from '../src/native/sources/memfd.js';
import { probeVulkan } from '../src/native/sources/probe-vulkan.js';
import { dmabroker_manager_v1 } from '../src/protocol/dmabroker-v1.gen.js';
import type { PoolInfo } from '../src/rest/contract.js';
import { eventually, type TestDaemon } from '../test/support/daemon.js';
import { load, startDaemon, temporaryFolder } from './support/programs.js';
import { figure, header, median, option, percentile, ratio, table } from './support/report.js';

const ROUNDS = option('rounds', 7);
const REQUESTS = option('requests', 2000);
const WARM_UP = Math.ceil(REQUESTS / 10);
const IMAGE = { width: 1920, height: 1080, format: 'XR24' };

header('allocate', 'Allocate and release: through the daemon against the source alone');
const daemon = await startDaemon(process.env);
const client = await connect({ socket: daemon.clientSocket });
const exporter = client.description.sources.find(
  (source) => source.name === 'vulkan' && source.handleType === 'dma_buf',
);
const handleType = exporter?.usable ? 'dma_buf' : 'memfd';
console.log(
  `memory   ${handleType}${exporter?.usable ? '' : `; no dma_buf: ${exporter?.reason}`}\n`,
);

const vulkan = handleType === 'dma_buf' ? probeVulkan().sources : [];
const source: MemorySource =
  vulkan.find((candidate) => candidate.handleType === handleType) ?? new MemfdSource();

interface Case {
  readonly name: string;
  readonly spec: MemorySpec;
  /** The same for the client library. */
  readonly wish: LinearRequest | ImageRequest;
}

const usage = Usage.transfer;
const modifiers = [MOD_LINEAR];
const cases: readonly Case[] = [
  {
    name: '4 KiB',
    spec: { kind: 'buffer', size: 4096, usage },
    wish: { kind: 'buffer', size: 4096 },
  },
  {
    name: `${IMAGE.width}x${IMAGE.height} ${IMAGE.format}`,
    spec: { ...IMAGE, kind: 'image', format: fourcc(IMAGE.format), modifiers, usage },
    wish: { ...IMAGE, kind: 'image' },
  },
];

interface Times {
  readonly p50: number;
  readonly p99: number;
}

/** Microseconds of each call, after a tenth of them as warm-up. */
async function timed(count: number, body: () => void | Promise<void>): Promise<Times> {
  const times: number[] = [];
  for (let i = 0; i < WARM_UP + count; i++) {
    const start = process.hrtime.bigint();
    const wait = body();
    if (wait !== undefined) await wait;
    if (i >= WARM_UP) times.push(Number(process.hrtime.bigint() - start) / 1000);
  }
  return { p50: median(times), p99: percentile(times, 0.99) };
}

const ways = {
  'source alone': ({ spec }: Case) =>
    timed(REQUESTS, () => {
      const { planes, key } = source.allocate(checked(spec), 'bench');
      for (const fd of new Set(planes.map((plane) => plane.fd))) close(fd);
      source.free(key);
    }),
  'raw client': ({ spec }: Case) =>
    load(
      daemon.clientSocket,
      {
        kind: 'allocate',
        memory: spec,
        handleType: dmabroker_manager_v1.enums.handle_type[handleType],
      },
      { connections: 1, warmUp: WARM_UP, requests: REQUESTS },
    ),
  'client library, as raw': ({ wish }: Case) =>
    timed(REQUESTS, async () => {
      const buffer = await client.allocate({ ...wish, handleTypes: [handleType] });
      // Goes with the next request.
      void buffer.release();
    }),
  'client library': ({ wish }: Case) =>
    timed(REQUESTS, async () => {
      const buffer = await client.allocate({ ...wish, handleTypes: [handleType] });
      await buffer.release();
    }),
} satisfies Record<string, (wanted: Case) => Promise<Times>>;
type Way = keyof typeof ways;
const names = Object.keys(ways) as Way[];

const results = cases.map(() => new Map<Way, Times[]>(names.map((name) => [name, []])));
for (let round = 0; round < ROUNDS; round++) {
  for (const [i, wanted] of cases.entries()) {
    const order = round % 2 === 0 ? names : names.toReversed();
    for (const name of order) results[i]?.get(name)?.push(await ways[name](wanted));
  }
}

const rows: string[][] = [];
for (const [i, { name: memory }] of cases.entries()) {
  const alone = results[i]?.get('source alone') ?? [];
  for (const name of names) {
    const times = results[i]?.get(name) ?? [];
    const cells = (['p50', 'p99'] as const).flatMap((part) => {
      const of = (all: readonly Times[]) => all.map((one) => one[part]);
      return [figure(median(of(times))), ratio(of(times), of(alone))];
    });
    rows.push([memory, name, ...cells]);
  }
}
table(['memory', 'way', 'p50 µs', 'ratio', 'p99 µs', 'ratio'], rows);
console.log(
  `Medians of ${ROUNDS} rounds, in turns; ${REQUESTS} allocations each. Ratios are to the source`,
);
console.log(
  'alone. raw client: encoded beforehand, played by load.c; a release goes with the next request.',
);
console.log(
  'client library: src/client, which also waits for the release, a second round trip; as raw: it',
);
console.log('does not.');

// ---- with a pool -------------------------------------------------------------------------------

/** Allocations that are timed before the pool is waited for. */
const SPARES = 16;
const BATCHES = Math.ceil(REQUESTS / SPARES / 4);
const config = join(temporaryFolder(), 'pool.toml');
writeFileSync(config, `[pool]\nbytes = "256M"\nspares_per_spec = ${SPARES}\nidle_seconds = 60\n`);
const pooled = await startDaemon(process.env, ['--config', config]);
const pooledClient = await connect({ socket: pooled.clientSocket });

const poolOf = async (of: TestDaemon): Promise<PoolInfo> => (await of.rest('GET', '/v1/pool')).body;
const filled = () =>
  eventually(async () => (await poolOf(pooled)).specs[0]?.spares === SPARES, 'the pool is full');

/** Until the client has the memory; in batches, and both daemons asked alike in between. */
async function waited(of: 'pooled' | 'fresh', { wish }: Pick<Case, 'wish'>): Promise<Times> {
  const [server, asking] = of === 'pooled' ? [pooled, pooledClient] : [daemon, client];
  const times: number[] = [];
  for (let batch = 0; batch <= BATCHES; batch++) {
    for (let i = 0; i < SPARES; i++) {
      const start = process.hrtime.bigint();
      const buffer = await asking.allocate({ handleTypes: [handleType], ...wish });
      // The first batch makes the spec hot.
      if (batch > 0) times.push(Number(process.hrtime.bigint() - start) / 1000);
      await buffer.release();
    }
    if (of === 'pooled') await filled();
    else await poolOf(server);
  }
  return { p50: median(times), p99: percentile(times, 0.99) };
}

// Memory that takes time to make: a driver's, which is cleared.
const opaque = client.description.sources.some(
  ({ name, handleType, usable }) => name === 'vulkan' && handleType === 'opaque_fd' && usable,
);
const driver: LinearRequest = { kind: 'buffer', size: 8 * 1024 * 1024, handleTypes: ['opaque_fd'] };
const poolCases: readonly Pick<Case, 'name' | 'wish'>[] = [
  ...cases,
  ...(opaque ? [{ name: '8 MiB opaque_fd', wish: driver }] : []),
];

const poolRows: string[][] = [];
for (const wanted of poolCases) {
  const times: Record<'pooled' | 'fresh', Times[]> = { pooled: [], fresh: [] };
  const before = await poolOf(pooled);
  for (let round = 0; round < ROUNDS; round++) {
    const order = ['fresh', 'pooled'] as const;
    for (const of of round % 2 === 0 ? order : order.toReversed()) {
      times[of].push(await waited(of, wanted));
    }
  }
  const { hits, misses } = await poolOf(pooled);
  const share = (hits - before.hits) / (hits - before.hits + misses - before.misses);
  for (const of of ['fresh', 'pooled'] as const) {
    const cells = (['p50', 'p99'] as const).flatMap((part) => {
      const all = (from: readonly Times[]) => from.map((one) => one[part]);
      return [figure(median(all(times[of]))), ratio(all(times[of]), all(times.fresh))];
    });
    poolRows.push([wanted.name, of, ...cells, of === 'pooled' ? figure(share * 100) : '']);
  }
}
console.log('');
table(['memory', 'way', 'p50 µs', 'ratio', 'p99 µs', 'ratio', 'hits %'], poolRows);
console.log(
  `The client library, until it has the memory. Medians of ${ROUNDS} rounds, in turns; ${BATCHES * SPARES}`,
);
console.log(
  `allocations each, ${SPARES} at a time, then the pool fills again. Ratios are to fresh.`,
);

pooledClient.close();
client.close();
source.close();
await pooled.stop();
await daemon.stop();
