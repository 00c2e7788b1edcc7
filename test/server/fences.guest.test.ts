/**
 * Memory that others are at work on: vgem's buffers with fences that are signalled here. What the
 * broker is asked to do waits for those that matter, nobody else waits with it, and a fence that does
 * not signal is a refusal.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type ClientBuffer, connect } from '../../src/client/index.js';
import { FENCE_LIMIT_MS } from '../../src/memory/limits.js';
import { pendingFence } from '../../src/native/fences.js';
import { close } from '../../src/native/libc/fd.js';
import { map } from '../../src/native/libc/memory.js';
import { TestDaemon } from '../support/daemon.js';
import { withoutLeaks } from '../support/fds.js';
import { temporaryFolder } from '../support/folder.js';
import { rejected } from '../support/refused.js';
import { Vgem } from '../support/vgem.js';

t.setTimeout(240_000);
const vgem = new Vgem();
// A DRM driver's count of references proves nothing, and this process stays: no grace is needed.
const config = join(temporaryFolder(t), 'dmabrokerd.toml');
writeFileSync(config, '[accounting]\nunknown_grace_seconds = 0\n');
const daemon = await TestDaemon.start(['--config', config]);
t.teardown(() => daemon.stop('SIGKILL'));
const before = await daemon.idleFds();
const client = await connect({ socket: daemon.clientSocket });
const other = await client.allocate({ kind: 'buffer', size: 4096 });

const word = async (buffer: ClientBuffer) => (await buffer.read({ size: 4 })).bytes.readUInt32LE();

/** A buffer of vgem's in the broker's hands. */
async function shared(t: Test) {
  const made = vgem.create(4);
  const { fd, size } = made;
  const planes = [{ fd, offset: 0, stride: 0 }];
  const buffer = await client.import({ kind: 'buffer', size, planes });
  t.teardown(async () => {
    await buffer.close();
    close(fd);
  });
  /** What happened, in its order. */
  const events: string[] = [];
  const note = async (what: string, promise: Promise<unknown>) => {
    await promise;
    events.push(what);
  };
  const signal = (fence: number) => {
    events.push('signal');
    vgem.signal(fence);
  };
  // The writer that the fence stands for: DMA_BUF_IOCTL_SYNC would wait for it itself.
  const mapping = map(fd, size, { write: true });
  t.teardown(() => mapping.release());
  const write = (value: number) => mapping.bytes.writeUInt32LE(value);
  return { made, buffer, events, note, signal, write };
}

t.test('what matters of the fences', async (t) => {
  await withoutLeaks(t, 'none is left open', async (t) => {
    const made = vgem.create(1);
    t.equal(pendingFence(made.fd, 'write'), null, 'without one');
    const reader = vgem.attach(made, 'read');
    t.equal(pendingFence(made.fd, 'read'), null, 'readers wait for no reader');
    const fence = pendingFence(made.fd, 'write');
    t.equal(fence?.signalled(), false);
    vgem.signal(reader);
    t.equal(fence?.signalled(), true);
    fence?.close();
    const writer = vgem.attach(made, 'write');
    for (const access of ['read', 'write'] as const) {
      const pending = pendingFence(made.fd, access);
      t.equal(pending?.signalled(), false, access);
      pending?.close();
    }
    vgem.signal(writer);
    t.equal(pendingFence(made.fd, 'read'), null);
    close(made.fd);
  });
});

t.test('a read waits for who writes, and nobody waits with it', async (t) => {
  const { made, buffer, events, note, signal, write } = await shared(t);
  write(1);
  const fence = vgem.attach(made, 'write');
  const value = word(buffer);
  const read = note('read', value);
  await note('other', other.fill(7));
  write(2);
  signal(fence);
  await read;
  t.same(events, ['other', 'signal', 'read']);
  t.equal(await value, 2, 'what was there when the writer had ended');
});

t.test('a fill waits for who reads, a read does not', async (t) => {
  const { made, buffer, events, note, signal } = await shared(t);
  const fence = vgem.attach(made, 'read');
  await note('read', word(buffer));
  const fill = note('fill', buffer.fill(5));
  await note('other', other.fill(8));
  t.equal(
    buffer.map().read((bytes) => bytes.readUInt32LE()),
    0,
    'not yet',
  );
  signal(fence);
  await fill;
  t.same(events, ['read', 'other', 'signal', 'fill']);
  t.equal(await word(buffer), 5);
});

t.test('work on the same memory keeps its order', async (t) => {
  const { made, buffer, events, note, signal } = await shared(t);
  await other.fill(9);
  const fence = vgem.attach(made, 'write');
  const values: number[] = [];
  const work = [
    note('fill', buffer.fill(3)),
    note('copy', other.copyFrom(buffer, { size: 4 })),
    // No fence is on this one: it waits for the copy alone.
    note(
      'read',
      word(other).then((value) => values.push(value)),
    ),
  ];
  await client.sync();
  signal(fence);
  await Promise.all(work);
  t.same(events, ['signal', 'fill', 'copy', 'read']);
  t.same(values, [3]);
});

t.test('a fence that does not signal', async (t) => {
  const { made, buffer } = await shared(t);
  const fence = vgem.attach(made, 'write');
  t.match(await rejected(buffer.read({ size: 4 })), {
    code: 'busy',
    message: new RegExp(`${FENCE_LIMIT_MS} ms`),
    refusal: { constraint: 'fences', possible: { maxWaitMs: FENCE_LIMIT_MS } },
  });
  vgem.signal(fence);
  t.equal(await word(buffer), 0, 'then it can be read');
});

t.test('who asked leaves', async (t) => {
  const { made, buffer, signal } = await shared(t);
  const guest = await connect({ socket: daemon.clientSocket });
  const theirs = await guest.redeem(await buffer.share());
  const fence = vgem.attach(made, 'write');
  const asked = t.rejects(theirs.read({ size: 4 }), { message: 'the connection was closed' });
  await other.fill(1);
  guest.close();
  await asked;
  for (const { fd } of theirs.planes) close(fd);
  signal(fence);
  t.equal(await word(buffer), 0, 'the daemon goes on');
});

t.test('nothing stays behind', async (t) => {
  await other.close();
  vgem.close();
  client.close();
  await daemon.settled(before);
  t.same(daemon.errors, []);
  t.equal(await daemon.stop(), 0);
});
