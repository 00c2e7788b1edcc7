/**
 * The pool with real dma_bufs, from the driver and from a DMA heap: what comes from it is exported,
 * zeroed and nobody else's, and nothing of it stays behind.
 */
import { fstatSync } from 'node:fs';
import t from 'tap';
import { type ClientBuffer, connect } from '../../src/client/index.js';
import { info } from '../../src/native/dmabuf.js';
import { isDmaBuf } from '../../src/native/kind.js';
import { TestDaemon } from '../support/daemon.js';
import { filled, poolOf, warm } from '../support/pool.js';
import { recounted } from '../support/recount.js';

const daemon = await TestDaemon.start();
t.teardown(() => daemon.stop('SIGKILL'));
const before = await daemon.idleFds();
const client = await connect({ socket: daemon.clientSocket });
const image = { kind: 'image', width: 64, height: 64, format: 'XR24' } as const;

for (const source of ['vulkan', 'dma-heap:system'] as const) {
  t.test(source, async (t) => {
    const wish = { ...image, source };
    const spares = (await warm(daemon, client, wish)).limits.spares_per_spec;
    const inodes = new Set<number>();
    const all: ClientBuffer[] = [];
    const { hits } = await filled(daemon);
    for (let i = 0; i < spares; i++) {
      const buffer = await client.allocate(wish);
      const { fd } = buffer.planes[0] ?? { fd: -1 };
      t.equal(buffer.source, source);
      t.ok(isDmaBuf(fd), 'a dma_buf by its file system');
      t.equal(info(fd)?.name, `dmabroker:${buffer.id}`, 'named as its buffer');
      inodes.add(fstatSync(fd).ino);
      t.ok(
        buffer.map().read((bytes) => bytes.every((byte) => byte === 0)),
        'zeroed',
      );
      buffer.map().write((bytes) => bytes.fill(0xff));
      all.push(buffer);
    }
    t.equal((await poolOf(daemon)).hits, hits + spares, 'all from the pool');
    t.equal(inodes.size, all.length, 'each has memory of its own');
    await recounted(daemon);
    for (const buffer of all) await buffer.release();
  });
}

t.test('nothing stays behind', async (t) => {
  t.ok((await poolOf(daemon)).spares > 0);
  client.close();
  await daemon.settled(before);
  t.equal((await poolOf(daemon)).spares, 0);
  t.same(daemon.errors, []);
});
