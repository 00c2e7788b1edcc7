/**
 * Formats, alignment, planes on their own and named sources, from the client library, over REST and
 * from the command line to the real daemon's memory.
 */
import { fstatSync } from 'node:fs';
import t, { type Test } from 'tap';
import { type Client, connect } from '../../src/client/index.js';
import { formats } from '../../src/memory/formats.js';
import { linearLayout } from '../../src/memory/layout.js';
import { ctl } from '../cli/support/ctl.js';
import { TestDaemon } from '../support/daemon.js';
import { withoutLeaks } from '../support/fds.js';
import { rejected } from '../support/refused.js';

const handleTypes = ['memfd'] as const;
const nv12 = { kind: 'image', width: 1920, height: 1080, format: 'NV12', handleTypes } as const;
const linear = { kind: 'buffer', size: 5000, handleTypes } as const;

await withoutLeaks(t, 'layouts', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  const connected = (name: string, run: (t: Test, client: Client) => Promise<void>) =>
    t.test(name, async (t) => {
      const client = await connect({ socket: daemon.clientSocket });
      await run(t, client);
      client.close();
    });

  await connected('every format', async (t, client) => {
    const extent = { width: 101, height: 67 };
    for (const format of formats) {
      const buffer = await client.allocate({ ...nv12, ...extent, format: format.name });
      const { planes, memories } = linearLayout(format, extent);
      t.match(
        buffer,
        {
          size: memories[0],
          planes: planes.map(({ offset, stride }) => ({ offset, stride })),
        },
        format.name,
      );
      await buffer.close();
    }
  });

  const wholly = "separate planes are mapped whole: each memory's size is told";
  await connected(wholly, async (t, client) => {
    const buffer = await client.allocate({ ...nv12, separatePlanes: true });
    t.match(buffer.planes, [
      { memory: 0, offset: 0, stride: 1920 },
      { memory: 1, offset: 0, stride: 1920 },
    ]);
    const sizes = buffer.planes.map(({ fd }) => fstatSync(fd).size);
    t.strictSame(sizes, [2_076_672, 1_040_384]);
    t.equal(buffer.size, 2_076_672 + 1_040_384);
    t.strictSame(
      buffer.memories,
      sizes.map((size) => ({ size })),
    );
    for (const index of [0, 1]) {
      for (const what of [{ plane: index }, { memory: index }]) {
        const { bytes } = buffer.map(what);
        t.equal(bytes.length, sizes[index], 'all of its memory and no more is mapped');
        t.equal(bytes[bytes.length - 1], 0);
      }
    }
    const planned = await client.test({ ...nv12, separatePlanes: true });
    t.strictSame(planned.memories, buffer.memories, 'and a dry run tells it');
    const redeemed = await client.redeem(await buffer.share());
    t.strictSame(redeemed.memories, buffer.memories);
    t.equal(redeemed.map({ plane: 1 }).bytes.length, sizes[1]);
    await redeemed.close();
    const together = await client.allocate(nv12);
    t.match(together, { memories: [{ size: together.size }], planes: [{}, { memory: 0 }] });
    t.equal(
      new Set(together.planes.map(({ fd }) => fd)).size,
      2,
      'each plane has an fd of its own',
    );
    await together.close();
    t.match(await daemon.buffers(), [{ planes: [{ memory: 0 }, { memory: 1 }] }]);
    await buffer.close();
  });

  await connected('alignment', async (t, client) => {
    const alignment = { stride: 256, height: 16, size: 65_536 };
    const image = await client.allocate({ ...nv12, alignment });
    t.match(image, {
      planes: [
        { offset: 0, stride: 2048 },
        { offset: 2048 * 1088, stride: 2048 },
      ],
      size: 51 * 65_536,
    });
    const buffer = await client.allocate({ ...linear, alignment: { size: 65_536 } });
    t.equal(buffer.size, 65_536);
    await image.close();
    await buffer.close();
  });

  await connected('a named source', async (t, client) => {
    const buffer = await client.allocate({ ...linear, source: 'memfd' });
    t.equal(buffer.source, 'memfd');
    await buffer.close();
    t.match(await rejected(client.allocate({ ...linear, source: 'vulkan' })), {
      code: 'unsupported_source',
      refusal: { constraint: 'sources', requested: ['vulkan'], possible: /memfd/ },
    });
    t.match(await rejected(client.allocate({ ...linear, source: 'dma-heap:gone' })), {
      code: 'unsupported_source',
      message: /there is no such source/,
    });
    const wrongType = { ...linear, source: 'memfd', handleTypes: ['dma_buf'] as const };
    t.match(await rejected(client.allocate(wrongType)), {
      code: 'unsupported_handle_type',
      refusal: { possible: ['memfd'] },
    });
  });

  await connected('what is refused', async (t, client) => {
    t.match(await rejected(client.allocate({ ...nv12, alignment: { stride: 48 } })), {
      code: 'invalid_argument',
      refusal: { constraint: 'alignment.stride', requested: 48 },
    });
    t.match(await rejected(client.allocate({ ...nv12, alignment: { height: 2 ** 31 } })), {
      code: 'too_large',
      refusal: { constraint: 'alignment.height', requested: 2 ** 31 },
    });
    const huge = { ...nv12, width: 65_536, height: 65_536 };
    // 6 GiB: more than the daemon may have, or an offset beyond 32 bits.
    t.match((await rejected(client.allocate(huge))).code, /^(limit_exceeded|too_large)$/);
    t.match(await rejected(client.allocate({ ...linear, size: 2 ** 50 })), {
      code: 'limit_exceeded',
      refusal: { requested: 2 ** 50 },
    });
    t.same(await daemon.buffers(), [], 'nothing is left behind');
  });

  await t.test('over REST', async (t) => {
    const request = { kind: 'image', width: 64, height: 30, format: 'NV12' };
    const memfd = { handle_types: ['memfd'] };
    const aligned = { ...request, ...memfd, alignment: { height: 16 }, sources: ['memfd'] };
    const made = await daemon.rest('POST', '/v1/buffers', aligned);
    t.match(made, {
      status: 201,
      body: { buffer: { planes: [{ memory: 0 }, { memory: 0, offset: 64 * 32 }] } },
    });
    const separate = { ...request, ...memfd, separate_planes: true };
    t.match(await daemon.rest('POST', '/v1/buffers', separate), {
      body: { buffer: { planes: [{ memory: 0 }, { memory: 1, offset: 0 }] } },
    });
    const wrong = { ...request, ...memfd, alignment: { stride: 65 } };
    t.match(await daemon.rest('POST', '/v1/buffers', wrong), {
      status: 400,
      body: { code: 'invalid_argument', refusal: { constraint: 'alignment.stride' } },
    });
    const nowhere = { ...request, ...memfd, sources: ['udmabuf', 'dma-heap:x'] };
    t.match(await daemon.rest('POST', '/v1/buffers', nowhere), {
      status: 422,
      body: { code: 'unsupported_source', refusal: { requested: ['udmabuf', 'dma-heap:x'] } },
    });
    const unknown = { ...request, ...memfd, sources: ['disk'] };
    t.match(await daemon.rest('POST', '/v1/buffers', unknown), { status: 400 });
    const offers = await daemon.rest('GET', '/v1/device/formats');
    t.match(
      offers.body.filter((offer: { source: string }) => offer.source === 'memfd').length,
      formats.length,
    );
  });

  await t.test('from the command line', async (t) => {
    const alloc = (...args: string[]) =>
      ctl(['--socket', daemon.restSocket, '--json', 'alloc', '--handle-type', 'memfd', ...args]);
    const image = ['--image', '1920x1080', '--format', 'NV12'];
    const options = ['--align', 'stride=256,height=16', '--separate-planes', '--source', 'memfd'];
    const made = await alloc(...image, ...options);
    t.equal(made.status, 0, made.stderr);
    t.match(JSON.parse(made.stdout), {
      buffer: {
        size: 2048 * (1088 + 544),
        planes: [
          { memory: 0, stride: 2048 },
          { memory: 1, stride: 2048 },
        ],
      },
    });
    const refused = await alloc(...image, '--align', 'rows=3');
    t.not(refused.status, 0);
    t.match(refused.stderr, /rows=3 is not an alignment/);
    t.match((await alloc('--size', '1', '--separate-planes')).stderr, /is for --image/);
    for (const { id } of await daemon.buffers()) await daemon.rest('DELETE', `/v1/buffers/${id}`);
  });
});
