/** The memfd source: whole pages, aligned rows, zeroed, of a size that nobody can change. */
import { fstatSync, ftruncateSync, readlinkSync } from 'node:fs';
import t from 'tap';
import { formats } from '../../../src/memory/formats.js';
import { fourcc, MOD_LINEAR } from '../../../src/memory/fourcc.js';
import type { CheckedSpec, MemorySpec } from '../../../src/memory/source.js';
import { close, isCloexec } from '../../../src/native/libc/fd.js';
import { map } from '../../../src/native/libc/memory.js';
import { MemfdSource } from '../../../src/native/sources/memfd.js';
import { image, linear } from '../../broker/support/world.js';
import { withoutLeaks } from '../../support/fds.js';
import { refused } from '../../support/refused.js';

const source = new MemfdSource();

/** Allocates; the fd is closed by the caller. */
/** Whatever its values: the machine's own limits are the source's to know. */
function allocate(spec: MemorySpec) {
  const allocation = source.allocate(spec as CheckedSpec, 'an-id');
  return { ...allocation, fd: allocation.planes[0]?.fd ?? -1 };
}

await withoutLeaks(t, 'memfd', async (t) => {
  t.test('linear memory', async (t) => {
    for (const [size, bytes] of [
      [1, 4096],
      [4096, 4096],
      [4097, 8192],
      [2 ** 21 + 1, 2 ** 21 + 4096],
    ] as const) {
      const made = allocate({ ...linear, size });
      t.match(made, { source: 'memfd', handleType: 'memfd', size: bytes, modifier: null });
      t.match(made.planes, [{ offset: 0, stride: 0 }]);
      t.equal(fstatSync(made.fd).size, bytes);
      close(made.fd);
    }
  });

  t.test('what every buffer is', async (t) => {
    const { fd, size } = allocate(image);
    t.ok(isCloexec(fd));
    t.equal(readlinkSync(`/proc/self/fd/${fd}`), '/memfd:dmabroker:an-id (deleted)');
    t.throws(() => ftruncateSync(fd, 0), { code: 'EPERM' });
    t.throws(() => ftruncateSync(fd, size + 1), { code: 'EPERM' });
    const { bytes, release } = map(fd, size, { write: true });
    t.ok(
      bytes.every((byte) => byte === 0),
      'zeroed',
    );
    bytes.fill(1);
    release();
    source.free(0);
    t.equal(fstatSync(fd).size, size, 'the fd is the receiver’s, not the source’s');
    close(fd);
  });

  t.test('images', async (t) => {
    for (const [width, stride] of [
      [1, 64],
      [16, 64],
      [17, 128],
      [640, 2560],
      [1366, 5504],
    ] as const) {
      const made = allocate({ ...image, width, height: 3 });
      t.equal(made.modifier, MOD_LINEAR);
      t.match(made.planes, [{ offset: 0, stride }], `${width} pixels`);
      t.ok(made.size >= stride * 3);
      t.equal(made.size % 4096, 0);
      close(made.fd);
    }
    const many = { ...image, modifiers: [5n, MOD_LINEAR] };
    const made = allocate(many);
    t.equal(made.modifier, MOD_LINEAR);
    close(made.fd);
  });

  t.test('what it offers it makes', async (t) => {
    const offers = source.formats();
    t.same(new Set(offers.map(({ format }) => format)), new Set(formats.map(({ code }) => code)));
    for (const { format, modifier, planes, handleType } of offers) {
      t.equal(handleType, 'memfd');
      const made = allocate({ ...image, format, modifiers: [modifier] });
      t.equal(made.planes.length, planes);
      for (const fd of new Set(made.planes.map((plane) => plane.fd))) close(fd);
    }
  });

  t.test('refusals', async (t) => {
    const tiled = { ...image, modifiers: [0x0100_0000_0000_0001n] };
    t.match(
      refused(() => allocate(tiled)),
      {
        code: 'unsupported_modifier',
        refusal: { requested: ['0x0100000000000001'], possible: ['0x0000000000000000'] },
      },
    );
    const unknown = { ...image, format: fourcc('ZZZZ') };
    t.equal(refused(() => allocate(unknown)).code, 'unsupported_format');
    t.match(
      refused(() => allocate({ ...linear, size: 2 ** 53 })),
      { code: 'too_large', refusal: { constraint: 'size' } },
      'more than the machine has',
    );
  });
});
