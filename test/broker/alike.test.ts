/** Equal requests and answers are the same object; what differs in anything is not. */
import t from 'tap';
import { Alike } from '../../src/broker/alike.js';
import type { Choice } from '../../src/broker/request.js';
import type { Allocation, MemorySpec } from '../../src/memory/source.js';

const choiceOf = (spec: MemorySpec, more: Partial<Choice> = {}): Choice =>
  ({ source: 'memfd', handleType: 'memfd', spec, ...more }) as Choice;

const linear = { kind: 'buffer', size: 4096, usage: 0, alignment: { size: 64 } } as const;
const image = {
  kind: 'image',
  width: 64,
  height: 64,
  format: 1,
  modifiers: [0n, 2n],
  usage: 0,
} as const;

t.test('choices', async (t) => {
  const alike = new Alike();
  const first = alike.choice(choiceOf({ ...linear }));
  t.equal(alike.choice(choiceOf({ ...linear, alignment: { size: 64 } })), first);
  const others: Choice[] = [
    choiceOf({ ...linear, size: 8192 }),
    choiceOf({ ...linear, usage: 1 }),
    choiceOf({ ...linear, placement: 'host_visible' }),
    choiceOf({ ...linear, alignment: { size: 128 } }),
    choiceOf({ ...linear, alignment: { offset: 64 } }),
    choiceOf(linear, { device: 'some' }),
    choiceOf(linear, { source: 'udmabuf' }),
    choiceOf(image),
    choiceOf({ ...image, modifiers: [2n, 0n] }),
    choiceOf({ ...image, modifiers: [0n] }),
    choiceOf({ ...image, width: 65 }),
  ];
  for (const other of others) t.same(alike.choice(other), other);
});

t.test('allocations keep what is their own', async (t) => {
  const alike = new Alike();
  const make = (fd: number, more: Partial<Allocation> = {}): Allocation => ({
    source: 'memfd',
    handleType: 'memfd',
    key: fd,
    memories: [4096],
    size: 4096,
    modifier: null,
    placement: ['host_visible'],
    planes: [{ memory: 0, offset: 0, stride: 0, fd }],
    exporter: null,
    ...more,
  });
  const all = [
    make(1),
    make(2, { identities: ['1:2'] }),
    make(3, { memories: [8192], size: 8192 }),
    make(4, { device: 'some', heaps: [{ index: 0, bytes: 4096 }] }),
    make(5, { vulkan: { memoryType: 1, dedicated: true } }),
    make(6, { check: { how: 'layout', reason: 'none' }, placement: [] }),
  ];
  for (const each of all) t.same(alike.allocation(each), each);
  t.equal(alike.allocation(make(7)).memories, alike.allocation(make(8)).memories);
});
