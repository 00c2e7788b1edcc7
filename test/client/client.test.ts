/** The client library against the real daemon: connecting, allocating, refusals, mapped memory. */
import t, { type Test } from 'tap';
import { type Client, connect, MOD_LINEAR } from '../../src/client/index.js';
import { isCloexec } from '../../src/native/libc/fd.js';
import { eventually, TestDaemon } from '../support/daemon.js';
import { withoutLeaks } from '../support/fds.js';
import { rejected } from '../support/refused.js';

const linear = { kind: 'buffer', size: 5000, handleTypes: ['memfd'] } as const;
const image = {
  kind: 'image',
  width: 100,
  height: 50,
  format: 'XR24',
  handleTypes: ['memfd'],
} as const;

await withoutLeaks(t, 'client', async (t) => {
  const daemon = await TestDaemon.memfd(t);

  /** A test with a connection, which is closed at its end. */
  const connected = (name: string, run: (t: Test, client: Client) => Promise<void>) =>
    t.test(name, async (t) => {
      const client = await connect({ socket: daemon.clientSocket });
      await run(t, client);
      client.close();
    });

  await t.test('nobody is there', async (t) => {
    const socket = `${daemon.folder}/nobody.sock`;
    const error = { name: 'SystemError', code: 'ENOENT', message: `connect: ENOENT (${socket})` };
    await t.rejects(connect({ socket }), error);
    await t.rejects(connect({ socket: daemon.folder }), { code: 'ECONNREFUSED' });
    await t.rejects(connect({ socket: `/${'x'.repeat(108)}` }), RangeError);
  });

  await connected('the description', async (t, { description }) => {
    t.equal(description.device, null);
    const memfd = description.sources.find(({ name }) => name === 'memfd');
    t.match(memfd, { handleType: 'memfd', usable: true, reason: /not a dma_buf/ });
    const vulkan = description.sources.find(({ name }) => name === 'vulkan');
    t.match(vulkan, { usable: false, reason: /\w/ });
    t.same(description.limits, {
      buffer_size: 2n ** 53n - 1n,
      image_dimension: 65_536n,
      buffers: 16_384n,
      objects: 65_536n,
      fds: 28n,
      batch: 64n,
    });
  });

  await connected('a linear buffer', async (t, client) => {
    const buffer = await client.allocate({ ...linear, name: 'mine', usage: ['cpu_read'] });
    t.match(buffer, {
      id: /^[a-z2-7]{13}$/,
      generation: 1,
      handleType: 'memfd',
      source: 'memfd',
      size: 8192,
      format: null,
      modifier: null,
      width: null,
      height: null,
      planes: [{ offset: 0, stride: 0 }],
      released: null,
    });
    t.ok(isCloexec(buffer.planes[0]?.fd ?? -1), 'no child inherits it');
    t.match(await daemon.buffers(), [{ id: buffer.id, name: 'mine', size: 8192, kind: 'buffer' }]);
    await buffer.close();
    t.same(await daemon.buffers(), []);
  });

  await connected('an image', async (t, client) => {
    const buffer = await client.allocate({ ...image, modifiers: [5n, MOD_LINEAR] });
    t.match(buffer, { format: 'XR24', modifier: MOD_LINEAR, width: 100, height: 50 });
    const [plane] = buffer.planes;
    t.ok((plane?.stride ?? 0) >= 400);
    t.ok(buffer.size >= (plane?.stride ?? 0) * 50);
    await buffer.close();
  });

  await connected('refusals', async (t, client) => {
    t.match(await rejected(client.allocate({ kind: 'buffer', size: 4096 })), {
      code: 'unsupported_handle_type',
      message: /^no usable source exports dma_buf/,
      refusal: { constraint: 'handle_types', requested: ['dma_buf'], possible: ['memfd'] },
    });
    t.match(await rejected(client.allocate({ ...linear, size: 0 })), {
      code: 'invalid_argument',
      refusal: { constraint: 'size', requested: 0, possible: { min: 1 } },
    });
    t.match(await rejected(client.allocate({ ...image, modifiers: [5n] })), {
      code: 'unsupported_modifier',
      refusal: { constraint: 'modifiers', requested: [5n], possible: [0n] },
    });
    t.match(await rejected(client.allocate({ ...image, format: 'ZZZZ' })), {
      code: 'unsupported_format',
      refusal: { constraint: 'format', requested: 'ZZZZ' },
    });
    t.equal((await rejected(client.redeem('nonsense'))).code, 'invalid_token');
    t.same(await daemon.buffers(), [], 'nothing is left of them');
    const buffer = await client.allocate(linear);
    t.match(await rejected(buffer.share({ uses: 1001 })), {
      code: 'invalid_argument',
      refusal: { constraint: 'uses', requested: 1001, possible: { min: 1, max: 1000 } },
    });
    await buffer.close();
  });

  await connected('what is wrong here is not sent', async (t, client) => {
    await t.rejects(client.allocate({ ...image, format: 'XR2' }), RangeError);
    await t.rejects(client.allocate({ ...linear, name: 'a\0b' }), TypeError);
    await t.rejects(client.allocate({ ...linear, name: 'x'.repeat(5000) }), RangeError);
    await t.rejects(client.redeem('a\0b'), TypeError);
    await t.resolves(client.sync(), 'the connection goes on');
  });

  await connected('mapped memory', async (t, client) => {
    const buffer = await client.allocate(linear);
    const [one, two] = [buffer.map(), buffer.map({ write: false })];
    t.ok(
      one.read((bytes) => bytes.every((byte) => byte === 0)),
      'it is zeroed',
    );
    t.equal(one.bytes.length, buffer.size);
    one.write((bytes) => bytes.write('hello'));
    t.equal(
      two.read((bytes) => bytes.toString('latin1', 0, 5)),
      'hello',
      'the same memory',
    );
    const view = one.bytes.subarray(0, 5);
    one.unmap();
    one.unmap();
    t.same(view, Buffer.alloc(5), 'a view shows zeroes');
    view.write('stray');
    t.equal(two.bytes.toString('latin1', 0, 5), 'hello', 'and writes into nothing');
    t.throws(() => buffer.map({ plane: 1 }), RangeError);
    const left = two.bytes;
    await buffer.close();
    t.same(left.subarray(0, 5), Buffer.alloc(5), 'close unmaps');
    t.throws(() => buffer.map(), /the buffer is closed/);
    await t.rejects(buffer.share(), /the buffer is closed/);
    await t.rejects(buffer.release(), /the buffer is closed/);
    await t.resolves(buffer.close(), 'once more does no harm');
    await t.resolves(client.sync(), 'the connection goes on');
  });

  await connected('many at once', async (t, client) => {
    const buffers = await Promise.all(Array.from({ length: 60 }, () => client.allocate(linear)));
    t.equal(new Set(buffers.map(({ id }) => id)).size, 60);
    await Promise.all(buffers.map((buffer) => buffer.close()));
    await eventually(async () => (await daemon.buffers()).length === 0, 'all memory is gone');
  });

  t.equal(await daemon.stop(), 0);
  t.same(daemon.errors, []);
});
