/** Pure decisions: which extensions are enabled, which memory type is taken, what results mean. */
import t from 'tap';
import { Usage } from '../../../src/broker/source.js';
import { planExtensions } from '../../../src/native/vulkan/extensions.js';
import {
  VkMemoryPropertyFlagBits as Flag,
  VkResult,
} from '../../../src/native/vulkan/layout.gen.js';
import { chooseMemoryType } from '../../../src/native/vulkan/memory.js';
import { check, resultName, vulkanError } from '../../../src/native/vulkan/result.js';
import { bufferUsage, imageUsage, isUsage } from '../../../src/native/vulkan/usage.js';
import { apiVersion, versionText } from '../../../src/native/vulkan/version.js';

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
    chooseMemoryType(types, allowed, { required, preferred })?.index;
  t.equal(choose(0b1111, 0, local), 1);
  t.equal(choose(0b1101, 0, local), 2, 'not among the allowed: never taken');
  t.equal(choose(0b1111, visible, local), 2);
  t.equal(choose(0b1111, visible, cached, local), 3, 'the first preference counts most');
  t.equal(choose(0b1001, visible), 0);
  t.equal(choose(0b0010, visible), undefined);

  const amd = [{ index: 0, heap: 0, flags: Flag.VK_MEMORY_PROPERTY_DEVICE_COHERENT_BIT_AMD }];
  t.equal(chooseMemoryType(amd, 1, { required: 0, preferred: [] }), null, 'needs a feature');
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
  t.ok(isUsage(63));
  for (const wrong of [64, -1, 0.5, 2 ** 32, Number.NaN]) t.notOk(isUsage(wrong), `${wrong}`);
  t.equal(versionText(apiVersion(1, 4, 305)), '1.4.305');
});
