/**
 * A daemon that is newer than the library: values of enums that the library does not know end nothing, and
 * neither do planes of a second handle type.
 */
import { readdirSync } from 'node:fs';
import t, { type Test } from 'tap';
import { type Client, connect } from '../../src/client/index.js';
import { close } from '../../src/native/libc/fd.js';
import { sealedMemfd } from '../../src/native/libc/memory.js';
import {
  dmabroker_buffer_v1,
  dmabroker_manager_v1,
  dmabroker_work_v1,
} from '../../src/protocol/dmabroker-v1.gen.js';
import { wl_callback, wl_registry } from '../../src/protocol/wayland.gen.js';
import { FakeDaemon } from '../support/fake-daemon.js';
import { withoutLeaks } from '../support/fds.js';
import { rejected } from '../support/refused.js';

// The ids that the client library chooses: in the order in which it makes objects.
const [REGISTRY, CALLBACK, MANAGER, BUFFER, FILL, READ] = [2, 3, 4, 6, 7, 8];
/** No entry of any enum, and no bit of any word of bits. */
const LATER = 0x4000_0000;
const linear = { kind: 'buffer', size: 4096 } as const;
const { memfd, dma_buf } = dmabroker_manager_v1.enums.handle_type;

/** A client of it that knows of a source and a limit of later days. */
async function ready(t: Test): Promise<{ daemon: FakeDaemon; client: Client }> {
  const daemon = new FakeDaemon(t);
  const connecting = connect({ socket: daemon.path, reconnect: false });
  daemon.accept();
  daemon.event(wl_registry, REGISTRY, 'global', 1, dmabroker_manager_v1.name, 7);
  daemon.event(wl_callback, CALLBACK, 'done', 0);
  daemon.event(dmabroker_manager_v1, MANAGER, 'source', 'later', LATER, 1, 'new');
  daemon.event(dmabroker_manager_v1, MANAGER, 'limit', LATER, 0, 1);
  daemon.event(dmabroker_manager_v1, MANAGER, 'done');
  return { daemon, client: await connecting };
}

/** A buffer in planes of these handle types. */
function answer(daemon: FakeDaemon, ...types: number[]): void {
  const all = types.reduce((bits, type) => bits | type, 0);
  const fd = sealedMemfd('later', 4096);
  daemon.event(dmabroker_buffer_v1, BUFFER, 'info', 'a', 1, all, 'later', 0, 4096, 0, 0, 0, 0, 0);
  daemon.event(dmabroker_buffer_v1, BUFFER, 'memory', 0, 0, 4096);
  for (const type of types)
    daemon.event(dmabroker_buffer_v1, BUFFER, 'plane', fd, type, 0, 0, 0, 0);
  daemon.event(dmabroker_buffer_v1, BUFFER, 'checked', LATER, 'by a later one');
  daemon.event(dmabroker_buffer_v1, BUFFER, 'unverified', LATER | 64);
  daemon.event(dmabroker_buffer_v1, BUFFER, 'done');
  close(fd);
}

await withoutLeaks(t, 'values that the library does not know are survived', async (t) => {
  await t.test('of what there is, of a buffer, of work', async (t) => {
    const { daemon, client } = await ready(t);
    t.match(client.description, {
      sources: [{ name: 'later', handleType: 'unknown' }],
      limits: {},
    });
    const pending = client.allocate(linear);
    answer(daemon, LATER);
    const buffer = await pending;
    t.match(buffer, {
      handleType: 'unknown',
      checked: { how: 'unknown', reason: 'by a later one' },
      unverifiedUsage: ['scanout'],
    });
    t.throws(() => buffer.map(), TypeError);
    const filled = buffer.fill(0);
    daemon.event(dmabroker_buffer_v1, BUFFER, 'recall', LATER, 5);
    daemon.event(dmabroker_work_v1, FILL, 'done', LATER);
    t.equal(await filled, 'unknown');
    t.match(buffer.recalled, { reason: 'unknown', deadline: Date });
    const refused = rejected(buffer.read());
    daemon.event(dmabroker_buffer_v1, BUFFER, 'released', LATER);
    daemon.event(dmabroker_work_v1, READ, 'failed', LATER, 'a reason of later days', '{}');
    t.match(await refused, { code: 'internal', message: 'a reason of later days' });
    t.equal(buffer.released, 'unknown');
    buffer.close().catch(() => {});
    client.close();
  });
});

// On its own: the connection above may still be closing its own fds.
await withoutLeaks(t, 'planes of a type that it does not know are closed', async (t) => {
  const { daemon, client } = await ready(t);
  const pending = client.allocate(linear);
  const before = readdirSync('/proc/self/fd').length;
  answer(daemon, memfd, dma_buf, LATER);
  const buffer = await pending;
  t.equal(buffer.handleType, 'memfd');
  t.equal(buffer.planes.length, 1);
  t.equal(readdirSync('/proc/self/fd').length, before + 2, 'what is not kept is closed');
  t.same(buffer.handleTypes, ['memfd', 'dma_buf']);
  t.equal(buffer.map().bytes.length, 4096);
  buffer.close().catch(() => {});
  client.close();
});
