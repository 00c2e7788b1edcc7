/**
 * What accounting costs with 10,000 buffers: a look at each released memory (memfds: a lease; dma_bufs: fdinfo, here of
 * any fd, which is read and parsed alike), and one sweep over all processes.
 */
import { readFileSync } from 'node:fs';
import { checked } from '../../src/memory/check-spec.js';
import { SystemClock } from '../../src/native/clock.js';
import { parseInfo } from '../../src/native/dmabuf.js';
import { close, duplicate } from '../../src/native/libc/fd.js';
import { remains } from '../../src/native/remains.js';
import { MemfdSource } from '../../src/native/sources/memfd.js';
import { sweep } from '../../src/server/observe/holders/sweep.js';
import type { Bench } from '../support/bench.js';
import { inTurns } from '../support/rounds.js';

export const accounting: Bench = {
  name: 'accounting',
  what: 'Released buffers, and who holds them',
  place: 'host',
  amount: { rounds: 7, requests: 10_000 },
  quick: { rounds: 3, requests: 2000 },

  async run({ rounds, requests }) {
    const source = new MemfdSource();
    const allocations = Array.from({ length: requests }, () =>
      source.allocate(checked({ kind: 'buffer', size: 4096, usage: 4 }), 'bench'),
    );
    const fds = allocations.map(({ planes }) => planes[0]?.fd ?? -1);
    const released = allocations.map((allocation, i) =>
      remains(allocation, [duplicate(fds[i] ?? -1)]),
    );
    const each = (body: () => unknown) => async () => {
      const start = process.hrtime.bigint();
      await body();
      return Number(process.hrtime.bigint() - start) / 1000 / requests;
    };
    const all = await inTurns(rounds, {
      'a sweep over all processes, their fds in one': each(() =>
        sweep(new SystemClock(), { memories: new Set() }),
      ),
      'fdinfo, read and parsed': each(() => {
        for (const fd of fds) parseInfo(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'));
      }),
      'a look at a released memfd': each(() => {
        for (const one of released) one.look();
      }),
    });
    for (const one of released) one.close();
    for (const fd of fds) close(fd);
    source.close();
    return Object.entries(all).map(([name, values]) => ({
      case: name,
      what: 'µs a buffer',
      better: 'less',
      sides: ['daemon'],
      values,
      against: [],
    }));
  },
};
