/** What the kernel tells of a released memfd: fds, copies, mappings, messages, further openings. */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { checked } from '../../src/memory/check-spec.js';
import type { Allocation } from '../../src/memory/source.js';
import { close, duplicate } from '../../src/native/libc/fd.js';
import { GoneWatch } from '../../src/native/libc/inotify.js';
import { map } from '../../src/native/libc/memory.js';
import { receive, send } from '../../src/native/libc/socket.js';
import { remains, tells } from '../../src/native/remains.js';
import { MemfdSource } from '../../src/native/sources/memfd.js';
import { connectedPair } from '../support/accept.js';
import { withoutLeaks } from '../support/fds.js';
import { temporaryFolder } from '../support/folder.js';

const O_PATH = 0o10000000;

const linear = checked({ kind: 'buffer', size: 4096, usage: 4 });

/** One that watches nothing any more. */
function closedWatch(): GoneWatch {
  const watch = new GoneWatch();
  watch.close();
  return watch;
}

t.test("NVIDIA's dma_bufs are counted where the memory is theirs alone", async (t) => {
  const allocation = (source: Allocation['source'], exporter: string) =>
    ({ source, handleType: 'dma_buf', exporter }) as Allocation;
  t.equal(tells(allocation('cuda', 'nv_dmabuf')), 'counted');
  t.equal(tells(allocation('import', 'nv_dmabuf')), 'unknown', 'its maker may have it, too');
  t.equal(tells(allocation('vulkan', 'nv_dmabuf')), 'unknown');
});

t.test('of two faces the one that tells less', async (t) => {
  const posix = { handleType: 'opaque_fd', fds: [7] } as const;
  const memfd = { handleType: 'memfd', fds: [7] } as const;
  const cuda = { source: 'cuda', handleType: 'dma_buf', exporter: 'nv_dmabuf' } as Allocation;
  const udmabuf = { source: 'udmabuf', handleType: 'dma_buf', exporter: 'udmabuf' } as Allocation;
  t.equal(tells({ ...cuda, faces: [posix] }), 'unknown', 'a POSIX fd elsewhere nobody sees');
  t.equal(tells({ ...udmabuf, faces: [memfd] }, '6.12.0'), 'counted', 'a memfd is watched');
  const before = { ...memfd, fds: [] };
  t.equal(tells({ ...udmabuf, faces: [before] }, '6.12.0'), 'unknown', 'not after a restart');
});

await withoutLeaks(t, 'memfds', async (t) => {
  const source = new MemfdSource();
  /** A memory of the source and an fd of it as a client would have. */
  function given() {
    const allocation = source.allocate(linear, 'test');
    const fds = [...new Set(allocation.planes.map(({ fd }) => fd))];
    const release = (watch?: GoneWatch | null) => remains(allocation, fds, watch);
    return { theirs: duplicate(fds[0] ?? -1), release };
  }

  t.test('where the kernel watches no more it is not known', async (t) => {
    for (const watch of [null, closedWatch()]) {
      const { theirs, release } = given();
      const left = release(watch);
      t.equal(left.look(), 'unknown');
      left.close();
      close(theirs);
    }
  });

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

  t.test('opened with O_PATH, by which it could be opened again', async (t) => {
    const { theirs, release } = given();
    const path = openSync(`/proc/self/fd/${theirs}`, O_PATH);
    close(theirs);
    const left = release();
    t.equal(left.look(), 'lingering');
    const again = openSync(`/proc/self/fd/${path}`, 'r+');
    closeSync(path);
    t.equal(left.look(), 'lingering');
    closeSync(again);
    t.equal(left.look(), 'gone');
    left.close();
  });

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
  for (const name of ['system', 'reserved', 'linux,cma', 'default-pool', 'default_cma_region'])
    t.equal(tells(dmaBuf(name), '5.10.0'), 'counted', name);
  for (const name of ['amdgpu', 'i915', 'nouveau', 'nvidia', 'drm', 'videobuf2_vmalloc', null]) {
    t.equal(tells(dmaBuf(name), '6.18.0'), 'unknown', `${name}`);
  }
  t.equal(tells(dmaBuf('udmabuf'), '6.10.14-amd64'), 'unknown');
  t.equal(tells(dmaBuf('udmabuf'), '5.19.0'), 'unknown');
  t.equal(tells(dmaBuf('udmabuf'), '6.11.0-rc1'), 'counted');
  t.equal(tells(dmaBuf('udmabuf'), '7.0.0'), 'counted');
});
