/** What a scenario expects: each operator where it holds and where it does not; what was bound; misspelling. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { filled, type Json, mismatches } from '../../conformance/pattern.js';
import { readScenarios } from '../../conformance/scenario.js';

const bound = new Map<string, Json>([
  ['buffer', { id: 'a', planes: [{ stride: 256 }], size: 4096 }],
  ['handle_type', 'memfd'],
]);

const cases: readonly [pattern: Json, good: Json | undefined, bad: Json | undefined][] = [
  [1, 1, 2],
  [null, null, 0],
  ['text', 'text', 'texts'],
  ['$any', null, undefined],
  ['$handle_type', 'memfd', 'dma_buf'],
  ['$buffer.planes.0.stride', 256, 64],
  ['$buffer', { id: 'a', planes: [{ stride: 256 }], size: 4096 }, { id: 'a' }],
  [{ a: 1 }, { a: 1, b: 2 }, { b: 2 }],
  [{ a: { b: 1 } }, { a: { b: 1 } }, { a: null }],
  [
    [1, 2],
    [1, 2],
    [1, 2, 3],
  ],
  [{ $type: 'array' }, [], {}],
  [{ $match: '^[a-z]+$' }, 'abc', 'a1'],
  [{ $min: 3 }, 3, 2],
  [{ $max: 3 }, 3, 4],
  [{ $min: 3 }, 3, '3'],
  [{ $one_of: [1, { a: 1 }] }, { a: 1 }, 2],
  [{ $not: 1 }, 2, 1],
  [{ $each: { a: 1 } }, [{ a: 1 }, { a: 1 }], [{ a: 1 }, { a: 2 }]],
  [{ $contains: 2 }, [1, 2], [1, 3]],
  [{ $once: 2 }, [1, 2], [2, 2]],
  [{ $once: 2 }, [2], 2],
  [{ $length: 2 }, [1, 2], [1]],
  [{ $length: { $min: 1 } }, 'a', ''],
  [{ a: { $absent: true } }, {}, { a: 1 }],
];

for (const [pattern, good, bad] of cases) {
  t.test(JSON.stringify(pattern), async (t) => {
    t.same(mismatches(pattern, good, bound), []);
    t.ok(mismatches(pattern, bad, bound).length > 0, `${JSON.stringify(bad)} is not it`);
  });
}

t.test('what was bound is put in', async (t) => {
  const path = ['/v1/$', '{buffer.id}?n=$', '{buffer.size}'].join('');
  t.same(filled({ a: ['$buffer.size', path] }, bound), {
    a: [4096, '/v1/a?n=4096'],
  });
  t.throws(() => filled('$nothing.id', bound), /nothing has bound/);
  t.throws(() => mismatches({ $least: 1 }, 1, bound), /no operator \$least/);
});

t.test('a misspelt field of a scenario is refused', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'dmabroker-test-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const read = (step: Json) => {
    const scenarios = [{ name: 'one', steps: [step] }];
    writeFileSync(join(folder, 'a.json'), JSON.stringify({ scenarios }));
    return readScenarios(folder);
  };
  t.equal(read({ client: 'A', do: 'connect', expect: {} }).length, 1);
  t.throws(() => read({ client: 'A', do: 'connect', expects: {} }), /no field expects/);
  t.throws(() => read({ client: 'A', do: 'connect', expect: {}, refused: {} }), /and/);
  t.throws(() => read({ client: 'A', expect: {} }), /nothing is done/);
  t.throws(() => read({ do: 'connect' }), /no client/);
});
