/**
 * What accounting costs with 10,000 buffers: a look at each released memory (memfds: a lease; dma_bufs:
 * fdinfo, here of any fd, which is read and parsed alike), and one sweep over all processes.
 */

import { readFileSync } from 'node:fs';
import { checked } from '../src/memory/check-spec.js';
import { SystemClock } from '../src/native/clock.js';
import { parseInfo } from '../src/native/dmabuf.js';
import { remains } from '../src/native/remains.js';
import { MemfdSource } from '../src/native/sources/memfd.js';
import { sweep } from '../src/server/observe/holders/sweep.js';

const BUFFERS = 10_000;
const ROUNDS = 7;

const source = new MemfdSource();
const allocations = Array.from({ length: BUFFERS }, () =>
  source.allocate(checked({ kind: 'buffer', size: 4096, usage: 4 }), 'bench'),
);
const fdsOf = allocations.map(({ planes }) => [planes[0]?.fd ?? -1]);

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1] ?? 0;

async function measure(what: string, run: () => unknown): Promise<void> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  }
  const [all, least, most] = [median(times), Math.min(...times), Math.max(...times)];
  const each = ((all * 1000) / BUFFERS).toFixed(1);
  console.log(
    `${what}: ${all.toFixed(0)} ms (${least.toFixed(0)}–${most.toFixed(0)}), ${each} µs each`,
  );
}

await measure(`sweep, ${BUFFERS} fds in one process`, () =>
  sweep(new SystemClock(), { memories: new Set() }),
);
await measure('fdinfo, read and parsed', () => {
  for (const [fd] of fdsOf) parseInfo(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'));
});
const released = allocations.map((allocation, i) => {
  const fds = fdsOf[i] ?? [];
  return remains(allocation, fds);
});
await measure('memfd, watched', () => {
  for (const each of released) each.look();
});
for (const each of released) each.close();
source.close();
