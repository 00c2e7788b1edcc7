/**
 * What an allocation of a GPU's memory costs where the daemon has a spare of it (docs/configuration.md, "The pool"), as it has
 * by default for what is asked for again and again: beside a plain CUDA program that makes, clears and exports, in turns.
 * The pool has room for all sizes here; by default it has 256 MiB at most.
 *
 *   node dist/bench/cuda-spares.js [--rounds=<n>] [--max=<MiB>]
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from '../src/client/index.js';
import type { ListedDeviceInfo } from '../src/rest/contract.js';
import { filled, poolOf } from '../test/support/pool.js';
import { startPlain } from './support/plain-cuda.js';
import { startDaemon, temporaryFolder } from './support/programs.js';
import { figure, header, median, option, table } from './support/report.js';

const MIB = 2 ** 20;
const ROUNDS = option('rounds', 21);
const SIZES = [2, 8, 64, 512, 1024].filter((mib) => mib <= option('max', 1024));
/** So often a spec is asked for before there are spares of it. */
const WARM = 3;
const now = () => Number(process.hrtime.bigint()) / 1000;

header('cuda-spares', "Spares of a GPU's memory");
const config = join(temporaryFolder(), 'cuda.toml');
writeFileSync(
  config,
  '[quotas]\nreserve = 0\n[pool]\nbytes = 34359738368\n[accounting]\nunknown_grace_seconds = 0\n',
);
const daemon = await startDaemon(process.env, ['--config', config]);
const devices: ListedDeviceInfo[] = (await daemon.rest('GET', '/v1/devices')).body;
const uuid = devices.find(({ cuda }) => cuda !== null)?.device_uuid;
if (uuid === undefined) throw new Error('CUDA has no GPU');
const client = await connect({ socket: daemon.clientSocket });
const plain = await startPlain(uuid);
const rows: string[][] = [];
for (const mib of SIZES) {
  for (const [kind, handleType] of [
    ['dma_buf', 'dma_buf'],
    ['posix', 'opaque_fd'],
  ] as const) {
    const wish = {
      ...({ kind: 'buffer', source: 'cuda', placement: 'device_local', device: uuid } as const),
      ...{ size: mib * MIB, handleTypes: [handleType] },
    };
    for (let i = 0; i < WARM; i++) await (await client.allocate(wish)).release();
    const ours: number[] = [];
    const theirs: number[] = [];
    const served = (await poolOf(daemon)).hits;
    for (let round = 0; round < ROUNDS; round++) {
      const { make, clear, export: exported } = await plain.allocate(mib * MIB, kind);
      theirs.push(make + clear + exported);
      await filled(daemon);
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
table(['size', 'as', 'daemon, a spare, µs', 'plain µs', 'ratio', 'served by spares'], rows);
await plain.end();
client.close();
await daemon.stop();
