/** A daemon's pool of spares, warmed for a test. */
import type { Client, ImageRequest, LinearRequest } from '../../src/client/index.js';
import type { PoolInfo } from '../../src/rest/contract.js';
import { eventually, type TestDaemon } from './daemon.js';

export const poolOf = async (daemon: TestDaemon): Promise<PoolInfo> =>
  (await daemon.rest('GET', '/v1/pool')).body;

/** Asks so often that spares are made, writes into what it gets, and gives it back. */
export async function warm(
  daemon: TestDaemon,
  client: Client,
  wish: ImageRequest | LinearRequest,
): Promise<PoolInfo> {
  for (let i = 0; i < 3; i++) {
    const buffer = await client.allocate(wish);
    buffer.map().write((bytes) => bytes.fill(0xff));
    await buffer.release();
  }
  return filled(daemon);
}

/** The pool when the spec that was asked for last has all its spares. */
export async function filled(daemon: TestDaemon): Promise<PoolInfo> {
  let pool = await poolOf(daemon);
  await eventually(
    async () => {
      pool = await poolOf(daemon);
      return pool.specs[0]?.spares === pool.limits.spares_per_spec;
    },
    () => `spares are made: ${JSON.stringify(pool)}`,
  );
  return pool;
}
