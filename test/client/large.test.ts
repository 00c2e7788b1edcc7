/** Memory of more than a Buffer can have: what is done to a small range of it, and that nothing of it stays. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { connect } from '../../src/client/index.js';
import { eventually, TestDaemon } from '../support/daemon.js';
import { withoutLeaks } from '../support/fds.js';
import { temporaryFolder } from '../support/folder.js';

const GIB = 2 ** 30;
const SIZE = 5 * GIB;
/** Its pages come when they are touched. */
const LARGE = { kind: 'buffer', size: SIZE, handleTypes: ['memfd'] } as const;
const mapped = (pid: number | 'self') =>
  readFileSync(`/proc/${pid}/maps`, 'utf8')
    .split('\n')
    .filter((line) => line.includes('memfd:dmabroker:'));

await withoutLeaks(t, '5 GiB', async (t) => {
  const config = join(temporaryFolder(t), 'dmabrokerd.toml');
  writeFileSync(config, '[quotas.daemon]\nbytes = "64G"\n');
  const daemon = await TestDaemon.memfd(t, {}, ['--config', config]);
  const client = await connect({ socket: daemon.clientSocket });
  const buffer = await client.allocate(LARGE);
  const offset = SIZE - 64;

  t.equal(await buffer.fill(0x6463_6261, { offset, size: 64 }), 'cpu');
  t.equal(String((await buffer.read({ offset: offset - 4, size: 12 })).bytes), '\0\0\0\0abcdabcd');

  const other = await client.allocate(LARGE);
  await other.copyFrom(buffer, { sourceOffset: offset, offset: 4 * GIB + 1, size: 64 });
  t.equal(String((await other.read({ offset: 4 * GIB, size: 6 })).bytes), '\0abcda', 'copied');
  t.same(mapped(daemon.pid), [], 'the daemon has nothing mapped');

  t.throws(() => buffer.map(), /map a part/);
  t.same(mapped('self'), [], 'nor has the client what it cannot have');
  t.throws(() => buffer.map({ offset, size: 65 }), RangeError);
  const part = buffer.map({ offset, size: 64 });
  t.equal(
    part.read((bytes) => bytes.toString('latin1', 0, 8)),
    'abcdabcd',
  );
  part.unmap();

  for (const each of [buffer, other]) await each.release();
  await eventually(async () => (await daemon.buffers()).length === 0, 'they are gone at once');
  client.close();
  t.equal(await daemon.stop(), 0);
  t.same(daemon.errors, []);
});
