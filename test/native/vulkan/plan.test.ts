/** Pure decisions: which extensions are enabled, which memory type is taken, what results mean. */
import t from 'tap';
import { type Placement, Usage } from '../../../src/memory/source.js';
import { planExtensions } from '../../../src/native/vulkan/extensions.js';
import {
  VkMemoryPropertyFlagBits as Flag,
  VkResult,
} from '../../../src/native/vulkan/layout.gen.js';
import {
  noType,
  suitableTypes,
  wishFor,
  withRoom,
} from '../../../src/native/vulkan/memory-type.js';
import { check, resultName, vulkanError } from '../../../src/native/vulkan/result.js';
import { bufferUsage, imageUsage, isUsage } from '../../../src/native/vulkan/usage.js';
import { apiVersion, versionText } from '../../../src/native/vulkan/version.js';
import { refused } from '../../support/refused.js';

t.test('extensions are enabled with what they depend on, by version', async (t) => {
  const modifier = 'VK_EXT_image_drm_format_modifier';
  const reportOf = (plan: ReturnType<typeof planExtensions>, name: string) =>
    plan.report.find((entry) => entry.name === name);

  const newer = planExtensions(new Set([modifier]), apiVersion(1, 2));
  t.strictSame(newer.names, [modifier]);

  const older = planExtensions(new Set([modifier, 'VK_KHR_image_format_list']), apiVersion(1, 1));
  t.strictSame(older.names, ['VK_KHR_image_format_list', modifier]);

  const lacking = planExtensions(new Set([modifier]), apiVersion(1, 1));
  t.strictSame(lacking.names, []);
  t.match(reportOf(lacking, modifier), { enabled: false, reason: /VK_KHR_image_format_list/ });

  const noFd = planExtensions(new Set(['VK_EXT_external_memory_dma_buf']), apiVersion(1, 3));
  t.match(reportOf(noFd, 'VK_EXT_external_memory_dma_buf'), {
    enabled: false,
    reason: /VK_KHR_external_memory_fd/,
  });
  t.match(reportOf(noFd, 'VK_EXT_memory_budget'), { enabled: false, reason: /does not have it/ });
});

t.test('memory types: masked bits, required flags, then preference, then order', async (t) => {
  const local = Flag.VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
  const visible = Flag.VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT;
  const cached = Flag.VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
  const types = [visible, local, local | visible, visible | cached].map((flags, index) => ({
    index,
    heap: 0,
    flags,
  }));
  const choose = (allowed: number, required: number, ...preferred: number[]) =>
    suitableTypes(types, allowed, { required, preferred })[0]?.index;
  t.equal(choose(0b1111, 0, local), 1);
  t.equal(choose(0b1101, 0, local), 2, 'not among the allowed: never taken');
  t.equal(choose(0b1111, visible, local), 2);
  t.equal(choose(0b1111, visible, cached, local), 3, 'the first preference counts most');
  t.equal(choose(0b1001, visible), 0);
  t.equal(choose(0b0010, visible), undefined);

  const amd = [{ index: 0, heap: 0, flags: Flag.VK_MEMORY_PROPERTY_DEVICE_COHERENT_BIT_AMD }];
  t.same(suitableTypes(amd, 1, { required: 0, preferred: [] }), [], 'needs a feature');
});

/** As a discrete GPU's: its own memory, the machine's, a window into its own, the machine's cached. */
const local = Flag.VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
const visible = Flag.VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT;
const coherent = Flag.VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
const cached = Flag.VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
const discrete = [
  { index: 0, heap: 0, flags: visible | coherent },
  { index: 1, heap: 1, flags: local },
  { index: 2, heap: 2, flags: local | visible | coherent },
  { index: 3, heap: 0, flags: visible | coherent | cached },
];
const heaps = [8000n, 4000n, 200n].map((size, index) => ({
  index,
  size,
  deviceLocal: index > 0,
  budget: null,
  usage: null,
}));

t.test('memory types by placement and usage', async (t) => {
  const chosen = (placement: Placement, usage = 0) =>
    suitableTypes(discrete, 0b1111, wishFor({ usage, placement }))[0]?.index;
  t.equal(chosen('any'), 1, 'the device’s own, though it is not the first');
  t.equal(chosen('device_local'), 1);
  t.equal(chosen('device_local', Usage.cpuWrite), 2);
  t.equal(chosen('host_visible'), 2, 'mapped, and the device’s own if there is such');
  t.equal(chosen('host_cached'), 3);
  t.equal(chosen('any', Usage.cpuRead), 3);

  const only = discrete.slice(0, 2);
  const purpose = { usage: Usage.cpuRead, placement: 'device_local' } as const;
  t.same(suitableTypes(only, 0b11, wishFor(purpose)), []);
  t.match(noType(only, 0b11, purpose), {
    code: 'unsupported_placement',
    message: 'no memory type for this is device_local that can be mapped',
    refusal: {
      constraint: 'placement',
      requested: 'device_local',
      possible: [
        { index: 0, heap: 0, flags: ['host_visible', 'host_coherent'] },
        { index: 1, heap: 1, flags: ['device_local'] },
      ],
    },
  });
});

t.test('heaps: their size, their budgets, and what the same request takes', async (t) => {
  const suitable = suitableTypes(discrete, 0b1111, wishFor({ usage: 0 }));
  const none = new Map<number, bigint>();
  const take = (size: bigint, used: bigint[] | null, planned = none) => {
    const budgets =
      used && ((heap: number) => ({ budget: heaps[heap]?.size ?? 0n, usage: used[heap] ?? 0n }));
    return withRoom(suitable, size, { heaps, budgets, planned, promised: 6000n }).index;
  };
  t.equal(take(4000n, null), 1);
  t.equal(take(4001n, null), 0, 'larger than the heap: another heap’s type');
  t.equal(take(3000n, [0n, 1000n, 0n]), 1);
  t.equal(take(3000n, [0n, 1001n, 0n]), 0, 'more than is left of the budget');
  t.equal(take(2000n, null, new Map([[1, 2001n]])), 0, 'another memory of it comes first');
  t.match(
    refused(() => take(8001n, null)),
    { code: 'too_large', refusal: { constraint: 'size', requested: 8001, possible: 6000 } },
  );
  t.match(
    refused(() => take(3000n, [7000n, 1001n, 0n])),
    {
      code: 'out_of_memory',
      message: /heap 1 .* 1001 of 4000 bytes/,
      refusal: {
        constraint: 'heap_budget',
        requested: 3000,
        possible: { max: 2999, heap: 1, budget: 4000, usage: 1001 },
      },
    },
  );
});

t.test('results have names and codes', async (t) => {
  t.equal(resultName(-2), 'VK_ERROR_OUT_OF_DEVICE_MEMORY');
  t.equal(resultName(-12345), 'VkResult -12345');
  t.equal(vulkanError(VkResult.VK_ERROR_TOO_MANY_OBJECTS, 'f').code, 'out_of_memory');
  t.equal(vulkanError(VkResult.VK_ERROR_DEVICE_LOST, 'f').code, 'device_lost');
  t.equal(vulkanError(VkResult.VK_ERROR_UNKNOWN, 'f').code, 'internal');
  t.equal(check(VkResult.VK_INCOMPLETE, 'f'), VkResult.VK_INCOMPLETE);
  t.throws(() => check(-1, 'vkFoo'), { message: 'vkFoo: VK_ERROR_OUT_OF_HOST_MEMORY' });
});

t.test('usage bits and versions', async (t) => {
  t.equal(bufferUsage(0), 3, 'always transfer');
  t.equal(imageUsage(Usage.cpuRead), 3, 'an image needs some usage');
  t.equal(imageUsage(Usage.sample | Usage.render), 4 | 16);
  t.equal(imageUsage(Usage.scanout | Usage.videoDecode), 3, 'Vulkan has none for these');
  t.ok(isUsage(511));
  for (const wrong of [512, -1, 0.5, 2 ** 32, Number.NaN]) t.notOk(isUsage(wrong), `${wrong}`);
  t.equal(versionText(apiVersion(1, 4, 305)), '1.4.305');
});
