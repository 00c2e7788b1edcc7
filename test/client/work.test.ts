/**
 * Copy, fill and read from the client library through a real daemon without a device: memfds, whose
 * content the CPU moves. work.guest.test.ts has the other kinds of memory.
 */
import t from 'tap';
import { connect } from '../../src/client/index.js';
import { TestDaemon } from '../support/daemon.js';
import { withoutLeaks } from '../support/fds.js';
import { rejected } from '../support/refused.js';

const handleTypes = ['memfd'] as const;
const linear = { kind: 'buffer', size: 8192, handleTypes } as const;
const nv12 = { kind: 'image', width: 101, height: 67, format: 'NV12', handleTypes } as const;

await withoutLeaks(t, 'work', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  const before = await daemon.idleFds();
  const client = await connect({ socket: daemon.clientSocket });

  t.test('linear memory', async (t) => {
    const [a, b] = [await client.allocate(linear), await client.allocate(linear)];
    t.equal(await a.fill(0x01020304), 'cpu');
    t.equal(await a.fill(0xffffffff, { offset: 4096, size: 8 }), 'cpu');
    t.equal(await b.copyFrom(a, { sourceOffset: 4092, offset: 1, size: 16 }), 'cpu');
    const expected = Buffer.alloc(8192);
    Buffer.from('04030201ffffffffffffffff04030201', 'hex').copy(expected, 1);
    t.same(await b.read(), { bytes: expected, path: 'cpu' });
    t.same((await b.read({ offset: 4, size: 3 })).bytes, expected.subarray(4, 7));
    t.match(b.map().bytes.equals(expected), true, 'the memory itself');
    t.equal(await a.copyFrom(a, { offset: 4096, size: 4096 }), 'cpu', 'onto itself, side by side');
    t.match(await rejected(a.copyFrom(a, { offset: 4095, size: 4096 })), {
      code: 'invalid_argument',
      message: /overlap/,
    });
    t.match(await rejected(a.read({ offset: 8000, size: 193 })), {
      refusal: { constraint: 'size' },
    });
    await Promise.all([a.close(), b.close()]);
  });

  t.test('images of different strides, planes on their own', async (t) => {
    const from = await client.allocate(nv12);
    const to = await client.allocate({ ...nv12, alignment: { stride: 512 }, separatePlanes: true });
    t.notSame(from.planes[0]?.stride, to.planes[0]?.stride);
    const source = from.map().bytes;
    for (const i of source.keys()) source[i] = (i * 7) & 0xff;
    await to.copyFrom(from);
    for (const [index, rows, bytes] of [
      [0, 67, 101],
      [1, 34, 102],
    ] as const) {
      const [a, b] = [from.planes[index], to.planes[index]];
      const target = to.map({ plane: index }).bytes;
      const row = (memory: Buffer, plane: typeof a, y: number) => {
        const at = (plane?.offset ?? 0) + (plane?.stride ?? 0) * y;
        return memory.subarray(at, at + bytes);
      };
      for (let y = 0; y < rows; y++) {
        if (!row(target, b, y).equals(row(source, a, y))) t.fail(`plane ${index}, row ${y}`);
      }
      const padding = target.subarray(bytes, b?.stride);
      t.ok(padding.equals(Buffer.alloc(padding.length)), 'nothing between the rows');
    }
    const { bytes } = await to.read();
    const memories = [0, 1].map((plane) => to.map({ plane }).bytes);
    t.ok(bytes.equals(Buffer.concat(memories)), 'one memory after the other');
    await to.fill(0x55555555);
    t.ok((await to.read()).bytes.every((byte) => byte === 0x55));
    await Promise.all([from.close(), to.close()]);
  });

  t.test('refused', async (t) => {
    const image = await client.allocate(nv12);
    const other = await client.allocate({ ...nv12, format: 'NV16' });
    const small = await client.allocate({ ...linear, size: 4096 });
    const large = await client.allocate(linear);
    const cases: [() => Promise<unknown>, object][] = [
      [() => image.copyFrom(other), { code: 'unsupported_format' }],
      [() => image.copyFrom(small), { code: 'invalid_argument', refusal: { constraint: 'kind' } }],
      [() => small.copyFrom(large), { refusal: { constraint: 'size', possible: { max: 4096 } } }],
      [() => small.fill(0, { offset: 2 }), { refusal: { possible: { multipleOf: 4 } } }],
      [() => small.read({ offset: 4096 }), { refusal: { constraint: 'offset' } }],
    ];
    // One after the other: a refusal that nobody awaits yet would be unhandled.
    for (const [ask, expected] of cases) t.match(await rejected(ask()), expected);
    await daemon.rest('DELETE', `/v1/buffers/${small.id}`);
    t.match(await rejected(small.fill(0)), { code: 'not_found' });
    for (const buffer of [image, other, small, large]) await buffer.close();
  });

  t.test('nothing stays behind', async (t) => {
    const buffer = await client.allocate({ ...linear, size: 64 * 1024 * 1024 });
    const pending: readonly Promise<unknown>[] = [buffer.read(), buffer.fill(1)];
    client.close();
    for (const promise of pending) await t.rejects(promise, /the connection was closed/);
    await buffer.close().catch(() => {});
    await daemon.settled(before);
    t.same(daemon.errors, []);
  });
});
