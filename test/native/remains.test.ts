/** What the kernel tells of a released memfd: fds, copies, mappings, messages, further openings. */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Allocation } from '../../src/broker/source.js';
import { close, duplicate } from '../../src/native/libc/fd.js';
import { map } from '../../src/native/libc/memory.js';
import { receive, send } from '../../src/native/libc/socket.js';
import { remains, tells } from '../../src/native/remains.js';
import { MemfdSource } from '../../src/native/sources/memfd.js';
import { connectedPair } from '../support/accept.js';
import { withoutLeaks } from '../support/fds.js';
import { temporaryFolder } from '../support/folder.js';

const linear = { kind: 'buffer', size: 4096, usage: 4 } as const;

await withoutLeaks(t, 'memfds', async (t) => {
  const source = new MemfdSource();
  /** A memory of the source and an fd of it as a client would have. */
  function given() {
    const allocation = source.allocate(linear, 'test');
    const fds = [...new Set(allocation.planes.map(({ fd }) => fd))];
    return { theirs: duplicate(fds[0] ?? -1), release: () => remains(allocation, fds) };
  }

  t.test('an fd', async (t) => {
    const { theirs, release } = given();
    const left = release();
    t.equal(left.look(), 'lingering');
    const copy = duplicate(theirs);
    close(theirs);
    t.equal(left.look(), 'lingering');
    close(copy);
    t.equal(left.look(), 'gone');
    left.close();
  });

  for (const write of [true, false]) {
    t.test(`a mapping, ${write ? 'written' : 'only read'}`, async (t) => {
      const { theirs, release } = given();
      const mapping = map(theirs, 4096, { write });
      close(theirs);
      const left = release();
      t.equal(left.look(), 'lingering');
      mapping.release();
      t.equal(left.look(), 'gone');
      left.close();
    });
  }

  t.test('a message in flight', async (t) => {
    const [one, other] = connectedPair(join(temporaryFolder(t), 'socket'));
    const { theirs, release } = given();
    send(one, Buffer.from('x'), [theirs]);
    close(theirs);
    const left = release();
    t.equal(left.look(), 'lingering');
    for (const fd of receive(other)?.fds ?? []) close(fd);
    t.equal(left.look(), 'gone');
    left.close();
    for (const fd of [one, other]) close(fd);
  });

  for (const flags of ['r', 'r+']) {
    t.test(`opened again with ${flags}`, async (t) => {
      const { theirs, release } = given();
      const again = openSync(`/proc/self/fd/${theirs}`, flags);
      close(theirs);
      const left = release();
      t.equal(left.look(), 'lingering');
      closeSync(again);
      t.equal(left.look(), 'gone');
      left.close();
    });
  }

  t.test('each memory of a buffer', async (t) => {
    const two = [source.allocate(linear, 'a'), source.allocate(linear, 'b')] as const;
    const fds = two.map(({ planes }) => planes[0]?.fd ?? -1);
    const theirs = duplicate(fds[1] ?? -1);
    const left = remains(two[0], fds);
    t.equal(left.look(), 'lingering');
    close(theirs);
    t.equal(left.look(), 'gone');
    left.close();
  });

  t.test('an opaque fd: nothing, and it is closed', async (t) => {
    const allocation: Allocation = { ...source.allocate(linear, 'test'), handleType: 'opaque_fd' };
    const left = remains(
      allocation,
      allocation.planes.map(({ fd }) => fd),
    );
    t.equal(left.look(), 'unknown');
    left.close();
  });
  source.close();
});

t.test('which count proves something', async (t) => {
  const dmaBuf = (exporter: string | null) => ({ handleType: 'dma_buf', exporter }) as Allocation;
  for (const name of ['system', 'reserved', 'linux,cma']) t.ok(tells(dmaBuf(name), '5.10.0'), name);
  for (const name of ['amdgpu', 'i915', 'nouveau', 'nvidia', 'drm', 'videobuf2_vmalloc', null]) {
    t.notOk(tells(dmaBuf(name), '6.18.0'), `${name}`);
  }
  t.notOk(tells(dmaBuf('udmabuf'), '6.10.14-amd64'));
  t.notOk(tells(dmaBuf('udmabuf'), '5.19.0'));
  t.ok(tells(dmaBuf('udmabuf'), '6.11.0-rc1'));
  t.ok(tells(dmaBuf('udmabuf'), '7.0.0'));
});
