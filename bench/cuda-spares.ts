/**
 * What an allocation of a GPU's memory costs who asks for the same again and again: beside a plain CUDA program that makes, clears
 * and exports, in turns, when the daemon has run for a while. Its pool (docs/configuration.md, "The pool") is the default one, a part
 * of the GPU's memory; what is larger it makes when it is asked. `--pool=<MiB>` gives it so much.
 *
 *   node dist/bench/cuda-spares.js [--rounds=<n>] [--max=<MiB>] [--warm=<n>] [--pool=<MiB>]
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ClientBuffer, connect, type LinearRequest } from '../src/client/index.js';
import { MAX_PENDING_PER_CLIENT } from '../src/memory/limits.js';
import type { ListedDeviceInfo } from '../src/rest/contract.js';
import { eventually } from '../test/support/daemon.js';
import { poolOf } from '../test/support/pool.js';
import { startPlain, warmUp } from './support/plain-cuda.js';
import { startDaemon, temporaryFolder } from './support/programs.js';
import { figure, header, median, option, table } from './support/report.js';

const MIB = 2 ** 20;
const ROUNDS = option('rounds', 21);
const SIZES = [2, 8, 64, 512, 1024, 4096, 8192].filter((mib) => mib <= option('max', 8192));
/** Rounds of those that are asked for in a row. */
const ROWS = 7;
const KINDS = [
  ['dma_buf', 'dma_buf'],
  ['posix', 'opaque_fd'],
] as const;
const POOL = option('pool', null);
/** So often a spec is asked for before there are spares of it. */
const ASKED = 3;
const now = () => Number(process.hrtime.bigint()) / 1000;

header('cuda-spares', "Spares of a GPU's memory");
const config = join(temporaryFolder(), 'cuda.toml');
const pool = POOL === null ? '' : `[pool]\ndevice_bytes = "${POOL}M"\n`;
writeFileSync(config, `[quotas]\nreserve = 0\n[accounting]\nunknown_grace_seconds = 0\n${pool}`);
const daemon = await startDaemon(process.env, ['--config', config]);
const devices: ListedDeviceInfo[] = (await daemon.rest('GET', '/v1/devices')).body;
const uuid = devices.find(({ cuda }) => cuda !== null)?.device_uuid;
if (uuid === undefined) throw new Error('CUDA has no GPU');
const client = await connect({ socket: daemon.clientSocket });
const plain = await startPlain(uuid);
/** Until there are all spares of what was asked for last that there is room for, and nothing is made any more. */
async function spared(bytes: number): Promise<void> {
  const { limits, memories } = await poolOf(daemon);
  const limit = memories.find(({ device }) => device === uuid)?.limit ?? 0;
  const wanted = Math.min(limits.spares_per_spec, Math.floor(limit / bytes));
  const made = async () => wanted === 0 || (await poolOf(daemon)).specs[0]?.spares === wanted;
  await eventually(made, `there are ${wanted} spares of ${bytes} bytes`);
}
const common = { kind: 'buffer', source: 'cuda', placement: 'device_local', device: uuid } as const;
await warmUp(client, common);
const rows: string[][] = [];
for (const mib of SIZES) {
  for (const [kind, handleType] of KINDS) {
    const wish = {
      ...common,
      ...{ size: mib * MIB, handleTypes: [handleType] },
    };
    // What was measured before has spares for a while, and they would leave no room.
    await daemon.rest('DELETE', '/v1/pool');
    for (let i = 0; i < ASKED; i++) await (await client.allocate(wish)).release();
    const ours: number[] = [];
    const theirs: number[] = [];
    const served = (await poolOf(daemon)).hits;
    for (let round = 0; round < ROUNDS; round++) {
      const { make, clear, export: exported } = await plain.allocate(mib * MIB, kind);
      theirs.push(make + clear + exported);
      await spared(mib * MIB);
      const begun = now();
      const made = await client.allocate(wish);
      ours.push(now() - begun);
      await made.release();
    }
    const hits = (await poolOf(daemon)).hits - served;
    const ratios = ours.map((each, i) => each / (theirs[i] ?? Number.NaN));
    rows.push([
      ...[`${mib} MiB`, kind, figure(median(ours)), figure(median(theirs))],
      ...[figure(median(ratios)), `${hits} of ${ROUNDS}`],
    ]);
  }
}
table(['size', 'as', 'daemon µs', 'plain µs', 'ratio', 'served by spares'], rows);

/** Of one size: so many are asked for, each when the one before is there, or all at once, and kept. µs for each, on average. */
async function inRow(wish: LinearRequest, many: number) {
  const kept: ClientBuffer[] = [];
  const measured = async (ask: () => Promise<void>): Promise<number> => {
    await daemon.rest('DELETE', '/v1/pool');
    const begun = now();
    await ask();
    const took = (now() - begun) / many;
    for (const each of kept.splice(0)) await each.release();
    return took;
  };
  const oneByOne = await measured(async () => {
    while (kept.length < many) kept.push(await client.allocate(wish));
  });
  const atOnce = await measured(async () => {
    kept.push(...(await Promise.all(Array.from({ length: many }, () => client.allocate(wish)))));
  });
  return { oneByOne, atOnce };
}

const inRows: string[][] = [];
for (const mib of SIZES.filter((each) => each <= 1024)) {
  for (const [kind, handleType] of KINDS) {
    const many = Math.min(MAX_PENDING_PER_CLIENT, 8192 / mib);
    const wish = { ...common, size: mib * MIB, handleTypes: [handleType] };
    const rounds: { plain: number; oneByOne: number; atOnce: number }[] = [];
    for (let round = 0; round < ROWS; round++) {
      const { each } = await plain.allocate(mib * MIB, kind, many);
      rounds.push({ plain: each, ...(await inRow(wish, many)) });
    }
    const of = (value: (round: (typeof rounds)[number]) => number) =>
      figure(median(rounds.map(value)));
    inRows.push([
      ...[`${mib} MiB`, kind, `${many}`],
      ...[of(({ oneByOne }) => oneByOne), of(({ atOnce }) => atOnce), of(({ plain }) => plain)],
      ...[of((it) => it.oneByOne / it.plain), of((it) => it.atOnce / it.plain)],
    ]);
  }
}
console.log('Many in a row, which are kept; microseconds for each\n');
table(
  ['size', 'as', 'many', 'one by one', 'at once', 'plain', 'ratio, one by one', 'ratio, at once'],
  inRows,
);
await plain.end();
client.close();
await daemon.stop();
