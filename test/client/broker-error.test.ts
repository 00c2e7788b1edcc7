/** A refusal in the library's words: its nearest request is one that the library takes as it is. */
import t from 'tap';
import { inOwnWords } from '../../src/client/broker-error.js';
import { type Client, connect } from '../../src/client/index.js';
import { TestDaemon } from '../support/daemon.js';
import { withoutLeaks } from '../support/fds.js';
import { rejected } from '../support/refused.js';

t.test('in own words', async (t) => {
  t.same(
    inOwnWords({
      constraint: 'modifiers',
      requested: ['0x0100000000000001'],
      possible: ['0x0000000000000000'],
      nearest: {
        kind: 'image',
        width: 16,
        height: 16,
        format: 'NV12',
        modifiers: ['0x0000000000000000'],
        separate_planes: true,
        layout: [{ offset: 0, stride: 64 }],
        usage: ['cpu_read'],
        handle_types: ['dma_buf'],
        sources: ['udmabuf'],
      },
    }),
    {
      constraint: 'modifiers',
      requested: [0x0100_0000_0000_0001n],
      possible: [0n],
      nearest: {
        kind: 'image',
        width: 16,
        height: 16,
        format: 'NV12',
        modifiers: [0n],
        separatePlanes: true,
        layout: [{ offset: 0, stride: 64 }],
        usage: ['cpu_read'],
        handleTypes: ['dma_buf'],
        source: 'udmabuf',
      },
    },
  );
  t.same(inOwnWords({ possible: { multiple_of: 4 }, nearest: null }), {
    possible: { multipleOf: 4 },
    nearest: null,
  });
  t.same(inOwnWords({ possible: { modifiers: ['0x0000000000000000'] } }), {
    possible: { modifiers: [0n] },
  });
  t.same(inOwnWords({ requested: '0xff', constraint: 'name' }), {
    requested: '0xff',
    constraint: 'name',
  });
});

type Request = Parameters<Client['allocate']>[0];
const handleTypes = ['memfd'] as const;
const image = { kind: 'image', width: 16, height: 16, format: 'XR24', handleTypes } as const;
const device = '0123456789abcdef0123456789abcdef';

/** What this daemon, which has memfd alone, refuses, and has something near to. */
const REFUSED: Record<string, Request> = {
  'a handle type': { kind: 'buffer', size: 4096, usage: ['cpu_read', 'cpu_write'] },
  modifiers: { ...image, modifiers: [5n, 7n] },
  'a format': { ...image, format: 'QQQQ' },
  'a source': { kind: 'buffer', size: 4096, handleTypes, source: 'vulkan' },
  'a placement': { kind: 'buffer', size: 4096, handleTypes, placement: 'device_local' },
  'a device': { kind: 'buffer', size: 4096, handleTypes, device },
  'a size': { kind: 'buffer', size: 0, handleTypes },
  'a width': { ...image, width: 65_537 },
  'a layout': { ...image, modifiers: [0n], layout: [{ offset: 0, stride: 16 }] },
};

await withoutLeaks(t, 'a daemon', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  const client = await connect({ socket: daemon.clientSocket });
  let taken = 0;
  for (const [what, request] of Object.entries(REFUSED)) {
    const { refusal } = await rejected(client.allocate(request));
    if (!refusal.nearest) continue;
    const buffer = await client.allocate(refusal.nearest);
    t.equal(buffer.source, 'memfd', `nearest to ${what} is taken`);
    await buffer.close();
    taken++;
  }
  t.ok(taken >= 4, `${taken} had one`);
  client.close();
});
