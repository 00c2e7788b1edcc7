/**
 * What is sent in one flush gets the same answers from a daemon that makes the memory, from one that has a
 * spare of it, and from one that is busy: a hundred times each.
 */
import t, { type Test } from 'tap';
import { connect } from '../../../src/client/index.js';
import {
  dmabroker_buffer_v1,
  dmabroker_manager_v1,
  dmabroker_params_v1,
  dmabroker_share_v1,
  dmabroker_work_v1,
} from '../../../src/protocol/dmabroker-v1.gen.js';
import { eventually, TestDaemon } from '../../support/daemon.js';
import { withoutLeaks } from '../../support/fds.js';
import { FREE, MANAGER, RawClient } from '../../support/raw-client.js';

const TIMES = 100;
const ANY_UID = 0xffffffff;
const SIZE = 8192;
const [PARAMS, BUFFER, SHARE, FILL, READ] = [FREE, FREE + 1, FREE + 2, FREE + 3, FREE + 4];
const { handle_type } = dmabroker_manager_v1.enums;
const { lifetime } = dmabroker_params_v1.enums;

/** Everything that can be asked of a buffer, before it is there, and its end. */
function burst({ peer }: RawClient, stays: boolean): Buffer {
  return Buffer.concat([
    peer.request(dmabroker_manager_v1, MANAGER, 'create_params', PARAMS),
    peer.request(dmabroker_params_v1, PARAMS, 'set_buffer', 0, SIZE),
    peer.request(dmabroker_params_v1, PARAMS, 'set_handle_types', handle_type.memfd),
    peer.request(
      dmabroker_params_v1,
      PARAMS,
      'set_lifetime',
      stays ? lifetime.until_released : lifetime.connection,
    ),
    peer.request(dmabroker_params_v1, PARAMS, 'create', BUFFER),
    peer.request(dmabroker_params_v1, PARAMS, 'destroy'),
    peer.request(dmabroker_manager_v1, MANAGER, 'create_work', FILL, BUFFER),
    peer.request(dmabroker_work_v1, FILL, 'fill', 7),
    peer.request(dmabroker_manager_v1, MANAGER, 'create_work', READ, BUFFER),
    peer.request(dmabroker_work_v1, READ, 'set_size', 0, 4),
    peer.request(dmabroker_work_v1, READ, 'read'),
    peer.request(dmabroker_buffer_v1, BUFFER, 'share', SHARE, 1, ANY_UID, 0, 0),
    peer.request(dmabroker_buffer_v1, BUFFER, 'renew', 5),
    peer.request(dmabroker_buffer_v1, BUFFER, 'release'),
  ]);
}

const ENDS = [
  [dmabroker_share_v1, SHARE],
  [dmabroker_work_v1, FILL],
  [dmabroker_work_v1, READ],
  [dmabroker_buffer_v1, BUFFER],
] as const;

async function once(client: RawClient, stays: boolean): Promise<string[]> {
  client.send(burst(client, stays));
  const finals = ['dmabroker_share_v1.token', 'dmabroker_buffer_v1.lease_refused'];
  await client.until(
    () =>
      finals.every((name) => client.count(name) === 1) &&
      client.count('dmabroker_work_v1.done') === 2,
  );
  const byObject = [BUFFER, SHARE, FILL, READ].flatMap((id) =>
    client.events.filter(({ object }) => object === id).map(({ name }) => `${id} ${name}`),
  );
  // Only then are their ids free again.
  for (const [definition, id] of ENDS) client.request(definition, id, 'destroy');
  await client.until(() => client.count('wl_display.delete_id') === 1 + ENDS.length);
  client.forget();
  return byObject;
}

async function always(t: Test, daemon: TestDaemon, stays: boolean): Promise<string> {
  const client = await new RawClient(daemon.clientSocket).ready();
  const seen = new Set<string>();
  for (let i = 0; i < TIMES; i++) seen.add((await once(client, stays)).join('\n'));
  client.close();
  t.equal(seen.size, 1, 'each time the same');
  await eventually(async () => (await daemon.buffers()).length === 0, 'nothing stays');
  return [...seen].join('\n---\n');
}

await withoutLeaks(t, 'one flush', async (t) => {
  const cold = await TestDaemon.memfd(t, {}, ['--pool-bytes', '0']);
  const warm = await TestDaemon.memfd(t);
  for (const stays of [false, true]) {
    const expected = await always(t, cold, stays);
    t.equal(await always(t, warm, stays), expected, 'with spares');
    const busy = await connect({ socket: cold.clientSocket });
    let ended = false;
    const load = (async () => {
      while (!ended) {
        const size = 4 * 1024 * 1024;
        const all = [1, 2, 3, 4].map(() =>
          busy.allocate({ kind: 'buffer', size, handleTypes: ['memfd'] }),
        );
        for (const buffer of await Promise.all(all)) await buffer.release();
      }
    })();
    const loaded = new Set<string>();
    const client = await new RawClient(cold.clientSocket).ready();
    for (let i = 0; i < TIMES; i++) loaded.add((await once(client, stays)).join('\n'));
    client.close();
    ended = true;
    await load;
    busy.close();
    t.same([...loaded], [expected], 'beside other work');
  }
  for (const daemon of [cold, warm]) {
    t.equal(await daemon.stop(), 0);
    t.same(daemon.errors, []);
  }
});
