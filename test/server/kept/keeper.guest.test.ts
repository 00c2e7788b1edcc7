/** dma_bufs with the keeper: its reference is the daemon's own, before and after a restart, and after the keeper's end. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { connect } from '../../../src/client/index.js';
import { eventually, withoutVulkan } from '../../support/daemon.js';
import { KeeperService } from '../../support/keeper.js';
import { ServiceManager } from '../../support/service-manager.js';

const DMA_BUF = /dmabuf/;

t.test('released memory is gone when no client has it', async (t) => {
  const manager = new ServiceManager(t, 2);
  const keeper = new KeeperService(t);
  await keeper.start();
  const config = join(manager.folder, 'config.toml');
  writeFileSync(config, `[restart]\nkeeper = "${keeper.path}"\n`);
  const start = async () => {
    const options = { env: withoutVulkan, busy: true };
    const daemon = await manager.start(['--config', config], options);
    t.teardown(() => daemon.end('SIGKILL'));
    return daemon;
  };
  let daemon = await start();
  const client = await connect({ socket: daemon.clientSocket, reconnect: false });
  const what = { kind: 'buffer', size: 4096, source: 'dma-heap:system' } as const;
  const buffers = [];
  for (let i = 0; i < 5; i++) {
    buffers.push(await client.allocate({ ...what, lifetime: 'until_released' }));
  }
  t.equal(manager.names.length, 1);
  await eventually(() => keeper.memories(DMA_BUF) === 4, 'it has the others');
  const stateOf = async (id: string) =>
    (await daemon.buffers()).find((buffer) => buffer.id === id)?.state;

  for (const when of [
    'at first',
    'after a restart',
    'after the end of the keeper',
    'of the manager',
  ]) {
    if (when === 'after a restart') {
      await daemon.end('SIGKILL');
      daemon = await start();
    }
    if (when === 'after the end of the keeper') {
      await keeper.kill();
      await keeper.start();
      await eventually(() => keeper.memories(DMA_BUF) === 2, 'it has them again');
    }
    const buffer = when === 'of the manager' ? buffers.shift() : buffers.pop();
    if (buffer === undefined) throw new Error('there are not so many');
    await daemon.rest('DELETE', `/v1/buffers/${buffer.id}`);
    for (let i = 0; i < 10; i++) t.equal(await stateOf(buffer.id), 'lingering', when);
    await buffer.close();
    await eventually(async () => (await stateOf(buffer.id)) === undefined, 'nobody has it');
    await eventually(
      () => manager.names.length + keeper.memories(DMA_BUF) === buffers.length,
      'it is nowhere any more',
    );
  }
});
