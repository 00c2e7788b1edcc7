/** What is asked of the allocator's thread with one kind of memory, and the order of its answers. */
import type { Test } from 'tap';
import { PIECE_BYTES } from '../../../src/memory/limits.js';
import { map } from '../../../src/native/libc/memory.js';
import { withoutLeaks } from '../../support/fds.js';
import { AllocatorThread, type Asked, allocation, filling } from './support.js';

const alice = (connection: string) => ({ uid: 61001, connection });
const bob = { uid: 61002, connection: 'bob' };
const CONNECTIONS = 4;

export interface Memory {
  readonly source: string;
  readonly handleType: 'dma_buf' | 'memfd';
  /** Pieces of the large memory. */
  readonly pieces: number;
  /** How often each of alice's connections has it filled. */
  readonly fills: number;
}

export function fairness(t: Test, memory: Memory): Promise<void> {
  const size = memory.pieces * PIECE_BYTES;
  return withoutLeaks(t, `fairness with ${memory.handleType}s`, async (t) => {
    const thread = await AllocatorThread.start();

    await t.test("one user's gigabytes do not hold up another's small requests", async (t) => {
      const large = await thread.memory(memory, size);
      const work = Array.from({ length: CONNECTIONS * memory.fills }, (_, i): Asked => {
        const connection = `alice${i % CONNECTIONS}`;
        return ['fill', filling(alice(connection), large.reference)];
      });
      const small = Array.from(
        { length: 3 },
        (_): Asked => ['small', allocation(bob, memory, 4096)],
      );
      const order = await thread.order([...work, ...small]);
      t.same(order.filter((name) => name === 'fill').length, CONNECTIONS * memory.fills);
      const before = order.lastIndexOf('small') - small.length + 1;
      // bob has a turn for each of alice's pieces, so that hardly one of her fills is over when he has all; some
      // are where this thread was not let ask for everything at once. In order it would be all of them.
      const fills = order.slice(0, order.lastIndexOf('small')).filter((name) => name === 'fill');
      t.ok(fills.length <= work.length / 4, `after ${fills.length} fills, ${before} answers`);
      t.ok(order.indexOf('device') < order.indexOf('fill'), 'and who asks about devices is told');
      large.free();
    });

    await t.test('work on the same memory keeps its order, whoever asks', async (t) => {
      const [one, other] = [await thread.memory(memory, size), await thread.memory(memory, 4096)];
      await thread
        .order([
          ['first', filling(alice('a'), one.reference, 1)],
          ['second', filling(bob, one.reference, 2)],
          ['third', filling(alice('a'), one.reference, 3)],
          ['other', filling(bob, other.reference, 4)],
        ])
        .then((order) => {
          t.ok(order.indexOf('other') < order.indexOf('first'), 'other memory does not wait');
          t.same(
            order.filter((name) => ['first', 'second', 'third'].includes(name)),
            ['first', 'second', 'third'],
          );
        });
      t.equal(lastWord(one.reference.fds[0] ?? -1, size), 3);
      t.equal(lastWord(other.reference.fds[0] ?? -1, 4096), 4);
      for (const each of [one, other]) each.free();
    });

    await thread.close();
  });
}

function lastWord(fd: number, size: number): number {
  const { bytes, release } = map(fd, 4096, { write: false, offset: size - 4096 });
  try {
    return bytes.readUInt32LE(4092);
  } finally {
    release();
  }
}
