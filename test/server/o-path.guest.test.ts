/**
 * A descriptor opened with O_PATH keeps a dma_buf's memory, and is counted nowhere: where the configuration
 * trusts no count, its memory is `unknown`, and charged, for as long as its recipients are there.
 */
import { closeSync, constants, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { connect } from '../../src/client/index.js';
import { eventually, TestDaemon, withoutVulkan } from '../support/daemon.js';
import { withoutLeaks } from '../support/fds.js';
import { temporaryFolder } from '../support/folder.js';

const O_PATH = 0o10000000;

for (const trusted of [true, false]) {
  await withoutLeaks(t, `counts are ${trusted ? '' : 'not '}trusted`, async (t) => {
    const config = join(temporaryFolder(t), 'dmabrokerd.toml');
    writeFileSync(config, `[accounting]\ntrust_counts = ${trusted}\n`);
    const daemon = await TestDaemon.start(['--config', config], { env: withoutVulkan });
    t.teardown(() => daemon.stop('SIGKILL'));
    const client = await connect({ socket: daemon.clientSocket });
    const buffer = await client.allocate({ kind: 'buffer', size: 65_536 });
    t.equal(buffer.handleType, 'dma_buf');
    const path = openSync(`/proc/self/fd/${buffer.planes[0]?.fd}`, constants.O_RDONLY | O_PATH);
    t.throws(() => openSync(`/proc/self/fd/${path}`, 'r+'), { code: 'ENXIO' }, 'of no use');
    await buffer.release();
    const state = async () => (await daemon.buffers())[0]?.state ?? 'gone';
    await eventually(
      async () => (await state()) === (trusted ? 'gone' : 'unknown'),
      'as configured',
    );
    closeSync(path);
    client.close();
    t.equal(await daemon.stop(), 0);
    t.same(daemon.errors, []);
  });
}
