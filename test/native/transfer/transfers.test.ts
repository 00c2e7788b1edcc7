/** Rows in a memory that has others beside them: the CPU touches those rows alone. */
import { readSync, writeSync } from 'node:fs';
import t from 'tap';
import { toEnd } from '../../../src/memory/steps.js';
import type { Work } from '../../../src/memory/work.js';
import { close } from '../../../src/native/libc/fd.js';
import { sealedMemfd } from '../../../src/native/libc/memory.js';
import { inPieces } from '../../../src/native/transfer/pieces.js';
import { Transfers } from '../../../src/native/transfer/transfers.js';
import { withoutLeaks } from '../../support/fds.js';

const SIZE = 4096;
const ROWS = { plane: 0, offset: 1024, stride: 64, bytes: 16, rows: 4 } as const;

await withoutLeaks(t, 'rows', async (t) => {
  const memory = (fill: number) => {
    const fd = sealedMemfd('memory', SIZE);
    writeSync(fd, Buffer.alloc(SIZE, fill), 0, SIZE, 0);
    const reference = { origin: 'memfd', handleType: 'memfd', key: 0, device: null } as const;
    const content = () => {
      const bytes = Buffer.alloc(SIZE);
      readSync(fd, bytes, 0, SIZE, 0);
      return bytes;
    };
    return { fd, content, reference: { ...reference, fds: [fd], size: SIZE } };
  };
  /** What a memory is like whose rows alone have changed. */
  const changed = (before: number, now: number) => {
    const bytes = Buffer.alloc(SIZE, before);
    const { offset, stride, bytes: length, rows } = ROWS;
    for (let row = 0; row < rows; row++) {
      bytes.fill(now, offset + row * stride, offset + row * stride + length);
    }
    return bytes;
  };
  const run = (work: Work) => toEnd(inPieces(work, (body) => body(new Transfers(null, null))));

  t.test('a fill', async (t) => {
    const { fd, content, reference } = memory(1);
    run({ kind: 'fill', destination: reference, extent: [ROWS], value: 0x0202_0202 });
    t.ok(content().equals(changed(1, 2)));
    close(fd);
  });

  t.test('a copy', async (t) => {
    const [from, to] = [memory(3), memory(1)];
    const { plane, offset, stride, bytes, rows } = ROWS;
    const place = { plane, offset, stride };
    const plan = [{ source: place, destination: place, bytes, rows }];
    run({ kind: 'copy', source: from.reference, destination: to.reference, plan });
    t.ok(to.content().equals(changed(1, 3)));
    for (const { fd } of [from, to]) close(fd);
  });

  t.test('a read', async (t) => {
    const { fd, reference } = memory(0);
    writeSync(fd, changed(0, 7), 0, SIZE, 0);
    const size = ROWS.bytes * ROWS.rows;
    const { content } = run({ kind: 'read', source: reference, extent: [ROWS], size });
    const bytes = Buffer.alloc(size);
    readSync(content?.fd ?? -1, bytes, 0, size, 0);
    t.ok(bytes.equals(Buffer.alloc(size, 7)));
    close(content?.fd ?? -1);
    close(fd);
  });

  t.test('rows that do not lie in the memory are a defect', async (t) => {
    const { fd, reference } = memory(0);
    const extent = [{ ...ROWS, rows: 100 }];
    const fill = { kind: 'fill', destination: reference, extent, value: 1 } as const;
    t.throws(() => run(fill), { code: 'internal' });
    close(fd);
  });
});
