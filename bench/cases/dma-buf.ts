/**
 * Allocations of dma_bufs, played as encoded requests: against c/reference.c making the same Vulkan calls, and, where
 * the pool has a spare for each, against the same handing out an fd that is ready.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ClientBuffer, connect } from '../../src/client/index.js';
import { dmabroker_manager_v1 } from '../../src/protocol/dmabroker-v1.gen.js';
import type { PoolInfo } from '../../src/rest/contract.js';
import { eventually, type TestDaemon } from '../../test/support/daemon.js';
import { answerOf } from '../support/answer.js';
import { type Bench, type Options, type Row, Skipped } from '../support/bench.js';
import { load, startDaemon, startReference, temporaryFolder } from '../support/programs.js';
import { median, percentile } from '../support/report.js';
import { checkShapes, inTurns, p50, p99, rowsOf, type Times } from '../support/rounds.js';

const KIB = 1024;
const MIB = KIB * KIB;
const SPARE = 8 * MIB;
export const SPARE_CASE = 'a spare of 8 MiB dma_buf';
const SPARES_CASE = 'spares of 8 MiB dma_buf, one after the other';
export const VULKAN_CASE = 'allocate and release 64 MiB dma_buf';
/** As many as the pool keeps of one kind, at most. */
const SPARES = 64;
/** For 64 MiB are cleared by the kernel in each. */
const LARGE_REQUESTS = 20;

const handleType = dmabroker_manager_v1.enums.handle_type.dma_buf;

const played = (socket: string, size: number, warmUp: number, requests: number) =>
  load(
    socket,
    { kind: 'allocate', memory: { size }, handleType },
    { connections: 1, warmUp, requests },
  );

/** A buffer of the main device, which is let go: what its answer looks like. */
async function sampleOf(daemon: TestDaemon, size: number): Promise<ClientBuffer> {
  const client = await connect({ socket: daemon.clientSocket });
  const exporter = client.description.sources.find(
    (source) => source.name === 'vulkan' && source.handleType === 'dma_buf',
  );
  if (exporter?.usable !== true) {
    client.close();
    throw new Skipped(`no Vulkan device exports dma_bufs: ${exporter?.reason ?? 'there is none'}`);
  }
  const buffer = await client.allocate({ kind: 'buffer', size, handleTypes: ['dma_buf'] });
  await buffer.release();
  client.close();
  return buffer;
}

async function fresh({ rounds, requests }: Options): Promise<Row[]> {
  const daemon = await startDaemon(process.env);
  try {
    const rows: Row[] = [];
    for (const [name, size, count] of [
      ['allocate and release 4 KiB dma_buf', 4 * KIB, requests],
      [VULKAN_CASE, 64 * MIB, Math.min(requests, LARGE_REQUESTS)],
    ] as const) {
      const reference = await startReference(answerOf(await sampleOf(daemon, size)), 'vulkan');
      const warmUp = Math.ceil(count / 10);
      const all = await inTurns(rounds, {
        C: () => played(reference.socket, size, warmUp, count),
        daemon: () => played(daemon.clientSocket, size, warmUp, count),
      });
      await reference.stop();
      checkShapes([...all.daemon, ...all.C]);
      rows.push(...rowsOf(name, [p50, p99], ['daemon', all.daemon], ['C', all.C]));
    }
    return rows;
  } finally {
    await daemon.stop();
  }
}

/** The times of `batches` scripts, each played when `ready`. */
async function batched(
  batches: number,
  ready: () => Promise<unknown>,
  script: () => Promise<Times>,
): Promise<Times> {
  const parts: Times[] = [];
  for (let i = 0; i < batches; i++) {
    await ready();
    parts.push(await script());
  }
  const p50s = parts.map((part) => part.p50);
  const p99s = parts.map((part) => part.p99);
  // Of single requests both are the same.
  return { p50: median(p50s), p99: percentile(p99s, 0.99) };
}

/**
 * Each request finds a spare: one alone, when the pool is full, and as many in a row as there are spares, while
 * the pool makes new ones.
 */
async function spares({ rounds, requests, note }: Options): Promise<Row[]> {
  const config = join(temporaryFolder(), 'pool.toml');
  const bytes = `${(SPARES * SPARE) / MIB}M`;
  writeFileSync(
    config,
    `[pool]\nbytes = "${bytes}"\nspares_per_spec = ${SPARES}\nidle_seconds = 600\n`,
  );
  const daemon = await startDaemon(process.env, ['--config', config]);
  const pool = async (): Promise<PoolInfo> => (await daemon.rest('GET', '/v1/pool')).body;
  try {
    const answer = answerOf(await sampleOf(daemon, SPARE));
    const reference = await startReference(answer, 'ready', SPARE);
    const full = () =>
      eventually(async () => (await pool()).specs[0]?.spares === SPARES, 'the pool is full', 6000);
    await played(daemon.clientSocket, SPARE, 1, SPARES);
    await full();
    const start = await pool();
    const rows: Row[] = [];
    for (const [name, batches, warmUp, count] of [
      [SPARE_CASE, Math.ceil(requests / 5), 0, 1],
      [SPARES_CASE, Math.max(1, Math.round(requests / SPARES)), 1, SPARES - 2],
    ] as const) {
      const script = (socket: string) => () => played(socket, SPARE, warmUp, count);
      const all = await inTurns(rounds, {
        C: () => batched(batches, async () => {}, script(reference.socket)),
        daemon: () => batched(batches, full, script(daemon.clientSocket)),
      });
      rows.push(...rowsOf(name, [p50, p99], ['daemon', all.daemon], ['C', all.C]));
    }
    const { hits, misses } = await pool();
    await reference.stop();
    const [hit, missed] = [hits - start.hits, misses - start.misses];
    note(`${hit} of ${hit + missed} allocations found a spare.`);
    return rows;
  } finally {
    await daemon.stop();
  }
}

export const dmaBuf: Bench = {
  name: 'dma-buf',
  what: 'Allocate and release a dma_buf: the daemon against the same Vulkan calls, or a ready fd, in C',
  place: 'guest',
  amount: { rounds: 7, requests: 200 },
  quick: { rounds: 3, requests: 64 },
  run: async (options) => [...(await fresh(options)), ...(await spares(options))],
};
