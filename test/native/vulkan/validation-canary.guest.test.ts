/**
 * Proof that validation messages are seen at all: one deliberately invalid call must end up in the
 * log. Without it, every "no messages" elsewhere could mean "no validation".
 */
import t from 'tap';
import { Arena } from '../../../src/native/arena.js';
import { probeVulkan } from '../../../src/native/sources/probe-vulkan.js';
import {
  VkBufferCreateInfo,
  VkBufferUsageFlagBits,
} from '../../../src/native/vulkan/layout.gen.js';
import { openDevice } from '../../../src/native/vulkan/open.js';
import { write } from '../../../src/native/vulkan/struct.js';
import { enableValidation, inGuest } from './validation.js';

const validation = enableValidation();

const { device, states, sources } = probeVulkan();
for (const source of sources) source.close();
const skip = validation.skip || (device ? false : (states[0]?.reason ?? 'no device'));

t.test('a VkBuffer of 0 bytes is reported', { skip: !inGuest && skip }, async (t) => {
  t.equal(validation.log(), '', 'nothing was reported before');
  const device = openDevice();
  device.retain();
  const arena = new Arena();
  const out = arena.reserve(8);
  const info = write(arena, VkBufferCreateInfo, {
    size: 0,
    usage: VkBufferUsageFlagBits.VK_BUFFER_USAGE_TRANSFER_SRC_BIT,
  });
  device.call('vkCreateBuffer', info, 0, arena.address + out);
  device.call('vkDestroyBuffer', arena.view.getBigUint64(out, true), 0);
  device.release();
  t.match(validation.log(), 'VUID-VkBufferCreateInfo-size-00912');
});
