/** A spec is checked before anybody plans, allocates or reckons with it: the compiler sees to that. */
import t from 'tap';
import { estimateOf } from '../../src/broker/quota/estimate.js';
import { type Choice, chooseSource } from '../../src/broker/request.js';
import { checked } from '../../src/memory/check-spec.js';
import type { BufferSpec, MemorySource } from '../../src/memory/source.js';
import { offers, request } from '../broker/support/world.js';
import { refused } from '../support/refused.js';

const spec: BufferSpec = { kind: 'buffer', size: 4097, usage: 4 };

t.test('what was not checked cannot be planned, allocated or estimated', async (t) => {
  const unchecked = (source: MemorySource): unknown[] => [
    // @ts-expect-error
    source.plan(spec),
    // @ts-expect-error
    source.allocate(spec, 'id'),
    // @ts-expect-error
    source.allocating(spec, 'id'),
    // @ts-expect-error
    estimateOf(spec),
    // @ts-expect-error
    chooseSource(request({ spec }), [], offers),
    // @ts-expect-error
    { source: 'memfd', handleType: 'memfd', spec } satisfies Choice,
  ];
  t.type(unchecked, 'function');
  t.same(estimateOf(checked(spec)), { bytes: 8192, fds: 1 });
});

t.test('a checked spec is the one that came in', async (t) => {
  t.equal(checked(spec), spec);
  t.match(
    refused(() => checked({ ...spec, size: 0 })),
    { code: 'invalid_argument', refusal: { constraint: 'size', possible: { min: 1 } } },
  );
});
