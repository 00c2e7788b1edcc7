/** A client's buffer by itself: which kinds of memory can be mapped, and how they are bracketed. */
import t from 'tap';
import type { BufferLink } from '../../src/client/buffer-link.js';
import { type BufferDescription, ClientBuffer } from '../../src/client/index.js';
import { sealedMemfd } from '../../src/native/libc/memory.js';
import { withoutLeaks } from '../support/fds.js';

function make(handleType: BufferDescription['handleType'], planes = 1, told = 4096) {
  const fd = sealedMemfd('test', 4096);
  const said: string[] = [];
  const description: BufferDescription = {
    id: 'a',
    generation: 1,
    handleType,
    source: 'vulkan',
    size: 4096,
    format: null,
    modifier: null,
    width: null,
    height: null,
    memories: [{ size: told }],
    planes: Array.from({ length: planes }, () => ({ fd, memory: 0, offset: 0, stride: 0 })),
    device: null,
    checked: null,
    vulkan: null,
    fellBack: null,
    unverifiedUsage: [],
  };
  const work = async () => ({ path: 'cpu' as const, content: null });
  const link: BufferLink = {
    id: 7,
    isThere: true,
    copy: work,
    fill: work,
    read: work,
    share: async () => ({
      token: 'token',
      tokenId: 'id',
      revoke: async () => {},
      forget: () => said.push('forget'),
    }),
    renew: async () => {},
    park: async () => {},
    commit: async () => ({ revision: 1, digest: '' }),
    reissue: async () => {
      said.push('reissue');
    },
    destroy: async (request) => {
      said.push(request);
    },
  };
  const buffer = new ClientBuffer(description, {
    connection: {},
    link,
    call: (ask) => ask(link, false),
    end: (request, closeFds) => {
      closeFds();
      return link.destroy(request);
    },
    tell: () => {},
  });
  return { buffer, said };
}

await withoutLeaks(t, 'buffers', async (t) => {
  t.test('an opaque_fd cannot be mapped', async (t) => {
    const { buffer } = make('opaque_fd');
    t.throws(() => buffer.map(), /an opaque_fd cannot be mapped/);
    await buffer.close();
  });

  t.test('what is mapped is there: no more of a memory than its file has', async (t) => {
    const { buffer } = make('memfd', 2, 8192);
    const { bytes } = buffer.map();
    t.equal(bytes.length, 4096, 'a byte more would be SIGBUS');
    t.equal(buffer.map({ plane: 1 }).bytes.length, 4096);
    t.equal(buffer.map({ memory: 0, offset: 4000 }).bytes.length, 96);
    for (const wrong of [{ plane: 2 }, { memory: 1 }, { size: 4097 }, { offset: 4096, size: 1 }]) {
      t.throws(() => buffer.map(wrong), RangeError);
    }
    t.throws(() => buffer.map({ plane: 0, memory: 0 }), TypeError);
    await buffer.close();
  });

  t.test('access to a dma_buf is bracketed', async (t) => {
    const { buffer } = make('dma_buf');
    const memory = buffer.map();
    let called = false;
    // A memfd stands for it, on which DMA_BUF_IOCTL_SYNC is ENOTTY.
    for (const access of ['read', 'write'] as const) {
      t.throws(() => memory[access](() => (called = true)), /DMA_BUF_IOCTL_SYNC.*errno 25/);
    }
    t.equal(called, false, 'nothing is read or written without it');
    await buffer.close();
  });

  t.test('planes in one fd are closed once, and the daemon is told once', async (t) => {
    const { buffer, said } = make('memfd', 3);
    t.equal(await buffer.share(), 'token');
    await buffer.close();
    await buffer.close();
    await t.rejects(buffer.release(), TypeError);
    t.same(said, ['forget', 'destroy']);
    const other = make('memfd');
    await other.buffer.release();
    await other.buffer.close();
    t.same(other.said, ['release']);
  });

  t.test('work that cannot be asked for', async (t) => {
    const [one, other] = [make('memfd').buffer, make('memfd').buffer];
    await t.rejects(one.copyFrom(other), /of different connections/);
    for (const value of [-1, 2 ** 32, 0.5]) await t.rejects(one.fill(value), RangeError);
    await other.close();
    const asks: readonly (() => Promise<unknown>)[] = [
      () => one.copyFrom(other),
      () => other.copyFrom(one),
      () => other.fill(0),
      () => other.read(),
    ];
    for (const ask of asks) await t.rejects(ask(), /the buffer is closed/);
    await one.close();
  });
});
