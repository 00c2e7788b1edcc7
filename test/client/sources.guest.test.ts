/**
 * NV12 from each exporter of the guest through the daemon: by the daemon's preference and by name, in
 * one dma_buf and in two; and linux-dmabuf's list, which names a pair once.
 */
import { execFileSync } from 'node:child_process';
import { rmSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import t, { type Test } from 'tap';
import { connect, type ImageRequest } from '../../src/client/index.js';
import { formats } from '../../src/memory/formats.js';
import { info } from '../../src/native/dmabuf.js';
import { isDmaBuf } from '../../src/native/kind.js';
import { TestDaemon } from '../support/daemon.js';
import { rejected } from '../support/refused.js';

t.setTimeout(180_000);
const nv12 = { kind: 'image', width: 1920, height: 1080, format: 'NV12' } as const;

/** A second node of the system heap under the name of a CMA heap: the guest's kernel has no CMA. */
function cmaHeap(t: Test): void {
  const { rdev } = statSync('/dev/dma_heap/system');
  // gnu_dev_major, gnu_dev_minor
  const numbers = [rdev >> 8, rdev & 0xff].map(String);
  execFileSync('mknod', ['/dev/dma_heap/reserved', 'c', ...numbers]);
  t.teardown(() => rmSync('/dev/dma_heap/reserved'));
}

t.test(
  'scanout without a source takes the CMA heap, where the device makes no image',
  async (t) => {
    cmaHeap(t);
    const daemon = await TestDaemon.start();
    t.teardown(() => daemon.stop());
    const before = await daemon.idleFds();
    const client = await connect({ socket: daemon.clientSocket });
    const small = { ...nv12, width: 320, height: 240 };
    const scanout = { ...small, usage: ['scanout'] } as const;
    const cases: readonly [ImageRequest, string][] = [
      [scanout, 'dma-heap:reserved'],
      [{ ...small, usage: ['sample'] }, 'vulkan'],
      [{ ...scanout, format: 'XR24' }, 'vulkan'],
      [{ ...scanout, source: 'udmabuf' }, 'udmabuf'],
    ];
    for (const [wish, source] of cases) {
      const buffer = await client.allocate(wish);
      t.equal(buffer.source, source, JSON.stringify(wish));
      t.same(buffer.unverifiedUsage, wish.usage === scanout.usage ? ['scanout'] : []);
      const zeroed = buffer.map().read((bytes) => bytes.every((byte) => byte === 0));
      t.ok(zeroed);
      await buffer.close();
    }

    const contiguous = await client.allocate({ ...small, contiguous: 'required' });
    t.match(contiguous, { source: 'dma-heap:reserved', fellBack: null });
    await contiguous.close();
    const elsewhere = { ...small, source: 'udmabuf', contiguous: 'required' } as const;
    const refusal = await rejected(client.allocate(elsewhere));
    t.match(refusal, {
      code: 'unsupported_placement',
      refusal: {
        ...{ constraint: 'contiguous', possible: ['any', 'preferred'] },
        nearest: { source: 'udmabuf', contiguous: 'preferred' },
      },
    });
    const nearest = await client.allocate(refusal.refusal.nearest as ImageRequest);
    t.match(nearest.fellBack, { reason: 'not_contiguous', source: null, message: /udmabuf/ });
    await nearest.close();
    client.close();
    await daemon.settled(before);
  },
);

t.test('each source', async (t) => {
  const daemon = await TestDaemon.start();
  t.teardown(() => daemon.stop());
  const client = await connect({ socket: daemon.clientSocket });
  const usable = client.description.sources.filter((source) => source.usable);
  t.strictSame(
    usable.map(({ name, handleType }) => `${name}/${handleType}`),
    [
      'vulkan/dma_buf',
      'dma-heap:system/dma_buf',
      'udmabuf/dma_buf',
      'vulkan/opaque_fd',
      'memfd/memfd',
    ],
    'in order of preference',
  );

  const cases = [
    [undefined, 'vulkan', 'udmabuf'],
    ['vulkan', 'vulkan', 'udmabuf'],
    ['dma-heap:system', 'dma-heap:system', 'system'],
    ['udmabuf', 'udmabuf', 'udmabuf'],
  ] as const;
  for (const [source, from, exporter] of cases) {
    for (const separatePlanes of [false, true]) {
      const wish = { ...nv12, separatePlanes, ...(source && { source }) };
      const buffer = await client.allocate(wish);
      t.match(buffer, { source: from, handleType: 'dma_buf', planes: { length: 2 } });
      for (const [index, { fd }] of buffer.planes.entries()) {
        t.ok(isDmaBuf(fd));
        const memory = separatePlanes && index === 1 ? '.1' : '';
        t.match(info(fd), { exporter, name: `dmabroker:${buffer.id}${memory}` });
        const mapped = buffer.map({ plane: index });
        t.ok(
          mapped.read((bytes) => bytes.every((byte) => byte === 0)),
          'zero',
        );
      }
      await buffer.close();
    }
  }
  const opaque = { ...nv12, source: 'vulkan', handleTypes: ['opaque_fd'] as const };
  t.match(await rejected(client.allocate(opaque)), { code: 'unsupported_format' });
  client.close();

  const shown = execFileSync('wayland-info', ['-i', 'zwp_linux_dmabuf_v1'], {
    env: {
      ...process.env,
      XDG_RUNTIME_DIR: dirname(daemon.clientSocket),
      WAYLAND_DISPLAY: basename(daemon.clientSocket),
    },
    encoding: 'utf8',
  });
  const listed = [...shown.matchAll(/0x([0-9a-f]{8}) = /g)].map(([, hex]) => `0x${hex}`);
  const wanted = formats.map(({ code }) => `0x${code.toString(16).padStart(8, '0')}`);
  t.strictSame([...listed].sort(), [...wanted].sort(), shown);
});
