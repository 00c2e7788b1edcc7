/** Bad requests over REST to a daemon with a device: whatever is told as nearest is accepted as it is. */
import t from 'tap';
import { TestDaemon } from '../support/daemon.js';

t.setTimeout(250_000);

const image = { kind: 'image', width: 640, height: 480, format: 'AR24' };
const buffer = { kind: 'buffer', size: 4096 };
const TILED = '0x0100000000000001';

const wrong: [string | RegExp, object][] = [
  // The daemon may have half of the machine's memory at most.
  ['limit_exceeded', { ...buffer, size: 2 ** 50 }],
  ['limit_exceeded', { ...buffer, size: 2 ** 50, sources: ['udmabuf'] }],
  [/too_large|limit_exceeded/, { ...image, width: 60_000, height: 60_000 }],
  // Larger than the heap, or than what is left of it: that depends on the guest's memory.
  [
    /too_large|out_of_memory|limit_exceeded/,
    { ...image, format: 'NV12', width: 60_000, height: 60_001, separate_planes: true },
  ],
  ['unsupported_modifier', { ...image, modifiers: [TILED] }],
  ['unsupported_handle_type', { ...image, handle_types: ['opaque_fd'], sources: ['udmabuf'] }],
  ['unsupported_format', { ...image, handle_types: ['opaque_fd'] }],
  ['unsupported_source', { ...buffer, sources: ['dma-heap:none'] }],
  ['unsupported_placement', { ...buffer, placement: 'device_local', sources: ['udmabuf'] }],
  ['invalid_argument', { ...image, alignment: { stride: 100 } }],
  ['unsupported_layout', { ...image, layout: [{ offset: 0, stride: 4096 * 3 }] }],
];

t.test('the nearest requests', async (t) => {
  const daemon = await TestDaemon.start();
  t.teardown(() => daemon.stop());
  const fds = await daemon.idleFds();
  for (const [code, body] of wrong) {
    const refused = await daemon.rest('POST', '/v1/buffers', body);
    const text = JSON.stringify(body);
    if (refused.status === 201) {
      t.equal(code, 'unsupported_layout', `${text} is served by this driver`);
      await daemon.rest('DELETE', `/v1/buffers/${refused.body.buffer.id}`);
      continue;
    }
    t.match(refused.body.code, code, `${text}: ${refused.body.detail}`);
    const { nearest } = refused.body.refusal;
    if (!nearest) {
      t.fail(`${text} has no nearest request`);
      continue;
    }
    const planned = await daemon.rest('POST', '/v1/buffers?dry_run=true', nearest);
    t.equal(planned.status, 200, JSON.stringify(nearest));
    // Gigabytes are more than the guest can give; whether they could be had, the dry run has said.
    if (planned.body.size > 256 * 2 ** 20) continue;
    const made = await daemon.rest('POST', '/v1/buffers', nearest);
    t.equal(made.status, 201, JSON.stringify(made.body));
    t.equal(made.body.buffer?.source, planned.body.source);
    t.same(made.body.buffer?.placement, planned.body.placement);
    await daemon.rest('DELETE', `/v1/buffers/${made.body.buffer?.id}`);
  }
  await daemon.settled(fds);
});
