/**
 * Clients that are killed: a dma_buf is charged until the last process that has it has gone, an fd, a
 * mapping or a message alike, and not a moment less.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import t from 'tap';
import { type ClientBuffer, connect } from '../../src/client/index.js';
import { close, duplicate } from '../../src/native/libc/fd.js';
import { eventually, TestDaemon } from '../support/daemon.js';
import { programFile } from '../support/programs.js';

const daemon = await TestDaemon.start();
t.teardown(() => daemon.stop('SIGKILL'));
const fds = await daemon.idleFds();

const program = programFile('sharer');

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

t.test('the same memory under two ids: what is released first keeps nothing', async (t) => {
  const socket = await connect({ socket: daemon.clientSocket });
  const ids = async () => (await daemon.buffers()).map(({ id, state }) => [id, state]);
  const bring = (of: ClientBuffer) =>
    socket.import({ kind: 'buffer', size: 4096, planes: of.planes });
  for (const source of ['vulkan', 'dma-heap:system'] as const) {
    const made = await socket.allocate({ kind: 'buffer', size: 4096, source });
    const [one, two] = [await bring(made), await bring(made)];
    for (const imported of [one, two]) await imported.release();
    await socket.sync();
    t.strictSame(await ids(), [[made.id, 'live']], `${source}: the imports are gone`);
    const again = await bring(made);
    await made.release();
    await socket.sync();
    await eventually(async () => (await ids()).length === 2, 'the import keeps it');
    await again.release();
    await eventually(async () => (await ids()).length === 0, 'nobody has it any more');
  }
  const nv12 = { kind: 'image', width: 64, height: 64, format: 'NV12' } as const;
  const image = await socket.allocate({ ...nv12, source: 'dma-heap:system' });
  t.equal(image.planes.length, 2, 'two planes in one dma_buf, each with an fd of its own');
  const copies = image.planes.map((plane) => ({ ...plane, fd: duplicate(plane.fd) }));
  const modifier = 0n;
  const planes = await socket.import({ ...nv12, modifier, planes: copies });
  for (const { fd } of copies) close(fd);
  await planes.release();
  await socket.sync();
  t.strictSame(await ids(), [[image.id, 'live']]);
  await image.release();
  socket.close();
  await daemon.settled(fds);
});

t.test('nobody has it: its charge is returned at once', async () => {
  const owner = await client('own', 'vulkan');
  await kill(owner.child);
  await daemon.settled(fds);
});
