/**
 * Clients that are killed: a dma_buf is charged until the last process that has it has gone, an fd, a
 * mapping or a message alike, and not a moment less.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t from 'tap';
import { connect } from '../../src/client/index.js';
import { packageRoot } from '../../src/package-root.js';
import { eventually, TestDaemon } from '../support/daemon.js';

const daemon = await TestDaemon.start();
t.teardown(() => daemon.stop('SIGKILL'));
const fds = await daemon.idleFds();

const program = join(packageRoot, 'dist', 'test', 'support', 'programs', 'sharer.js');

/** A client in a process of its own, and the first line that it prints. */
async function client(...args: string[]): Promise<{ child: ChildProcess; said: string }> {
  const child = spawn(process.execPath, [program, daemon.clientSocket, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => kill(child));
  for await (const said of createInterface(child.stdout)) return { child, said };
  throw new Error('it ended without a word');
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

const states = async () => (await daemon.buffers()).map(({ state }) => state);

for (const source of ['vulkan', 'udmabuf', 'dma-heap:system', 'memfd']) {
  for (const how of ['fd', 'mapping']) {
    t.test(`${source}, the other has ${how === 'fd' ? 'an fd' : 'a mapping'}`, async (t) => {
      const owner = await client('own', source);
      const other = await client(how, owner.said);
      t.strictSame(await states(), ['live']);
      await kill(owner.child);
      await eventually(async () => (await states())[0] !== 'live', 'it is released');
      for (let i = 0; i < 10; i++) t.strictSame(await states(), ['lingering']);
      await kill(other.child);
      await eventually(async () => (await states()).length === 0, 'its memory is gone');
      await daemon.settled(fds);
    });
  }
}

t.test("an import of the broker's own memory: neither keeps the other", async () => {
  const socket = await connect({ socket: daemon.clientSocket });
  const made = await socket.allocate({ kind: 'buffer', size: 4096 });
  const { planes } = made;
  const imported = await socket.import({ kind: 'buffer', size: 4096, planes });
  await imported.release();
  await made.release();
  socket.close();
  await daemon.settled(fds);
});

t.test('nobody has it: its charge is returned at once', async () => {
  const owner = await client('own', 'vulkan');
  await kill(owner.child);
  await daemon.settled(fds);
});
