/** The choice among devices: what an administrator may write, and what is taken without. */
import t from 'tap';
import { type Candidate, chooseDevice } from '../../../src/native/vulkan/choose.js';

const cpu: Candidate = {
  name: 'llvmpipe (LLVM 19.1.7)',
  type: 'cpu',
  deviceUuid: '6d657361'.repeat(4),
  drm: null,
};
const integrated: Candidate = {
  name: 'Intel(R) Graphics (ADL GT2)',
  type: 'integrated_gpu',
  deviceUuid: '8680'.repeat(8),
  drm: { primary: { major: 226, minor: 1 }, render: { major: 226, minor: 129 } },
};
const discrete: Candidate = {
  name: 'AMD Radeon RX 7600',
  type: 'discrete_gpu',
  deviceUuid: '00112233445566778899aabbccddeeff',
  drm: { primary: { major: 226, minor: 0 }, render: { major: 226, minor: 128 } },
};
const twin: Candidate = { ...discrete, deviceUuid: 'f'.repeat(32), drm: null };
const all = [cpu, integrated, discrete, twin];

const nodes = new Map([['/dev/dri/renderD129', { major: 226, minor: 129 }]]);
const choose = (wanted?: string, among: readonly Candidate[] = all) =>
  chooseDevice(among, wanted, (path) => nodes.get(path) ?? null);

t.test(
  'without a wish: discrete, integrated, virtual, other, CPU; the first of equals',
  async (t) => {
    t.equal(choose(), discrete);
    t.equal(choose(undefined, [cpu, integrated]), integrated);
    t.equal(choose(undefined, [cpu, { ...cpu, type: 'virtual_gpu' }]).type, 'virtual_gpu');
    t.equal(choose(undefined, [cpu, { ...cpu, type: 'other' }]).type, 'other');
    t.equal(choose(undefined, [cpu]), cpu);
  },
);

t.test('by UUID, with or without dashes, in any case', async (t) => {
  t.equal(choose('f'.repeat(32)), twin);
  t.equal(choose('00112233-4455-6677-8899-AABBCCDDEEFF'), discrete);
});

t.test('by DRM node: path or numbers, primary or render', async (t) => {
  t.equal(choose('/dev/dri/renderD129'), integrated);
  t.equal(choose('226:1'), integrated);
  t.equal(choose('226:128'), discrete);
});

t.test('by a part of the name; of several the best type', async (t) => {
  t.equal(choose('LLVM'), cpu);
  t.equal(choose('r'), discrete, 'Radeon and Graphics both have one');
});

t.test('what does not fit is an error that lists what exists', async (t) => {
  t.throws(() => choose('nvidia'), /"nvidia"; there are: llvmpipe.*226:129.*Radeon/);
  t.throws(() => choose('/dev/dri/renderD200'), /there are/);
  t.throws(() => choose('226:200'), /there are/);
  t.throws(() => choose('0'.repeat(32)), /there are/);
  t.throws(() => choose(undefined, []), /no Vulkan device/);
});
