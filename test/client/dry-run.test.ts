/**
 * Dry runs against a real daemon: `client.test()` and `dmabrokerctl alloc --dry-run` answer what an
 * allocation is then given, or its refusal with the nearest request that succeeds; neither leaves a
 * buffer.
 */
import t from 'tap';
import { connect } from '../../src/client/index.js';
import { ctl } from '../cli/support/again.js';
import { TestDaemon } from '../support/daemon.js';
import { withoutLeaks } from '../support/fds.js';
import { rejected } from '../support/refused.js';

const handleTypes = ['memfd'] as const;
const linear = { kind: 'buffer', size: 5000, handleTypes } as const;
const nv12 = { kind: 'image', width: 100, height: 50, format: 'NV12', handleTypes } as const;

await withoutLeaks(t, 'dry runs', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  const before = await daemon.idleFds();
  const client = await connect({ socket: daemon.clientSocket });
  const run = (...args: string[]) => ctl(['--socket', daemon.restSocket, ...args]);
  const nothing = async () => t.same(await daemon.buffers(), [], 'no buffer was made');

  t.test('what would be allocated, is', async (t) => {
    for (const wish of [linear, nv12]) {
      const planned = await client.test(wish);
      t.match(planned, { source: 'memfd', handleType: 'memfd', unverifiedUsage: [] });
      await nothing();
      const { planes, size, modifier, source } = planned;
      const made = await client.allocate(wish);
      t.match(made, { size, modifier, source, planes: { length: planes.length } });
      const places = planes.map(({ offset, stride }) => ({ offset, stride }));
      t.same(
        made.planes.map(({ offset, stride }) => ({ offset, stride })),
        places,
      );
      await made.close();
    }
    const apart = await client.test({ ...nv12, separatePlanes: true });
    t.same(
      apart.planes.map(({ memory }) => memory),
      [0, 1],
    );
    t.match(await client.test({ ...linear, usage: ['scanout'] }), {
      unverifiedUsage: ['scanout'],
    });
  });

  t.test('refused as an allocation is, with the nearest that succeeds', async (t) => {
    const wish = { ...linear, handleTypes: ['dma_buf'] } as const;
    const error = await rejected(client.test(wish));
    t.match(error, {
      code: 'unsupported_handle_type',
      refusal: { possible: ['memfd'], nearest: { kind: 'buffer', handleTypes: ['memfd'] } },
    });
    t.same((await rejected(client.allocate(wish))).refusal, error.refusal);
    const { nearest } = error.refusal;
    if (!nearest) throw new Error('there is no nearest');
    t.match(await client.test(nearest), { source: 'memfd' });
    t.match(await rejected(client.test({ ...nv12, format: 'QQQQ' })), {
      code: 'unsupported_format',
    });
    await nothing();
  });

  t.test('dmabrokerctl alloc --dry-run', async (t) => {
    const dry = ['alloc', '--dry-run', '--handle-type', 'memfd'];
    const image = ['--image', '100x50', '--format', 'NV12'];
    const { planes, size } = await client.test(nv12);
    const asJson = await run('--json', ...dry, ...image);
    t.equal(asJson.status, 0, asJson.stderr);
    t.match(JSON.parse(asJson.stdout), { source: 'memfd', size, planes });
    const text = await run(...dry, ...image);
    t.equal(text.status, 0, text.stderr);
    t.match(text.stdout, /^source: +memfd$/m);
    t.match(text.stdout, /^plane 1: +memory 0, offset \d+, stride \d+$/m);
    const refused = await run('alloc', '--dry-run', '--size', '4096', '--handle-type', 'dma_buf');
    t.match(refused, { status: 1, stdout: '', stderr: /^dmabrokerctl: unsupported_handle_type: / });
    t.match(refused.stderr, /^nearest: \{.*"handle_types":\["memfd"\]/m);
    await nothing();
  });

  t.test('nothing stays behind', async () => {
    client.close();
    await daemon.settled(before);
  });
});
