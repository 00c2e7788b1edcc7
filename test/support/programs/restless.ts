/**
 * A client that is to be killed at any moment: `restless.js SOCKET SOURCE`. When something comes over
 * its standard input it allocates a buffer to keep, prints a token for it, and then allocates, shares, redeems, imports and leaves messages half sent, over
 * several connections at once, without end.
 */
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { type Client, connect } from '../../../src/client/index.js';
import {
  dmabroker_manager_v1,
  dmabroker_params_v1,
} from '../../../src/protocol/dmabroker-v1.gen.js';
import { FREE, MANAGER, RawClient } from '../raw-client.js';

const [socket = '', source = ''] = process.argv.slice(2);
const handleTypes = [source === 'memfd' ? 'memfd' : 'dma_buf'] as const;
const wanted = { kind: 'buffer', size: 8192, source, handleTypes } as const;

async function allocates(client: Client): Promise<void> {
  const all = await Promise.all([1, 2, 3].map(() => client.allocate(wanted)));
  await all[0]?.release();
  await all[1]?.close();
  await all[2]?.share();
  await all[2]?.release();
}

async function redeems(client: Client): Promise<void> {
  const other = await connect({ socket });
  const made = await other.allocate(wanted);
  const taken = await client.redeem(await made.share({ uses: 2 }));
  await made.release();
  await taken.close();
  other.close();
}

async function imports(client: Client): Promise<void> {
  const made = await client.allocate({ ...wanted, lifetime: 'connection' });
  const { planes } = made;
  const bring = { kind: 'buffer', size: made.size, planes } as const;
  // A memfd is refused, after it has been sent.
  const imported = await client.import(bring).catch(() => null);
  await imported?.release();
  await made.release();
}

/** The fds of an import arrive; what asks for it does so in pieces. */
async function halves(fd: number): Promise<void> {
  const client = await new RawClient(socket).ready();
  const { peer } = client;
  const bytes = Buffer.concat([
    peer.request(dmabroker_manager_v1, MANAGER, 'create_params', FREE),
    peer.request(dmabroker_params_v1, FREE, 'add_plane', fd, 0, 0, 0),
    peer.request(dmabroker_params_v1, FREE, 'set_buffer', 0, wanted.size),
    peer.request(dmabroker_params_v1, FREE, 'import', FREE + 1),
  ]);
  const first = 16;
  client.send(bytes.subarray(0, first), [fd]);
  for (let at = first; at < bytes.length; at += 4) {
    await setImmediate();
    client.send(bytes.subarray(at, at + 4));
  }
  await client.until((events) => events.length > 0);
  client.close();
}

await once(process.stdin, 'data');
const first = await connect({ socket });
const kept = await first.allocate(wanted);
console.log(await kept.share());
const fd = kept.planes[0]?.fd ?? -1;

async function forever(round: () => Promise<void>): Promise<never> {
  for (;;) await round();
}

for (const each of [allocates, redeems, imports]) {
  const client = await connect({ socket });
  forever(() => each(client));
}
forever(() => halves(fd));
