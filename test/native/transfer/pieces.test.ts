/** Copies, fills and reads in pieces: what comes of them, whatever else is done in between. */
import { ftruncateSync, readSync, writeSync } from 'node:fs';
import t from 'tap';
import { BrokerError } from '../../../src/memory/errors.js';
import { PIECE_BYTES } from '../../../src/memory/limits.js';
import { type Steps, toEnd } from '../../../src/memory/steps.js';
import type { MemoryReference, Work, WorkDone } from '../../../src/memory/work.js';
import { close } from '../../../src/native/libc/fd.js';
import { sealedMemfd } from '../../../src/native/libc/memory.js';
import { inPieces } from '../../../src/native/transfer/pieces.js';
import { Transfers } from '../../../src/native/transfer/transfers.js';
import { withoutLeaks } from '../../support/fds.js';
import { refused } from '../../support/refused.js';

const SIZE = 3 * PIECE_BYTES + 4096;
const word = (value: number) => Buffer.from(Uint32Array.of(value).buffer);

function memory(size = SIZE): { fd: number; reference: MemoryReference } {
  const fd = sealedMemfd('pieces', size);
  const reference = {
    origin: 'memfd',
    handleType: 'memfd',
    key: 0,
    device: null,
    fds: [fd],
    size,
  } as const;
  return { fd, reference };
}

const start = (work: Work): Steps<WorkDone> =>
  inPieces(work, (body) => body(new Transfers(null, null)));
const fill = (destination: MemoryReference, value: number, offset = 0, size = SIZE): Work => ({
  kind: 'fill',
  destination,
  extent: { offset, size },
  value,
});
const copy = (source: MemoryReference, destination: MemoryReference): Work => ({
  kind: 'copy',
  source,
  destination,
  plan: [
    {
      source: { plane: 0, offset: 0, stride: 0 },
      destination: { plane: 0, offset: 0, stride: 0 },
      bytes: SIZE,
      rows: 1,
    },
  ],
});

/** The word at an offset. */
function at(fd: number, offset: number): number {
  const bytes = Buffer.alloc(4);
  readSync(fd, bytes, 0, 4, offset);
  return bytes.readUInt32LE();
}
const PLACES = [0, PIECE_BYTES - 4, PIECE_BYTES, 2 * PIECE_BYTES, SIZE - 4];

await withoutLeaks(t, 'pieces', async (t) => {
  t.test('a fill is as many pieces as it takes, and no piece is more than its part', async (t) => {
    const { fd, reference } = memory();
    const steps = start(fill(reference, 7));
    t.equal(steps.next().done, false);
    t.same([at(fd, PIECE_BYTES - 4), at(fd, PIECE_BYTES)], [7, 0]);
    let count = 1;
    for (; steps.next().done !== true; ) count++;
    t.equal(count, 3, 'three pieces before the last one');
    t.same(
      PLACES.map((place) => at(fd, place)),
      PLACES.map(() => 7),
    );
    close(fd);
  });

  t.test('what is small is one piece', async (t) => {
    const { fd, reference } = memory(4096);
    t.equal(start(fill(reference, 1, 0, 4096)).next().done, true);
    close(fd);
  });

  t.test('interleaved works on different memories do not touch each other', async (t) => {
    const [a, b, c] = [memory(), memory(), memory()];
    toEnd(start(fill(a.reference, 1)));
    const running = [start(copy(a.reference, b.reference)), start(fill(c.reference, 3))];
    for (let left = running; left.length > 0; ) left = left.filter((w) => w.next().done !== true);
    for (const place of PLACES) t.same([at(b.fd, place), at(c.fd, place)], [1, 3]);
    for (const { fd } of [a, b, c]) close(fd);
  });

  t.test('a read in pieces is the memory, in its order', async (t) => {
    const { fd, reference } = memory();
    for (const place of PLACES) writeSync(fd, word(place + 1), 0, 4, place);
    const extent = { offset: 0, size: SIZE };
    const { content } = toEnd(start({ kind: 'read', source: reference, extent, size: SIZE }));
    if (content === null) throw new Error('no content');
    t.equal(content.size, SIZE);
    t.same(
      PLACES.map((place) => at(content.fd, place)),
      PLACES.map((place) => place + 1),
    );
    t.throws(() => ftruncateSync(content.fd, 0), { code: 'EPERM' }, 'sealed');
    close(content.fd);
    close(fd);
  });

  t.test('a copy within one memory is refused as a whole, before its first piece', async (t) => {
    const { fd, reference } = memory();
    toEnd(start(fill(reference, 5)));
    const { code } = refused(() => start(copy(reference, reference)).next());
    t.equal(code, 'invalid_argument');
    t.equal(at(fd, 0), 5);
    close(fd);
  });

  t.test('rows are pieces, too', async (t) => {
    const [a, b] = [memory(), memory()];
    const place = { plane: 0, offset: 0, stride: 8 };
    const plan = [{ source: place, destination: { ...place, stride: 16 }, bytes: 4, rows: 3000 }];
    toEnd(start(fill(a.reference, 9)));
    const ends = { source: a.reference, destination: b.reference };
    const steps = start({ kind: 'copy', ...ends, plan });
    t.equal(steps.next().done, false);
    toEnd(steps);
    t.same([at(b.fd, 0), at(b.fd, 4), at(b.fd, 2999 * 16)], [9, 0, 9]);
    for (const { fd } of [a, b]) close(fd);
  });

  t.test('a read that is ended half-way leaves nothing open', async (t) => {
    const { fd, reference } = memory();
    const extent = { offset: 0, size: SIZE };
    const steps = start({ kind: 'read', source: reference, extent, size: SIZE });
    steps.next();
    steps.return({ path: 'cpu', content: null });
    t.equal(steps.next().done, true);
    close(fd);
  });

  t.test('a piece that fails ends it, and what it had', async (t) => {
    const { fd, reference } = memory();
    let pieces = 0;
    const steps = inPieces(
      { kind: 'read', source: reference, extent: { offset: 0, size: SIZE }, size: SIZE },
      (body) => {
        if (++pieces === 2) throw new BrokerError('device_lost', 'gone');
        return body(new Transfers(null, null));
      },
    );
    t.equal(refused(() => toEnd(steps)).code, 'device_lost');
    close(fd);
  });
});
