/** What the data plane allocates itself: little at once, much by threads, and nothing that is the allocator's. */
import t from 'tap';
import type { Choice } from '../../../src/broker/request.js';
import { checked } from '../../../src/memory/check-spec.js';
import { MAX_ALLOCATING, SMALL_BYTES, SMALL_PER_TURN } from '../../../src/memory/limits.js';
import type { Result } from '../../../src/memory/result.js';
import type { Allocation, SourceName } from '../../../src/memory/source.js';
import { closeCall, type LongCall } from '../../../src/native/later.js';
import { close } from '../../../src/native/libc/fd.js';
import { sealedMemfd } from '../../../src/native/libc/memory.js';
import { LinearSource } from '../../../src/native/sources/linear.js';
import { MemfdSource } from '../../../src/native/sources/memfd.js';
import { KernelMemory } from '../../../src/server/plane/kernel-memory.js';
import { withoutLeaks } from '../../support/fds.js';

const ONE = { uid: 1, connection: 'c1' };
const OTHER = { uid: 2, connection: 'c2' };

/** udmabuf as far as it matters here: its memory needs a call that takes long. */
function slowSource(name: SourceName): LinearSource {
  return new LinearSource({
    name,
    handleType: 'dma_buf',
    exporter: name,
    committed: false,
    limit: () => null,
    create: function* (bytes, name) {
      const result = yield closeCall(-1, false);
      if (result === -1) throw new TypeError('a defect');
      if (result < 0) throw Object.assign(new Error('ENOMEM'), { code: 'ENOMEM' });
      return sealedMemfd(name, bytes);
    },
    close: () => {},
  });
}

function make() {
  const running: ((result: number) => void)[] = [];
  const defects: string[] = [];
  const begin = (_call: LongCall, done: (result: number) => void) => {
    running.push(done);
    return true;
  };
  const names = ['memfd', 'udmabuf', 'dma-heap:system', 'dma-heap:cma', 'vulkan'] as const;
  const states = names.map((name) => ({
    ...{ name, usable: true, reason: '' },
    handleType: name === 'memfd' ? ('memfd' as const) : ('dma_buf' as const),
  }));
  const opened = ({ name }: { readonly name: SourceName }) => {
    if (name === 'vulkan') return null;
    return name === 'memfd' ? new MemfdSource() : slowSource(name);
  };
  const memory = new KernelMemory(states, begin, (stack) => defects.push(stack), opened);
  const ask = (choice: Partial<Choice> & { size?: number }, asker = ONE) => {
    const { size = 4096, source = 'udmabuf' } = choice;
    const results: Result<Allocation>[] = [];
    const spec = checked({ kind: 'buffer', size, usage: 4 });
    const handleType = source === 'memfd' ? 'memfd' : 'dma_buf';
    const full = { source, handleType, spec, ...choice } as Choice;
    const isHere = memory.allocate(asker, full, 'abc', (result) => results.push(result));
    return { isHere, results };
  };
  const letGo = (results: readonly Result<Allocation>[]) => {
    for (const each of results) {
      if ('error' in each) throw each.error;
      for (const { fd } of each.planes) close(fd);
    }
  };
  return { memory, running, defects, ask, letGo };
}

await withoutLeaks(t, 'kernel memory', async (t) => {
  t.test('little is there at once', async (t) => {
    const { ask, letGo, memory } = make();
    for (const source of ['memfd', 'udmabuf', 'dma-heap:system'] as const) {
      const { isHere, results } = ask({ source, size: SMALL_BYTES });
      t.ok(isHere);
      t.match(results, [{ source, size: SMALL_BYTES, identities: [/^\d+:\d+$/] }], source);
      letGo(results);
    }
    const { results } = ask({ source: 'memfd', size: 2 ** 30 });
    t.match(results, [{ size: 2 ** 30 }], 'a memfd has no pages yet');
    letGo(results);
    t.ok(memory.idle);
  });

  t.test('much is made by threads, and so is all of a CMA heap', async (t) => {
    const { ask, letGo, memory, running } = make();
    const much = ask({ size: SMALL_BYTES + 1 });
    const cma = ask({ source: 'dma-heap:cma' });
    t.same([much.isHere, cma.isHere, much.results, cma.results], [true, true, [], []]);
    t.notOk(memory.idle);
    t.equal(running.length, 2);
    for (const done of running.splice(0)) done(0);
    t.match(much.results, [{ source: 'udmabuf', identities: [/:/] }]);
    t.match(cma.results, [{ source: 'dma-heap:cma' }]);
    t.ok(memory.idle);
    letGo([...much.results, ...cma.results]);
  });

  t.test('a turn makes no more than so many', async (t) => {
    const { ask, letGo, memory, running } = make();
    const all = Array.from({ length: SMALL_PER_TURN + 1 }, () => ask({}));
    t.same(all.at(-1)?.results, []);
    t.equal(running.length, 1, 'the last one has a thread');
    memory.turn();
    const next = ask({});
    t.equal(next.results.length, 1);
    running[0]?.(0);
    letGo([...all, next].flatMap(({ results }) => results));
  });

  t.test('a user that asks for much waits for itself', async (t) => {
    const { ask, letGo, memory, running } = make();
    const ones = Array.from({ length: MAX_ALLOCATING }, () => ask({ size: 2 ** 20 }));
    t.equal(running.length, MAX_ALLOCATING / 2);
    const other = ask({ size: 2 ** 20 }, OTHER);
    running.pop()?.(0);
    t.equal(other.results.length, 1);
    while (running.length > 0) {
      running.shift()?.(0);
      memory.run();
    }
    letGo([...ones, other].flatMap(({ results }) => results));
  });

  t.test('what fails is a refusal, and a defect is told', async (t) => {
    const { ask, running, defects } = make();
    const { results } = ask({ size: 2 ** 20 });
    running.pop()?.(-12);
    t.match(results, [{ error: { code: 'out_of_memory' } }]);
    const wrong = ask({ size: 2 ** 20 });
    running.pop()?.(-1);
    t.match(wrong.results, [{ error: { code: 'internal' } }]);
    t.equal(defects.length, 1);
  });

  t.test('what is not for it', async (t) => {
    const { ask } = make();
    t.notOk(ask({ source: 'vulkan' }).isHere);
    t.notOk(ask({ source: 'dma-heap:other' }).isHere);
    t.notOk(ask({ device: '00' }).isHere, 'of a device');
    t.notOk(ask({ source: 'memfd', handleType: 'dma_buf' }).isHere);
  });
});
