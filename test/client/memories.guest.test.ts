/**
 * Separate planes in real dma_bufs, of every source that has them, allocated, redeemed and imported:
 * what is told of each memory is what can be mapped of it.
 */
import { closeSync } from 'node:fs';
import t, { type Test } from 'tap';
import { type ClientBuffer, connect } from '../../src/client/index.js';
import { dmaBufSize } from '../../src/native/dmabuf.js';
import { duplicate, identity } from '../../src/native/libc/fd.js';
import { TestDaemon } from '../support/daemon.js';

const daemon = await TestDaemon.start();
t.teardown(() => daemon.stop('SIGKILL'));
const before = await daemon.idleFds();
const client = await connect({ socket: daemon.clientSocket });
const other = await connect({ socket: daemon.clientSocket });

const nv12 = { kind: 'image', width: 1920, height: 1080, format: 'NV12' } as const;

/** Each plane's memory is mapped to its last byte, and is what the kernel says it is. */
function mappedWhole(t: Test, buffer: ClientBuffer, memories: readonly number[]): void {
  t.strictSame(
    buffer.planes.map(({ memory }) => memory),
    memories,
  );
  t.equal(buffer.memories.length, new Set(memories).size);
  t.equal(
    buffer.size,
    buffer.memories.reduce((sum, { size }) => sum + size, 0),
  );
  for (const [plane, { fd, memory }] of buffer.planes.entries()) {
    t.equal(buffer.memories[memory]?.size, Number(dmaBufSize(fd)));
    const mapped = buffer.map({ plane });
    t.equal(mapped.bytes.length, buffer.memories[memory]?.size);
    mapped.write((bytes) => {
      bytes[bytes.length - 1] = plane + 1;
    });
    mapped.unmap();
  }
}

t.test("separate planes are mapped whole: each memory's size is told", async (t) => {
  const { sources } = client.description;
  const able = sources.filter(({ usable, handleType }) => usable && handleType === 'dma_buf');
  t.ok(able.length >= 2, 'a heap and udmabuf at least');
  for (const { name } of able) {
    await t.test(name, async (t) => {
      const buffer = await client.allocate({ ...nv12, separatePlanes: true, source: name });
      mappedWhole(t, buffer, [0, 1]);
      const redeemed = await other.redeem(await buffer.share());
      t.strictSame(redeemed.memories, buffer.memories);
      mappedWhole(t, redeemed, [0, 1]);
      await redeemed.close();
      const planes = buffer.planes.map(({ fd, offset, stride }) => ({ fd, offset, stride }));
      const imported = await client.import({ ...nv12, planes });
      t.strictSame(imported.memories, buffer.memories, 'two files are two memories');
      mappedWhole(t, imported, [0, 1]);
      await imported.close();
      await buffer.close();
    });
  }
});

t.test('an import whose planes are of one file has one memory, by however many fds', async (t) => {
  const buffer = await client.allocate(nv12);
  mappedWhole(t, buffer, [0, 0]);
  const [luma, chroma] = buffer.planes;
  if (luma === undefined || chroma === undefined) throw new Error('NV12 has two planes');
  const again = duplicate(luma.fd);
  for (const fd of [luma.fd, chroma.fd, again]) {
    const planes = [luma, { ...chroma, fd }];
    const imported = await client.import({ ...nv12, planes });
    mappedWhole(t, imported, [0, 0]);
    const [one, two] = imported.planes.map((plane) => plane.fd);
    t.not(one, two, 'each plane has an fd of its own');
    t.equal(identity(one ?? -1), identity(two ?? -1));
    await imported.close();
  }
  closeSync(again);
  await buffer.close();
});

t.test('nothing is left', async (t) => {
  client.close();
  other.close();
  await t.resolves(daemon.settled(before));
  t.equal(await daemon.stop(), 0);
  t.same(daemon.errors, []);
});
